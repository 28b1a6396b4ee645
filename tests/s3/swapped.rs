//! Who can write to the bucket cannot publish: what gets out is what was hashed on its way in.

use crate::{
    common::{TestApp, eventually},
    place::{Place, get, noise},
};
use lazaret::{
    app::{examiner, start_engines},
    config::Config,
    pipeline::{Patience, Policies, Work, Workers, publish::Recipe},
    ports::{Blobs, blobs::Zone},
    upload::{State, UploadId},
};
use std::{sync::Arc, time::Duration};

/// Real workers, whose clamd is not there: an upload that they have nothing against waits.
async fn workers(app: &TestApp) -> Workers {
    let folder = app.folder.path();
    let socket = folder.join("no-clamd.ctl").display().to_string();
    let file = folder.join("lazaret.toml");
    std::fs::write(&file, format!("[antivirus]\nclamd = [\"unix:{socket}\"]\n")).unwrap();
    let config = Config::load(Some(&file), &[]).unwrap();
    let api = &app.api;
    let engines = start_engines(&config, &folder.join("clamd"), api.clock.clone()).await.unwrap();
    let work = Work {
        store: api.store.clone(),
        queue: api.queue.clone(),
        blobs: api.blobs.clone(),
        clock: api.clock.clone(),
        policies: Policies::new(api.store.clone()).unwrap(),
        examiner: Arc::new(examiner(&config, engines, Arc::default(), Patience::Wait).unwrap()),
        recipe: Recipe::default(),
        settled: api.settled.clone(),
        metrics: api.metrics.clone(),
        name: "worker:test".to_owned(),
        lease: Duration::from_secs(60),
        attempts: 3,
        retry: Duration::from_secs(3600),
        ack_within: Duration::from_secs(60),
    };
    Workers::start(Arc::new(work), 2)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_swapped_after_it_was_accepted_ends_in_review() {
    let place = Place::new().await;
    let app = place.app(None, |_| {}).await;
    let (good, bad) =
        (app.upload(b"the bytes that came").await, app.upload(b"the bytes that came too").await);
    // Of the same length, and the ETag that the server says is still the first one's.
    place.server.tamper(&place.bucket, &format!("held/{bad}"), b"the bytes that came 2!!");
    let workers = workers(&app).await;
    let upload = async |id: &str| {
        let id: UploadId = id.parse().unwrap();
        app.api.store.upload(&"acme".parse().unwrap(), id).await.unwrap().unwrap()
    };
    eventually("both were looked at", async || {
        upload(&bad).await.state.is_settled() && upload(&good).await.waiting_for.is_some()
    })
    .await;
    assert_eq!(upload(&bad).await.state, State::InReview);
    let verdict = app.api.store.verdict(bad.parse().unwrap()).await.unwrap().unwrap().detail;
    assert!(
        verdict.checks.iter().any(|check| check.why.as_deref().is_some_and(|why| why.contains("io.corrupt"))),
        "{verdict:?}"
    );
    assert!(place.objects().iter().all(|(name, _)| !name.starts_with("published/")));
    workers.drain(Duration::from_secs(5)).await;
}

/// Swapped while the checks read: they read the copy on this machine, and that copy is what is published.
#[tokio::test]
async fn what_is_published_is_what_the_checks_opened() {
    let place = Place::new().await;
    let s3 = place.s3().await;
    let bytes = noise(100_000);
    s3.put(Zone::Held, "a", &crate::place::spool(&s3, &bytes).await).await.unwrap();
    let checked = Blobs::open(&*s3, Zone::Held, "a").await.unwrap().unwrap();
    place.server.tamper(&place.bucket, "held/a", &noise(100_001)[1..]);
    s3.put(Zone::Published, "a/original", &checked).await.unwrap();
    assert!(get(&s3, Zone::Published, "a/original").await.unwrap().unwrap() == bytes);
}
