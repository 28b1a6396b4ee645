//! Verdicts, as they arrive at a queue of the backend's own.

use crate::{broker::Plain, samples, server::Server, site::Site, upload::sha256};
use lazaret_fixtures::eicar;
use sqlx::{Connection, PgConnection};
use std::collections::BTreeMap;

#[tokio::test]
async fn each_verdict_arrives_with_id_sequence_and_digest() {
    let site = Site::new("[events]\nsource = \"urn:lazaret:test\"");
    let server = Server::ready(&site).await;
    let plain = Plain::connect(&site.backing.vhost.url).await;
    plain.listen().await;
    let mut expected = BTreeMap::new();
    for (name, bytes, kind) in [
        ("a.txt", samples::text(1), "io.lazaret.upload.published.v1"),
        ("eicar.txt", eicar(), "io.lazaret.upload.quarantined.v1"),
        ("b.txt", samples::text(2), "io.lazaret.upload.published.v1"),
    ] {
        expected.insert(server.upload(name, &bytes).await, kind);
    }
    let mut store = PgConnection::connect(&site.backing.database).await.unwrap();
    let mut last = String::new();
    while !expected.is_empty() {
        let (message, event) = plain.event().await;
        let id = event["subject"].as_str().unwrap();
        let Some(kind) = expected.remove(id) else { panic!("nobody expects {event}") };
        assert_eq!(
            (event["type"].as_str(), event["source"].as_str()),
            (Some(kind), Some("urn:lazaret:test"))
        );
        assert_eq!((&event["id"], &event["data"]["id"]), (&message.as_str().into(), &id.into()));
        let sequence = event["sequence"].as_str().unwrap().to_owned();
        assert!(sequence > last && sequence.len() == 20, "{sequence} after {last}");
        last = sequence;
        let upload = server.show(id).await;
        assert_eq!(
            (&event["data"]["verdict"], &event["data"]["sha256"]),
            (&upload["verdict"], &upload["sha256"])
        );
        // The digest is of the very JSON that is stored.
        let stored = sqlx::query_scalar("SELECT detail::text FROM verdicts WHERE upload = $1");
        let stored: String = stored.bind(id).fetch_one(&mut store).await.unwrap();
        assert_eq!(event["data"]["verdict_digest"], sha256(stored.as_bytes()), "{event}");
    }
}
