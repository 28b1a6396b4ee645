//! Live streams on many machines: frames through the broker, events out of it, and a watcher that is killed.

use crate::{
    broker::Plain,
    red::{GREY, RED, SETTINGS, jpeg, open, prepare},
    server::Server,
    site::Site,
    wait::{PATIENCE, until},
};
use lapin::{
    BasicProperties,
    options::{BasicGetOptions, BasicPublishOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use lazaret::adapters::amqp::STREAM_KEY;
use serde_json::{Value, json};

/// Publishes a frame, as a backend beside the encoder would. Is there a queue for it?
pub async fn publish(plain: &Plain, id: &str, key: &str, frame: Vec<u8>) -> bool {
    let mut headers = FieldTable::default();
    headers.insert(STREAM_KEY.into(), AMQPValue::LongString(key.into()));
    let properties = BasicProperties::default().with_headers(headers);
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let route = format!("stream.frame.{id}");
    let sent =
        plain.channel.basic_publish("lazaret".into(), route.as_str().into(), options, &frame, properties);
    let confirmed = sent.await.unwrap().await.unwrap();
    assert!(confirmed.is_ack());
    confirmed.take_message().is_none()
}

/// Binds a queue to the events of streams.
async fn listen(plain: &Plain) {
    let (options, none) = (QueueDeclareOptions::default(), FieldTable::default);
    plain.channel.queue_declare("streams".into(), options, none()).await.unwrap();
    for key in ["stream.warned", "stream.cut", "stream.cleared"] {
        let (options, exchange) = (QueueBindOptions::default(), "lazaret");
        let bound = plain.channel.queue_bind("streams".into(), exchange.into(), key.into(), options, none());
        bound.await.unwrap();
    }
}

async fn event(plain: &Plain) -> Value {
    until("an event comes", async || {
        let got = plain.channel.basic_get("streams".into(), BasicGetOptions { no_ack: true }).await.unwrap();
        Ok::<_, &str>(serde_json::from_slice(&got.ok_or("none")?.delivery.data).unwrap())
    })
    .await
}

pub async fn show(server: &Server, (id, key): &(String, String)) -> Value {
    let url = format!("{}/v1/streams/{id}", server.url);
    server.client.get(url).bearer_auth(key).send().await.unwrap().json().await.unwrap()
}

pub async fn process(site: &Site, key: &str, roles: &str, name: &str) -> Server {
    let data = site.path(name);
    Server::start_as(site, key, &["--no-migrate", "--roles", roles, "--data", data.to_str().unwrap()]).await
}

#[tokio::test]
async fn frames_come_through_the_broker_and_another_process_takes_over_from_one_that_is_killed() {
    let site = Site::new(&format!("{SETTINGS}max_frame = \"1MiB\"\n"));
    assert_eq!(site.run(&["migrate"]).await.code(), 0);
    let key = prepare(&site).await;
    let front = process(&site, &key, "api,events", "front").await;
    let first = process(&site, &key, "streams", "first").await;
    let plain = Plain::connect(&site.backing.vhost.url).await;
    listen(&plain).await;
    let stream = open(&front, json!({ "queue": true, "external_id": "camera 1" })).await;
    let (id, secret) = &stream;

    // Within a second or two somebody takes its frames; until then they are gone.
    let mut sequence = 0;
    until("it passes", async || {
        sequence += 1;
        publish(&plain, id, secret, jpeg(sequence, GREY)).await;
        let view = show(&front, &stream).await;
        if view["decision"] == "pass" { Ok(()) } else { Err(view) }
    })
    .await;
    assert_eq!(event(&plain).await["type"], "io.lazaret.stream.cleared.v1");
    // Who does not have the key sends nothing, though the broker lets him.
    for n in 1..=5 {
        publish(&plain, id, "lzs_x", jpeg(sequence + n, RED)).await;
    }
    // And who has it sends no more than may be sent anywhere else.
    publish(&plain, id, secret, [jpeg(sequence + 6, RED), vec![0; 2 << 20]].concat()).await;
    let mut red = sequence + 100;
    until("it is cut", async || {
        red += 1;
        publish(&plain, id, secret, jpeg(red, RED)).await;
        let view = show(&front, &stream).await;
        if view["decision"] == "cut" { Ok(()) } else { Err(view) }
    })
    .await;
    let cut = event(&plain).await;
    assert_eq!((&cut["type"], &cut["subject"]), (&"io.lazaret.stream.cut.v1".into(), &id.as_str().into()));
    assert_eq!((&cut["data"]["external_id"], &cut["data"]["reason"]), (&"camera 1".into(), &"bad".into()));
    until("what was lost is counted, and what had no key or was too large", async || {
        let view = show(&first, &stream).await;
        let (lost, failed) = (view["counts"]["lost"].as_u64(), view["counts"]["failed"].as_u64());
        if lost >= Some(90) && failed >= Some(6) { Ok(()) } else { Err(view) }
    })
    .await;

    // The one that dies takes nothing along: cut it is, and cleared only by frames that somebody judged.
    let second = process(&site, &key, "streams", "second").await;
    first.kill().await;
    let mut grey = red + 100;
    until("the second one clears it", async || {
        grey += 1;
        publish(&plain, id, secret, jpeg(grey, GREY)).await;
        let view = show(&front, &stream).await;
        if view["decision"] == "pass" { Ok(()) } else { Err(view) }
    })
    .await;
    assert_eq!(event(&plain).await["type"], "io.lazaret.stream.cleared.v1");

    // And when all are gone, nothing passes any more, whoever is asked.
    second.kill().await;
    until("nobody watches", async || {
        let view = show(&front, &stream).await;
        if view["reason"] == "unwatched" && view["decision"] == "warn" { Ok(()) } else { Err(view) }
    })
    .await;
    let elsewhere = format!("{}/v1/streams/{id}/frames", front.url);
    let sent = front.client.post(elsewhere).bearer_auth(secret).body(jpeg(1, GREY)).send().await.unwrap();
    assert_eq!(sent.status(), 501, "this process takes no frames");
}

/// Who follows it at a process that does not watch it hears of each change all the same, until it is over.
#[tokio::test]
async fn events_come_from_a_process_that_does_not_watch() {
    let site = Site::new(SETTINGS);
    assert_eq!(site.run(&["migrate"]).await.code(), 0);
    let key = prepare(&site).await;
    let front = process(&site, &key, "api,events", "front").await;
    let watcher = process(&site, &key, "streams", "watcher").await;
    let (id, secret) = open(&front, json!({})).await;
    let asked = front.client.get(format!("{}/v1/streams/{id}", front.url)).bearer_auth(&secret);
    let mut events = asked.header("accept", "text/event-stream").send().await.unwrap();
    let mut heard = String::new();
    for (sequence, colour, decision) in [(1, GREY, "pass"), (2, RED, "pass"), (3, RED, "cut")] {
        let frames = format!("{}/v1/streams/{id}/frames", watcher.url);
        let sent = front.client.post(frames).bearer_auth(&secret).body(jpeg(sequence, colour));
        assert_eq!(sent.send().await.unwrap().status(), 200);
        while !heard.contains(&format!("\"decision\":\"{decision}\"")) {
            let more = tokio::time::timeout(PATIENCE, events.chunk()).await.expect(&heard);
            heard.push_str(std::str::from_utf8(&more.unwrap().expect("it goes on")).unwrap());
        }
    }
    let closed = front.client.delete(format!("{}/v1/streams/{id}", front.url)).bearer_auth(&key);
    assert_eq!(closed.send().await.unwrap().status(), 204);
    let rest = tokio::time::timeout(PATIENCE, events.text()).await.expect("it ends").unwrap();
    assert!(rest.contains("\"open\":false"), "{heard}{rest}");
    watcher.kill().await;
}
