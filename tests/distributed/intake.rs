//! What backends and buckets enqueue.

use crate::{
    broker::Plain,
    samples,
    senders::{Senders, taken},
    server::Server,
    upload::sha256,
};
use serde_json::{Value, json};

#[tokio::test]
async fn references_and_notices_become_uploads_and_repeats_become_none() {
    let senders = Senders::new();
    let server = Server::ready(&senders.site).await;
    let plain = Plain::connect(&senders.site.backing.vhost.url).await;
    senders.put("new/a letter.txt", &samples::text(1));
    senders.put("new/photo.jpg", &samples::photo(1));
    plain.submit(&senders.event("1", "new/a letter.txt", "order-17")).await;
    plain.submit(&senders.event("1", "new/a letter.txt", "order-17")).await;
    // Another message, and the same upload to the one who sent it.
    plain.submit(&senders.event("2", "new/a letter.txt", "order-17")).await;
    for _ in 0..2 {
        plain.submit(&senders.notice("new/photo.jpg", samples::photo(1).len())).await;
    }
    taken(&server, "done", 5).await;
    let all = server.list().await;
    assert_eq!(all.len(), 2, "{all:?}");
    for upload in &all {
        let settled = server.settled(upload["id"].as_str().unwrap()).await;
        assert_eq!((&settled["state"], &settled["verdict_number"]), (&"published".into(), &1.into()));
        let bytes = match settled["external_id"].as_str() {
            Some("order-17") => samples::text(1),
            _ => samples::photo(1),
        };
        assert_eq!(settled["sha256"], sha256(&bytes), "{settled}");
    }
    let known: Vec<_> = all.iter().filter(|upload| upload["external_id"] == "order-17").collect();
    assert_eq!((known.len(), &known[0]["filename"]), (1, &"letter.txt".into()));
}

#[tokio::test]
async fn what_lies_elsewhere_is_a_dead_letter_until_it_is_allowed_and_redriven() {
    let senders = Senders::new();
    let server = Server::ready(&senders.site).await;
    let plain = Plain::connect(&senders.site.backing.vhost.url).await;
    senders.put("old/a.txt", &samples::text(2));
    plain.submit(&senders.event("1", "old/a.txt", "order-18")).await;
    plain.submit(&json!({"hello": "world"})).await;
    taken(&server, "buried", 2).await;
    let dead = async || {
        let listed = senders.site.run(&["dead", "list", "--json"]).await;
        assert_eq!(listed.code(), 0, "{listed:?}");
        listed.json()
    };
    let letters = dead().await;
    let codes: Vec<&Value> = letters.iter().map(|letter| &letter["code"]).collect();
    assert!(
        codes.contains(&&json!("source.forbidden")) && codes.contains(&&json!("body.unknown")),
        "{letters:?}"
    );
    assert_eq!(server.list().await, [Value::Null; 0]);
    let table = senders.site.run(&["dead", "list"]).await;
    assert!(table.out().contains("source.forbidden") && table.out().contains("lazaret.uploads"), "{table:?}");

    // Sent back as things are, it dies again.
    let forbidden = letters.iter().find(|letter| letter["code"] == "source.forbidden").unwrap();
    let id = forbidden["id"].as_str().unwrap();
    let redrive = async || senders.site.run(&["dead", "redrive", id]).await;
    let sent = redrive().await;
    assert_eq!((sent.code(), sent.out().as_str()), (0, "1 sent back\n"), "{sent:?}");
    taken(&server, "buried", 3).await;
    let key = server.key.clone();
    server.terminate();
    assert!(server.ended().await.success());

    senders.owns(&[("acme", "new/"), ("acme", "old/")]);
    let server = Server::start_with(&senders.site, &key).await;
    assert_eq!(redrive().await.out(), "1 sent back\n");
    taken(&server, "done", 1).await;
    let all = server.list().await;
    assert_eq!((all.len(), &all[0]["external_id"]), (1, &"order-18".into()));
    assert_eq!(server.settled(all[0]["id"].as_str().unwrap()).await["state"], "published");
    let left = dead().await;
    assert_eq!((left.len(), &left[0]["code"]), (1, &"body.unknown".into()), "{left:?}");
}
