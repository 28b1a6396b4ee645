//! What workers do when things are not as they should be.

use crate::common::{TestApp, eventually, workers::work};
use async_trait::async_trait;
use lazaret::{
    adapters::sqlite::Sqlite,
    pipeline::{CarryOut, Engines, Examination, Examine, Subject, Workers},
    ports::{
        Clock, Reviews,
        accounts::Deed,
        reviews::{Becomes, Ruling, Standing, Status},
    },
    upload::{Decision, State, UploadId, ruling::Kind},
};
use lazaret_report::Unavailable;
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_no_longer_compiles_lets_uploads_settle() {
    let app = TestApp::start().await;
    let (store, acme) = (&app.api.store, "acme".parse().unwrap());
    // As one that was applied before a key of its language went away.
    store.apply_policy(&acme, "[[rule]]\nwhen = 'gone()'", "key:k1", app.clock.now()).await.unwrap();
    let id: UploadId = app.upload(b"a letter").await.parse().unwrap();
    let mut work = work(&app).await;
    work.retry = Duration::from_millis(1);
    let workers = Workers::start(Arc::new(work), 1);
    let upload = async || store.upload(&acme, id).await.unwrap().unwrap();
    eventually("it is settled", async || {
        // The next try is due.
        app.clock.advance(Duration::from_secs(1));
        upload().await.state.is_settled()
    })
    .await;
    assert_eq!(upload().await.state, State::InReview);
    let verdict = store.verdict(id).await.unwrap().unwrap().detail;
    assert_eq!(verdict.reasons, ["scan_failed"]);
    assert_eq!(verdict.policy.unwrap().version, 1, "the default, which judged nothing here");
    workers.drain(Duration::from_secs(5)).await;
}

/// Takes for ever.
struct Slow {
    engines: Engines,
    begun: Notify,
}

#[async_trait]
impl Examine for Slow {
    async fn examine(&self, _: &Subject<'_>) -> Result<Examination, Unavailable> {
        self.begun.notify_one();
        std::future::pending().await
    }

    fn engines(&self) -> &Engines {
        &self.engines
    }
}

/// By ann, and due at once.
async fn ruled(reviews: &dyn Reviews, id: UploadId, kind: Kind, now: jiff::Timestamp) {
    let item = reviews.take(id, "ann", now, now + Duration::from_secs(60)).await.unwrap().unwrap();
    let ruling = Ruling {
        upload: id,
        number: 0,
        kind,
        reason: "fine".into(),
        note: String::new(),
        overrides: Vec::new(),
        over: "verdict 1".into(),
        by: "ann".into(),
        at: now,
        standing: Standing::Waiting,
        due_at: Some(now),
        fence: 0,
        outcome: None,
        batch: None,
    };
    let becomes = Becomes {
        status: Status::Waiting,
        escalated: false,
        sealed: false,
        not_by: Vec::new(),
        released: true,
    };
    let deed = Deed { actor: "user:ann", action: "ruling.made", at: now };
    reviews.rule(&item, &ruling, &becomes, deed).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lease_of_a_ruling_that_takes_long_is_renewed() {
    const TERM: Duration = Duration::from_secs(3);
    let app = TestApp::start().await;
    let reviews = Arc::new(Sqlite::open(&app.folder.path().join("lazaret.db")).await.unwrap());
    let id = app.upload(b"a film").await;
    app.settle(&id, Decision::Review, Vec::new()).await;
    let id: UploadId = id.parse().unwrap();
    ruled(&*reviews, id, Kind::Approve, app.clock.now()).await;

    let mut work = work(&app).await;
    let slow = Arc::new(Slow { engines: work.examiner.engines().clone(), begun: Notify::new() });
    work.examiner = slow.clone();
    let moment = Duration::from_millis(10);
    let carrying =
        CarryOut { work: Arc::new(work), reviews: reviews.clone(), poll: moment, term: TERM }.start();
    slow.begun.notified().await;
    for _ in 0..3 {
        app.clock.advance(TERM * 2 / 3);
        let until = app.clock.now() + TERM;
        eventually("it is renewed", async || reviews.rulings(id).await.unwrap()[0].due_at == Some(until))
            .await;
        let now = app.clock.now();
        assert_eq!(reviews.due_ruling(now, now + TERM).await.unwrap(), None, "nobody else may have it");
    }
    for task in carrying {
        task.drain(Duration::ZERO).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_takedown_does_not_wait_for_a_film_that_is_examined() {
    let app = TestApp::start().await;
    let reviews = Arc::new(Sqlite::open(&app.folder.path().join("lazaret.db")).await.unwrap());
    let mut ids = Vec::new();
    for bytes in [&b"a film"[..], &b"a letter"[..]] {
        let id = app.upload(bytes).await;
        app.settle(&id, Decision::Review, Vec::new()).await;
        ids.push(id.parse::<UploadId>().unwrap());
    }
    ruled(&*reviews, ids[0], Kind::Approve, app.clock.now()).await;
    let mut work = work(&app).await;
    let slow = Arc::new(Slow { engines: work.examiner.engines().clone(), begun: Notify::new() });
    work.examiner = slow.clone();
    let poll = Duration::from_millis(10);
    let term = Duration::from_secs(60);
    let carrying = CarryOut { work: Arc::new(work), reviews: reviews.clone(), poll, term }.start();
    slow.begun.notified().await;
    ruled(&*reviews, ids[1], Kind::Quarantine, app.clock.now()).await;
    let acme = "acme".parse().unwrap();
    let state = async |id| app.api.store.upload(&acme, id).await.unwrap().unwrap().state;
    eventually("it is quarantined", async || state(ids[1]).await == State::Quarantined).await;
    assert_eq!(state(ids[0]).await, State::InReview, "it is still looked at");
    for task in carrying {
        task.drain(Duration::ZERO).await;
    }
}
