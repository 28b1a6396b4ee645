//! Streams whose frames are fetched, on many machines: who watches fetches.

use crate::{
    red::{SETTINGS, open, prepare},
    server::Server,
    site::Site,
    sources::{LIVE, Page, Web, film},
    streams::process,
    wait::until,
};
use serde_json::{Value, json};

#[tokio::test]
async fn the_next_process_fetches_what_one_that_was_killed_did() {
    let site = Site::new(&format!("{SETTINGS}pull_private = [\"127.0.0.1\"]\nterm = \"2s\"\n"));
    assert_eq!(site.run(&["migrate"]).await.code(), 0);
    let key = prepare(&site).await;
    let front = process(&site, &key, "api,events", "front").await;
    let web = Web::start().await;
    let (_, clip) = film(&site.path(""), "grey.flv", "color=0x5a5a5a:s=320x180:r=10:d=120", &LIVE);
    let url = web.put("/grey.flv", Page::Bytes(clip));
    // A process that answers about streams and watches none opens it; it is fetched once somebody is there.
    let stream = open(&front, json!({ "source": url })).await;
    let show = async |server: &Server| -> Value {
        let url = format!("{}/v1/streams/{}", server.url, stream.0);
        server.client.get(url).bearer_auth(&stream.1).send().await.unwrap().json().await.unwrap()
    };
    let passes = async || {
        until("it passes", async || {
            let view = show(&front).await;
            let stands = (&view["decision"], &view["pull"]["state"]);
            if stands == (&"pass".into(), &"reading".into()) { Ok(()) } else { Err(view) }
        })
        .await;
    };
    let fetched = || web.asked.lock().unwrap().len();
    assert_eq!(fetched(), 0);
    let first = process(&site, &key, "streams", "first").await;
    passes().await;
    assert_eq!(fetched(), 1);
    first.kill().await;
    until("nobody watches", async || {
        let view = show(&front).await;
        if view["reason"] == "unwatched" { Ok(()) } else { Err(view) }
    })
    .await;
    let second = process(&site, &key, "streams", "second").await;
    passes().await;
    assert_eq!(fetched(), 2, "from its beginning");
    // One that leaves in good order hands it on.
    let third = process(&site, &key, "streams", "third").await;
    second.terminate();
    assert!(second.ended().await.success());
    until("the third one fetches it", async || if fetched() == 3 { Ok(()) } else { Err(fetched()) }).await;
    passes().await;
    third.kill().await;
}
