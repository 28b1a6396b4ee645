use crate::{
    calling::{NEWER, at_once, caller, webhook},
    receiver::{Receiver, SECRET},
    world::{TestClock, World, eventually},
};
use axum::{
    body::{Body, Bytes},
    http::StatusCode,
    response::IntoResponse,
};
use lazaret::{
    events::webhook::{Client, Schedule},
    ports::{Clock, clock::SystemClock},
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

const GRACE: Duration = Duration::from_secs(10);

/// Verified by the library that receivers use.
#[tokio::test]
async fn a_call_is_signed_and_tells_the_event_under_one_id_until_it_is_taken() {
    let (world, receiver) = (World::new().await, Receiver::saying(&[500, 302, 200]).await);
    let id = world.settled(1).await;
    world.call(&["w"], SystemClock.now()).await;
    let mut caller = caller(&world, vec![receiver.webhook("w")], Arc::new(SystemClock));
    caller.options.schedule = at_once(5);
    let running = caller.start();
    eventually("the call is made", async || world.all_called().await).await;
    running.drain(GRACE).await;
    let hits = receiver.hits();
    assert_eq!(hits.len(), 3);
    let verifier = standardwebhooks::Webhook::new(SECRET).unwrap();
    for hit in &hits {
        verifier.verify(&hit.body, &hit.headers).unwrap();
        assert_eq!(hit.headers["content-type"], "application/cloudevents+json");
        let event: Value = serde_json::from_slice(&hit.body).unwrap();
        assert_eq!(event["subject"], id.to_string());
        assert_eq!(event["id"], hit.headers["webhook-id"].to_str().unwrap());
        assert_eq!(event["data"]["verdict_digest"].as_str().unwrap().len(), 64);
    }
    let ids: BTreeSet<_> =
        hits.iter().map(|hit| hit.headers["webhook-id"].clone().to_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 1);
    assert!(standardwebhooks::Webhook::new(NEWER).unwrap().verify(&hits[0].body, &hits[0].headers).is_err());
    assert_eq!(world.dead().await, []);
}

#[tokio::test]
async fn while_a_secret_is_rotated_both_verify() {
    let (world, receiver) = (World::new().await, Receiver::saying(&[204]).await);
    world.settled(1).await;
    world.call(&["w"], SystemClock.now()).await;
    let mut webhook = receiver.webhook("w");
    webhook.secrets.insert(0, NEWER.parse().unwrap());
    let running = caller(&world, vec![webhook], Arc::new(SystemClock)).start();
    eventually("the call is made", async || world.all_called().await).await;
    running.drain(GRACE).await;
    let hits = receiver.hits();
    for secret in [SECRET, NEWER] {
        let verifier = standardwebhooks::Webhook::new(secret).unwrap();
        verifier.verify(&hits[0].body, &hits[0].headers).unwrap();
    }
}

#[tokio::test]
async fn one_that_is_gone_is_given_up_at_once_and_called_again_when_it_is_redriven() {
    let (world, clock) = (World::new().await, TestClock::still());
    let receiver = Receiver::saying(&[410, 200]).await;
    world.settled(1).await;
    world.call(&["w"], clock.now()).await;
    let running = caller(&world, vec![receiver.webhook("w")], clock.clone()).start();
    eventually("it is dead", async || world.dead().await.len() == 1).await;
    let dead = world.dead().await.remove(0);
    assert!(dead.error.unwrap().contains("410"));
    assert_eq!(world.store.calls_redrive(Some(dead.entry.sequence), clock.now()).await.unwrap(), 1);
    eventually("the call is made", async || world.all_called().await && world.dead().await.is_empty()).await;
    running.drain(GRACE).await;
    assert_eq!(receiver.hits().len(), 2);
}

#[tokio::test]
async fn failures_are_tried_by_the_schedule_and_then_dead() {
    let (world, clock, receiver) = (World::new().await, TestClock::still(), Receiver::saying(&[500]).await);
    world.settled(1).await;
    world.call(&["w"], clock.now()).await;
    let mut caller = caller(&world, vec![receiver.webhook("w")], clock.clone());
    caller.options.schedule = Schedule(vec![Duration::from_secs(100), Duration::from_secs(1000)]);
    let running = caller.start();
    for (hits, pass) in [(1, 120), (2, 1200)] {
        eventually("it is called", async || receiver.hits().len() == hits).await;
        let written = async || world.store.calls_due(jiff::Timestamp::MAX, 1).await.unwrap()[0].attempts;
        eventually("it is written down", async || written().await as usize == hits).await;
        // Not before its time.
        assert_eq!(world.store.calls_due(clock.now(), 1).await.unwrap(), []);
        clock.pass(Duration::from_secs(pass));
    }
    eventually("it is dead", async || world.dead().await.len() == 1).await;
    running.drain(GRACE).await;
    assert_eq!((receiver.hits().len(), world.dead().await[0].attempts), (3, 3));
}

#[tokio::test]
async fn retry_after_puts_the_next_call_off() {
    let (world, clock) = (World::new().await, TestClock::still());
    let receiver =
        Receiver::start(|_| (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "3600")]).into_response())
            .await;
    world.settled(1).await;
    world.call(&["w"], clock.now()).await;
    let running = caller(&world, vec![receiver.webhook("w")], clock.clone()).start();
    let due = async |after: u64| {
        let at = clock.now() + Duration::from_secs(after);
        !world.store.calls_due(at, 1).await.unwrap().is_empty()
    };
    eventually("it failed", async || !due(0).await).await;
    assert_eq!((due(3599).await, due(3600).await), (false, true));
    running.drain(GRACE).await;
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (world, clock) = (World::new().await, TestClock::still());
    let receiver =
        Receiver::start(|_| (StatusCode::TEMPORARY_REDIRECT, [("location", "/elsewhere")]).into_response())
            .await;
    world.settled(1).await;
    world.call(&["w"], clock.now()).await;
    let mut caller = caller(&world, vec![receiver.webhook("w")], clock);
    caller.options.schedule = at_once(0);
    let running = caller.start();
    eventually("it is dead", async || world.dead().await.len() == 1).await;
    running.drain(GRACE).await;
    let paths: Vec<_> = receiver.hits().into_iter().map(|hit| hit.path).collect();
    assert_eq!(paths, ["/hook"]);
    assert!(world.dead().await[0].error.as_ref().unwrap().contains("redirects are not followed"));
}

