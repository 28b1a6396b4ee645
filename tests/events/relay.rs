use crate::{
    broker::{Broker, Fate, quick, relay},
    world::{TestClock, World, eventually},
};
use lazaret::{
    events::{relay::Options, webhook::Webhook, webhook::Webhooks},
    ports::{
        Clock,
        publisher::{Lane, Route},
    },
    upload::Decision,
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const GRACE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn received_uploads_become_work_and_verdicts_events() {
    let (world, broker) = (World::new().await, Broker::good());
    let id = world.settled(1).await;
    let at = TestClock::still().now();
    world.store.erase(&"acme".parse().unwrap(), id, "key:k", at).await.unwrap().unwrap();
    let running = relay(&world, Some(broker.clone()), TestClock::still(), quick("a")).start();
    eventually("all is handed on", async || world.all_handed_on().await).await;
    running.drain(GRACE).await;
    let [work, verdict, erased] = broker.messages().try_into().unwrap();
    assert_eq!((work.route, work.must_arrive), (Route::Work(Lane::Main), true));
    assert_eq!(work.body, id.to_string().into_bytes());
    assert_eq!((verdict.route, verdict.must_arrive), (Route::Event("upload.review".into()), false));
    assert_eq!(erased.route, Route::Event("upload.erased".into()));
    let event: Value = serde_json::from_slice(&verdict.body).unwrap();
    assert_eq!(verdict.content_type, "application/cloudevents+json");
    assert_eq!(
        (&event["specversion"], &event["type"]),
        (&json!("1.0"), &json!("io.lazaret.upload.review.v1"))
    );
    assert_eq!((&event["subject"], &event["sequence"]), (&json!(id), &json!(format!("{:020}", 2))));
    assert_eq!((&event["id"], event["id"].as_str()), (&json!(format!("2-{id}")), Some(verdict.id.as_str())));
    assert_eq!(event["data"]["verdict_digest"].as_str().unwrap().len(), 64);
    assert_eq!(event["data"]["id"], json!(id));
}

#[tokio::test]
async fn without_a_broker_uploads_are_handed_on_at_once_and_webhooks_are_to_be_called() {
    let world = World::new().await;
    world.settled(1).await;
    let webhook = Webhook {
        name: "w".into(),
        tenant: "acme".parse().unwrap(),
        url: "https://example.com/".parse().unwrap(),
        secrets: vec!["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap()],
        events: vec![],
    };
    let clock = TestClock::still();
    let mut relay = relay(&world, None, clock.clone(), quick("a"));
    relay.webhooks = Arc::new(Webhooks::new([webhook], false).unwrap());
    let running = relay.start();
    eventually("all is handed on", async || world.all_handed_on().await).await;
    running.drain(GRACE).await;
    let due = world.store.calls_due(clock.now(), 10).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].entry.sequence, due[0].webhook.as_str()), (2, "w"));
}

#[tokio::test]
async fn a_tenant_above_its_share_goes_on_in_the_bulk_lane() {
    let (world, broker) = (World::new().await, Broker::good());
    for n in 0..5 {
        world.receive_of("big", n).await;
    }
    world.receive_of("small", 9).await;
    let options = Options { share: 3, ..quick("a") };
    let running = relay(&world, Some(broker.clone()), TestClock::still(), options).start();
    eventually("all is handed on", async || world.all_handed_on().await).await;
    running.drain(GRACE).await;
    let lanes: Vec<_> = broker.messages().into_iter().map(|message| message.route).collect();
    // All five stood in the store before the first was published, and each counts once.
    let expected = [Lane::Main, Lane::Main, Lane::Main, Lane::Bulk, Lane::Bulk, Lane::Main].map(Route::Work);
    assert_eq!(lanes, expected);
}

#[tokio::test]
async fn what_the_broker_never_takes_does_not_hold_up_the_rest() {
    let world = World::new().await;
    for n in 0..10 {
        world.receive_of("stuck", n).await;
    }
    for n in 10..20 {
        world.settle(world.receive(n).await, Decision::Quarantine).await;
    }
    let entries = world.entries().await;
    let stuck: Vec<_> =
        entries.iter().filter(|e| e.tenant.as_str() == "stuck").map(|e| e.upload.to_string()).collect();
    let is_stuck = move |body: &[u8]| stuck.iter().any(|id| id.as_bytes() == body);
    let broker =
        Broker::new(move |message| if is_stuck(&message.body) { Fate::Lost } else { Fate::Confirmed });
    let options = Options { batch: 4, ..quick("a") };
    let running = relay(&world, Some(broker.clone()), TestClock::still(), options).start();
    eventually("the others are handed on", async || {
        world.store.outbox_pending(100).await.unwrap().len() == 10
    })
    .await;
    broker.becomes(|_| Fate::Confirmed);
    eventually("all is handed on", async || world.all_handed_on().await).await;
    running.drain(GRACE).await;
}

#[tokio::test]
async fn a_broker_that_never_answers_is_given_up_on_and_asked_again() {
    let (world, broker) = (World::new().await, Broker::good());
    world.receive(1).await;
    *broker.delay.lock().unwrap() = Duration::from_secs(3600);
    let options = Options { patience: Duration::from_millis(20), ..quick("a") };
    let running = relay(&world, Some(broker.clone()), TestClock::still(), options).start();
    eventually("it is asked again", async || broker.calls.lock().unwrap().len() > 2).await;
    assert!(!world.all_handed_on().await);
    *broker.delay.lock().unwrap() = Duration::ZERO;
    eventually("all is handed on", async || world.all_handed_on().await).await;
    running.drain(GRACE).await;
}

#[tokio::test]
async fn the_bell_is_faster_than_the_poll() {
    let (world, broker) = (World::new().await, Broker::good());
    let hour = Duration::from_secs(3600);
    let options = Options { busy: hour, idle: hour, ..quick("a") };
    let running = relay(&world, Some(broker.clone()), TestClock::still(), options).start();
    for n in 1..4 {
        world.receive(n).await;
        running.wake();
        eventually("it is handed on", async || world.all_handed_on().await).await;
    }
    running.drain(GRACE).await;
}

#[tokio::test]
async fn old_entries_are_forgotten() {
    let (world, clock) = (World::new().await, TestClock::still());
    world.receive(1).await;
    let first = relay(&world, Some(Broker::good()), clock.clone(), quick("a")).start();
    eventually("it is handed on", async || world.all_handed_on().await).await;
    first.drain(GRACE).await;
    assert_eq!(world.entries().await.len(), 1);
    clock.pass(Options::new("x").keep + Duration::from_secs(1));
    let second = relay(&world, Some(Broker::good()), clock, quick("a")).start();
    eventually("it is forgotten", async || world.entries().await.is_empty()).await;
    second.drain(GRACE).await;
}
