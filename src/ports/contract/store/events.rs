use crate::{
    ports::{
        contract::samples::{at, settled, upload},
        store::{Call, Handed, Store},
    },
    upload::{Decision, UploadId},
};
use std::sync::Arc;

/// Accepts and settles this many uploads; returns the sequences, which alternate: received, reviewed.
async fn told(store: &impl Store, uploads: u64) -> Vec<u64> {
    for n in 1..=uploads {
        settled(store, &upload(n), Decision::Review, 9).await;
    }
    store.outbox(0, 1000).await.unwrap().into_iter().map(|entry| entry.sequence).collect()
}

fn to(sequence: u64, webhooks: &[&str]) -> Handed {
    Handed { sequence, webhooks: webhooks.iter().map(|&name| name.to_owned()).collect() }
}

fn which(calls: &[Call]) -> Vec<(u64, &str)> {
    calls.iter().map(|call| (call.entry.sequence, call.webhook.as_str())).collect()
}

pub async fn what_was_handed_on_is_pending_no_more<S: Store>(store: Arc<S>) {
    let told = told(&*store, 2).await;
    let pending = async |limit| {
        let entries = store.outbox_pending(limit).await.unwrap();
        entries.into_iter().map(|entry| entry.sequence).collect::<Vec<_>>()
    };
    assert_eq!(pending(10).await, told);
    assert_eq!(pending(2).await, told[..2]);
    store.outbox_handed_on(&[], at(20)).await.unwrap();
    store.outbox_handed_on(&[to(told[0], &[]), to(told[1], &["a"])], at(20)).await.unwrap();
    assert_eq!(pending(10).await, told[2..]);
    store.outbox_handed_on(&[to(told[1], &["a", "b"]), to(9999, &["a"])], at(21)).await.unwrap();
    assert_eq!(which(&store.calls_due(at(30), 10).await.unwrap()), [(told[1], "a")], "handed on once");

    assert_eq!(store.outbox_prune(at(20)).await.unwrap(), 0, "not before");
    assert_eq!(store.outbox_prune(at(21)).await.unwrap(), 1, "an entry whose call is not made stays");
    store.call_made(told[1], "a").await.unwrap();
    assert_eq!(store.outbox_prune(at(21)).await.unwrap(), 1);
    assert_eq!(pending(10).await, told[2..], "what was not handed on stays");
}

pub async fn one_at_a_time_leads<S: Store>(store: Arc<S>) {
    assert!(store.lead("outbox", "p1", at(1), at(10)).await.unwrap(), "the first to ask");
    assert!(!store.lead("outbox", "p2", at(9), at(20)).await.unwrap());
    assert!(store.lead("sweep", "p2", at(9), at(20)).await.unwrap(), "something else");
    assert!(store.lead("outbox", "p1", at(9), at(15)).await.unwrap(), "it asks again in time");
    assert!(!store.lead("outbox", "p2", at(14), at(30)).await.unwrap());
    assert!(store.lead("outbox", "p2", at(15), at(30)).await.unwrap(), "its time is over");
    assert!(!store.lead("outbox", "p1", at(16), at(30)).await.unwrap(), "and somebody else leads");
    let asked: Vec<_> = (0..8)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.lead("new", &format!("p{n}"), at(1), at(10)).await.unwrap() })
        })
        .collect();
    let mut leaders = 0;
    for one in asked {
        leaders += u32::from(one.await.unwrap());
    }
    assert_eq!(leaders, 1);
}

