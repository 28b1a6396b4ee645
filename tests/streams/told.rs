//! Events of streams, as a tenant's webhook is told them by the real executables.

use crate::{
    receiver::{Hit, Receiver, SECRET},
    red::{GREY, RED, SETTINGS, jpeg, open, prepare},
    server::Server,
    site::Site,
    wait::until,
    world::Socket,
};
use serde_json::{Value, json};

const ANOTHER: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx";
/// Of the settings.
const DEADLINE: f64 = 5.0;

#[tokio::test]
async fn a_webhook_is_told_of_warnings_cuts_and_clearings_signed_and_within_the_deadline() {
    let (own, foreign) = (Receiver::saying(&[204]).await, Receiver::saying(&[204]).await);
    let site = Site::new(&format!(
        "{SETTINGS}\n[events]\nallow_private = true\n\
         [[events.webhooks]]\nname = \"shop\"\ntenant = \"acme\"\nurl = \"{}\"\n\
         secrets = [\"{SECRET}\"]\n\
         [[events.webhooks]]\nname = \"other\"\ntenant = \"globex\"\nurl = \"{}\"\n\
         secrets = [\"{ANOTHER}\"]",
        own.url(),
        foreign.url()
    ));
    site.hold_clamd_down();
    let key = prepare(&site).await;
    let server = Server::start_with(&site, &key).await;
    let (id, secret) = open(&server, json!({ "external_id": "camera 1" })).await;
    let address = server.url.strip_prefix("http://").unwrap();
    let mut socket = Socket::to(address, &format!("/v1/streams/{id}/frames"), &secret).await;
    let mut sequence = 0;
    let mut judged = async |colour| {
        sequence += 1;
        socket.send(jpeg(sequence, colour)).await;
        socket.next_of("frame").await["decision"].as_str().unwrap().to_owned()
    };
    assert_eq!(judged(GREY).await, "pass");
    judged(RED).await;
    assert_eq!(judged(RED).await, "cut");
    for _ in 0..3 {
        judged(GREY).await;
    }
    assert_eq!(judged(GREY).await, "pass");
    // And nothing any more, so that nobody watches.
    let told = until("all of it is told", async || {
        let hits = own.hits();
        if hits.len() >= 4 { Ok(hits) } else { Err(hits.len()) }
    })
    .await;
    let verifier = standardwebhooks::Webhook::new(SECRET).unwrap();
    let mut kinds = Vec::new();
    for Hit { came, headers, body, .. } in &told {
        verifier.verify(body, headers).unwrap();
        assert!(standardwebhooks::Webhook::new(ANOTHER).unwrap().verify(body, headers).is_err());
        let event: Value = serde_json::from_slice(body).unwrap();
        let data = &event["data"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        assert_eq!((text(&event["subject"]), text(&data["external_id"])), (id.clone(), "camera 1".into()));
        assert_eq!(text(&event["id"]), headers["webhook-id"].to_str().unwrap());
        let after = came.duration_since(text(&data["at"]).parse().unwrap()).as_secs_f64();
        assert!(after < DEADLINE, "it was told after {after} s: {event}");
        kinds.push((text(&event["type"]), text(&data["decision"]), text(&data["reason"])));
    }
    let expected = [
        ("io.lazaret.stream.cleared.v1", "pass", "clean"),
        ("io.lazaret.stream.cut.v1", "cut", "bad"),
        ("io.lazaret.stream.cleared.v1", "pass", "clean"),
        ("io.lazaret.stream.warned.v1", "warn", "unwatched"),
    ];
    assert_eq!(kinds, expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
    assert!(foreign.hits().is_empty(), "it is none of another tenant's business");
    server.kill().await;
}