/// Neither by an address in the URL nor by a name that leads to one.
#[tokio::test]
async fn private_addresses_are_not_called() {
    let (world, clock) = (World::new().await, TestClock::still());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    world.settled(1).await;
    let hosts = ["127.0.0.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]"];
    let names: Vec<String> = (0..hosts.len()).map(|n| format!("w{n}")).collect();
    world.call(&names.iter().map(String::as_str).collect::<Vec<_>>(), clock.now()).await;
    let all = names.iter().zip(hosts).map(|(name, host)| webhook(name, &format!("https://{host}:{port}/")));
    let mut caller = caller(&world, all.collect(), clock);
    caller.client = Client::new(Duration::from_secs(5), false).unwrap();
    caller.options.schedule = at_once(0);
    let running = caller.start();
    eventually("all are dead", async || world.dead().await.len() == hosts.len()).await;
    running.drain(GRACE).await;
    for call in world.dead().await {
        let error = call.error.unwrap();
        assert!(error.contains("private address"), "{} {error}", call.webhook);
    }
    let nobody = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(nobody.is_err(), "somebody connected");
}

#[tokio::test]
async fn of_an_endless_answer_a_little_is_read_and_a_silent_one_is_given_up() {
    let (world, clock) = (World::new().await, TestClock::still());
    let endless = Receiver::start(|_| {
        let bytes =
            futures_util::stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 8192])));
        Body::from_stream(bytes).into_response()
    })
    .await;
    let silent = Receiver::saying(&[200]).await;
    *silent.delay.lock().unwrap() = Duration::from_secs(3600);
    world.settled(1).await;
    world.call(&["endless", "silent"], clock.now()).await;
    let mut caller = caller(&world, vec![endless.webhook("endless"), silent.webhook("silent")], clock);
    caller.options.schedule = at_once(0);
    caller.client = Client::new(Duration::from_secs(1), true).unwrap();
    let running = caller.start();
    eventually("both ended", async || world.all_called().await).await;
    running.drain(GRACE).await;
    let dead: Vec<_> = world.dead().await.into_iter().map(|call| call.webhook).collect();
    assert_eq!((dead, endless.hits().len()), (vec!["silent".to_owned()], 1));
}

#[tokio::test]
async fn each_upload_is_told_in_order_and_a_webhook_is_called_a_few_times_at_once() {
    let (world, clock) = (World::new().await, TestClock::still());
    let receiver = Receiver::start(|n| {
        let status = if n % 3 == 0 { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
        status.into_response()
    })
    .await;
    *receiver.delay.lock().unwrap() = Duration::from_millis(3);
    for n in 0..20 {
        let id = world.settled(n).await;
        world.store.erase(&"acme".parse().unwrap(), id, "key:k", clock.now()).await.unwrap().unwrap();
    }
    world.call(&["w"], clock.now()).await;
    let mut caller = caller(&world, vec![receiver.webhook("w")], clock);
    caller.options.schedule = at_once(50);
    let most = caller.options.most_each;
    let running = caller.start();
    eventually("all are made", async || world.all_called().await).await;
    running.drain(GRACE).await;
    let mut told: Vec<(String, String)> = Vec::new();
    for hit in receiver.hits() {
        let event: Value = serde_json::from_slice(&hit.body).unwrap();
        told.push((event["subject"].as_str().unwrap().into(), event["type"].as_str().unwrap().into()));
    }
    for (n, (upload, kind)) in told.iter().enumerate() {
        let later = told[n..].iter().any(|(u, k)| u == upload && k.contains("review"));
        assert!(!(kind.contains("erased") && later), "{upload} was told out of order");
    }
    assert!(receiver.most.load(Ordering::SeqCst) <= most);
    assert_eq!(world.dead().await, []);
}
