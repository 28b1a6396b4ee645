//! Sources whose times leap, that drip, or for whom there is no place.

use crate::{
    pulled::{PULLING, followed, pulled, pulling, show, site},
    sources::{LIVE, Page, Web, film},
    troubled::troubled,
    wait::until,
};
use futures_util::future::join_all;
use std::time::{Duration, Instant};

/// An hour forward and back again in the middle of a scene: it is looked at all the same.
#[tokio::test]
async fn times_that_leap_hide_nothing() {
    let (site, server) = site(&pulling(3)).await;
    let (web, folder) = (Web::start().await, site.path(""));
    let clip = "color=0x5a5a5a:s=320x180:r=10:d=1[a];color=0xfa0505:s=320x180:r=10:d=3[b];[a][b]concat=n=2";
    let cases = [
        ("forward", r"setts=ts=N*9000+324000000*gte(N\,12)"),
        ("back", r"setts=ts=324000000+N*9000-324000000*gte(N\,12)"),
        ("there and back", r"setts=ts=N*9000+324000000*between(N\,12\,16)"),
    ]
    .map(|(case, times)| {
        let (_, film) = film(&folder, "leap.ts", clip, &[&LIVE[..], &["-bsf:v", times]].concat());
        let (server, path) = (&server, format!("/{}.ts", case.replace(' ', "-")));
        let source = web.put(&path, Page::Bytes(film));
        async move { (case, followed(server, &pulled(server, &source).await).await) }
    });
    for (case, (all, last)) in join_all(cases).await {
        assert_eq!(
            (&last["decision"], &last["pull"]["state"]),
            (&"cut".into(), &"ended".into()),
            "{case}: {last}"
        );
        assert!(all.iter().any(|(decision, ..)| decision == "cut"), "{case}: {all:?}");
    }
    server.kill().await;
}

/// A byte now and then is no stall, and no frame ever.
#[tokio::test]
async fn what_drips_is_given_up() {
    let (site, server) = site(PULLING).await;
    let web = Web::start().await;
    let (_, grey) = film(&site.path(""), "grey.ts", "color=0x5a5a5a:s=320x180:r=10:d=4", &LIVE);
    let list = format!("#EXTM3U\n{}", "#EXTINF:2,\n/grey.ts\n".repeat(1000));
    let film = pulled(&server, &web.put("/film", Page::Drips(grey))).await;
    let list = pulled(&server, &web.put("/list", Page::Drips(list.into()))).await;
    let (film, list) = tokio::join!(followed(&server, &film), followed(&server, &list));
    for (case, (all, last)) in [("a film", film), ("a playlist", list)] {
        assert_eq!(last["pull"]["trouble"]["code"], "source.no_frames", "{case}: {last}");
        assert_eq!(
            (&last["pull"]["state"], &last["counts"]["judged"]),
            (&"gave_up".into(), &0.into()),
            "{case}"
        );
        assert!(all.iter().all(|(decision, ..)| decision == "warn"), "{case}: {all:?}");
    }
    server.kill().await;
}

/// So many sources are followed at a time. Another waits, is warned, and is told why, for as long as it takes; its turn comes.
/// Regression: one that waited for longer than `pull_patience` was closed.
#[tokio::test]
async fn a_source_for_which_there_is_no_place_says_so_and_waits() {
    let (site, server) = site(PULLING).await;
    let web = Web::start().await;
    let (_, long) = film(&site.path(""), "long.ts", "color=0x5a5a5a:s=320x180:r=10:d=300", &LIVE);
    let url = web.put("/long.ts", Page::Bytes(long));
    let passes = async |stream: &str| {
        until("it passes", async || {
            let view = show(&server, stream).await;
            let stands = (&view["decision"], &view["pull"]["state"]);
            if stands == (&"pass".into(), &"reading".into()) { Ok(()) } else { Err(view) }
        })
        .await;
    };
    let (one, two) = (pulled(&server, &url).await, pulled(&server, &url).await);
    passes(&one).await;
    passes(&two).await;
    let three = pulled(&server, &url).await;
    let view = troubled(&server, &three, "source.no_place").await;
    assert_eq!((&view["decision"], &view["reason"]), (&"warn".into(), &"unwatched".into()), "{view}");
    assert!(view["pull"]["trouble"]["detail"].as_str().unwrap().contains("streams.pulls"), "{view}");
    // It has waited for five seconds. A source that failed so would be given up when it fails for the second time, six later.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(9) {
        let view = show(&server, &three).await;
        assert_eq!((&view["open"], &view["reason"]), (&true.into(), &"unwatched".into()), "{view}");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let view = troubled(&server, &three, "source.no_place").await;
    let pull = &view["pull"];
    assert_eq!((&pull["state"], &pull["failures"]), (&"waiting".into(), &0.into()), "{view}");
    passes(&one).await;
    let closed = server.client.delete(format!("{}/v1/streams/{one}", server.url)).bearer_auth(&server.key);
    assert_eq!(closed.send().await.unwrap().status(), 204);
    passes(&three).await;
    passes(&two).await;
    server.kill().await;
}