pub async fn a_webhook_hears_of_an_upload_in_order<S: Store>(store: Arc<S>) {
    let told = told(&*store, 2).await;
    let all: Vec<_> = told.iter().map(|&sequence| to(sequence, &["a", "b"])).collect();
    store.outbox_handed_on(&all, at(20)).await.unwrap();
    let due = async |now| store.calls_due(at(now), 100).await.unwrap();
    assert_eq!(which(&due(19).await), []);
    let first = due(20).await;
    let mut now: Vec<_> = which(&first);
    now.sort_unstable();
    assert_eq!(
        now,
        [(told[0], "a"), (told[0], "b"), (told[2], "a"), (told[2], "b")],
        "of each upload the first"
    );
    let entries = store.outbox(0, 100).await.unwrap();
    assert_eq!((&first[0].entry, first[0].attempts, &first[0].error), (&entries[0], 0, &None));

    store.call_made(told[0], "a").await.unwrap();
    store.call_failed(told[0], "b", "it said 500", Some(at(40))).await.unwrap();
    store.call_made(told[2], "a").await.unwrap();
    store.call_made(told[2], "b").await.unwrap();
    let mut now: Vec<(u64, String)> =
        due(20).await.into_iter().map(|call| (call.entry.sequence, call.webhook)).collect();
    now.sort_unstable();
    let expected = [(told[1], "a"), (told[3], "a"), (told[3], "b")];
    assert_eq!(now, expected.map(|(n, w)| (n, w.to_owned())), "b must hear of the first before");
    let again =
        due(40).await.into_iter().find(|call| call.entry.sequence == told[0]).expect("it is due again");
    assert_eq!((again.attempts, again.error.as_deref()), (1, Some("it said 500")));
    assert_eq!(store.calls_due(at(40), 1).await.unwrap().len(), 1);
}

pub async fn a_dead_call_waits_to_be_redriven<S: Store>(store: Arc<S>) {
    let told = told(&*store, 1).await;
    let all: Vec<_> = told.iter().map(|&sequence| to(sequence, &["a"])).collect();
    store.outbox_handed_on(&all, at(20)).await.unwrap();
    store.call_failed(told[0], "a", "no such host", None).await.unwrap();
    let due = store.calls_due(at(99), 10).await.unwrap();
    assert_eq!(which(&due), [(told[1], "a")], "what is given up holds nothing back");
    store.call_failed(told[1], "a", "no such host", None).await.unwrap();
    assert_eq!(which(&store.calls_due(at(99), 10).await.unwrap()), []);
    let dead = store.calls_dead(10).await.unwrap();
    assert_eq!(which(&dead), [(told[0], "a"), (told[1], "a")]);
    assert_eq!((dead[0].attempts, dead[0].error.as_deref()), (1, Some("no such host")));
    assert_eq!(store.calls_dead(1).await.unwrap().len(), 1);
    assert_eq!(store.outbox_prune(at(999)).await.unwrap(), 0, "they can be redriven");

    assert_eq!(store.calls_redrive(Some(9999), at(100)).await.unwrap(), 0);
    assert_eq!(store.calls_redrive(Some(told[1]), at(100)).await.unwrap(), 1);
    assert_eq!(store.calls_redrive(None, at(101)).await.unwrap(), 1);
    assert_eq!(store.calls_redrive(None, at(101)).await.unwrap(), 0);
    assert_eq!(which(&store.calls_due(at(200), 10).await.unwrap()), [(told[0], "a")], "in order again");
    assert_eq!(store.calls_due(at(200), 10).await.unwrap()[0].attempts, 0);
    assert_eq!(store.calls_dead(10).await.unwrap(), []);
}

pub async fn an_uploads_events_are_in_order<S: Store>(store: Arc<S>) {
    let tasks: Vec<_> = (1..=12)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { settled(&*store, &upload(n), Decision::Publish, 20).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let told = store.outbox(0, 100).await.unwrap();
    let kinds = |id: UploadId| {
        told.iter().filter(|entry| entry.upload == id).map(|entry| entry.kind.as_str()).collect::<Vec<_>>()
    };
    for n in 1..=12 {
        assert_eq!(kinds(upload(n).id), ["upload.received", "upload.published"]);
    }
    assert!(told.is_sorted_by_key(|entry| entry.sequence));
    assert_eq!(store.audit_verify().await.unwrap(), Ok(24), "and the log is whole");
}
