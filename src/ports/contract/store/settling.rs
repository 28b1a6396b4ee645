use crate::{
    ports::{
        contract::samples::{TERM, at, claimed, id, keyed, rendition, settled, settlement, tenant, upload},
        store::{Accepted, NewUpload, Stale, Store},
    },
    upload::{
        Decision, State,
        picture::{MetadataDetail, PictureDetail},
        rendition::RenditionName,
    },
};
use std::sync::Arc;

pub async fn a_settlement_shows_everywhere_at_once<S: Store>(store: Arc<S>) {
    let lease = claimed(&*store, &upload(1), 1).await;
    let settlement = settlement(&lease, Decision::Publish, at(2));
    assert_eq!(store.settle(&lease, &settlement).await.unwrap(), Ok(()));

    let known = store.upload(&tenant("acme"), id(1)).await.unwrap().unwrap();
    assert_eq!((known.state, known.settled_at), (State::Published, Some(at(2))));
    assert!(known.version > lease.upload.version, "a settlement is a change");
    let verdict = store.verdict(id(1)).await.unwrap().expect("a verdict");
    assert_eq!((verdict.number, verdict.at, &verdict.detail), (1, at(2), &settlement.verdict));
    assert_eq!(store.renditions(id(1)).await.unwrap(), settlement.renditions);

    let told = store.outbox(0, 10).await.unwrap();
    let kinds: Vec<_> = told.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["upload.received", "upload.published"]);
    assert!(told[0].sequence < told[1].sequence);
    assert_eq!(store.outbox(told[0].sequence, 10).await.unwrap(), told[1..], "it goes on after a sequence");
    let body: serde_json::Value = serde_json::from_str(&told[1].body).expect("the body is JSON");
    let (_, digest) = verdict.detail.to_json().unwrap();
    let expected = serde_json::json!({
        "id": id(1).to_string(), "tenant": "acme", "external_id": null, "number": 1, "verdict": "publish",
        "reasons": ["rule.sample"], "sha256": upload(1).sha256, "verdict_digest": digest,
    });
    assert_eq!(body, expected);
    let log = store.audit(1, 10).await.unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(
        (log[0].action.as_str(), log[0].actor.as_str(), log[0].at),
        ("upload.verdict", "worker:w1", at(2))
    );
    assert_eq!(log[0].subject, id(1).to_string());
}

pub async fn every_decision_has_its_state_and_event<S: Store>(store: Arc<S>) {
    let cases = [
        (1, Decision::Publish, State::Published, "upload.published"),
        (2, Decision::Review, State::InReview, "upload.review"),
        (3, Decision::Quarantine, State::Quarantined, "upload.quarantined"),
    ];
    for (n, decision, state, kind) in cases {
        settled(&*store, &upload(n), decision, 10).await;
        let known = store.upload(&tenant("acme"), id(n)).await.unwrap().unwrap();
        assert_eq!(known.state, state);
        assert_eq!(store.outbox(0, 100).await.unwrap().last().unwrap().kind, kind);
        assert_eq!(store.renditions(id(n)).await.unwrap().is_empty(), decision != Decision::Publish);
    }
}

pub async fn settling_twice_is_stale<S: Store>(store: Arc<S>) {
    let lease = settled(&*store, &upload(1), Decision::Review, 1).await;
    for decision in [Decision::Review, Decision::Publish] {
        assert_eq!(store.settle(&lease, &settlement(&lease, decision, at(2))).await.unwrap(), Err(Stale));
    }
    assert_eq!(store.extend(&lease, at(9)).await.unwrap(), Err(Stale));
    assert_eq!(store.release(&lease, at(9), Some("x"), false).await.unwrap(), Err(Stale));
    let verdict = store.verdict(id(1)).await.unwrap().unwrap();
    assert_eq!((verdict.number, verdict.detail.verdict), (1, Decision::Review), "the first stands");
    assert_eq!(store.outbox(0, 10).await.unwrap().len(), 2);
    assert_eq!(store.audit(0, 10).await.unwrap().len(), 2);
}

pub async fn renditions_need_a_publish_verdict_of_the_accepted_bytes<S: Store>(store: Arc<S>) {
    let lease = claimed(&*store, &upload(1), 1).await;
    let mut review = settlement(&lease, Decision::Review, at(2));
    review.renditions = vec![rendition(id(1), RenditionName::Original)];
    store.settle(&lease, &review).await.expect_err("a review publishes nothing");
    let mut other = settlement(&lease, Decision::Publish, at(2));
    other.verdict.sha256 = "ff".repeat(32);
    store.settle(&lease, &other).await.expect_err("these are not the bytes that were accepted");
    assert_eq!(store.verdict(id(1)).await.unwrap(), None);
    assert_eq!(store.published(id(1), RenditionName::Original).await.unwrap(), None);
    let good = settlement(&lease, Decision::Publish, at(2));
    assert_eq!(store.settle(&lease, &good).await.unwrap(), Ok(()), "the lease is as it was");
}

pub async fn a_rendition_is_served_only_while_published<S: Store>(store: Arc<S>) {
    let lease = claimed(&*store, &upload(1), 1).await;
    assert_eq!(store.published(id(1), RenditionName::Original).await.unwrap(), None, "not yet");
    let settlement = settlement(&lease, Decision::Publish, at(2));
    store.settle(&lease, &settlement).await.unwrap().unwrap();
    let served = store.published(id(1), RenditionName::Original).await.unwrap().expect("published");
    assert_eq!(served.rendition, settlement.renditions[0]);
    assert_eq!(served.filename.as_deref(), Some("photo 1.jpg"));
    assert_eq!(store.published(id(1), RenditionName::Watermarked).await.unwrap(), None, "there is none");
    assert_eq!(store.published(id(2), RenditionName::Original).await.unwrap(), None, "no such upload");
    store.erase(&tenant("acme"), id(1), "key:k1", at(3)).await.unwrap().expect("it was there");
    for name in RenditionName::ALL {
        assert_eq!(store.published(id(1), name).await.unwrap(), None, "{name} of an erased upload");
    }
    assert_eq!(store.renditions(id(1)).await.unwrap(), []);
}

pub async fn erasing_forgets_and_frees_the_idempotency_key<S: Store>(store: Arc<S>) {
    let lease = claimed(&*store, &keyed(1, "acme", "k"), 1).await;
    let mut settlement = settlement(&lease, Decision::Publish, at(1));
    let size = PictureDetail { width: 4, height: 3, frames: 1, metadata: None };
    let said = MetadataDetail { camera: Some("a camera".into()), located: true, ..MetadataDetail::default() };
    settlement.verdict.picture = Some(PictureDetail { metadata: Some(said), ..size.clone() });
    store.settle(&lease, &settlement).await.unwrap().unwrap();
    assert_eq!(store.verdict(id(1)).await.unwrap().expect("a verdict").detail, settlement.verdict);
    let mut keys = store.erase(&tenant("acme"), id(1), "key:k9", at(5)).await.unwrap().expect("it was there");
    keys.sort();
    assert_eq!(keys, [format!("{}/original", id(1)), format!("{}/thumbnail", id(1))]);
    assert_eq!(store.erase(&tenant("acme"), id(1), "key:k9", at(6)).await.unwrap(), None, "erased already");

    let known = store.upload(&tenant("acme"), id(1)).await.unwrap().expect("the record stays");
    assert_eq!((known.state, known.filename, known.declared), (State::Erased, None, None));
    assert_eq!(known.settled_at, Some(at(1)), "it was settled before");
    assert!(known.version > lease.upload.version);
    let verdict = store.verdict(id(1)).await.unwrap().expect("the verdict stays on record");
    assert_eq!((verdict.detail.verdict, verdict.detail.r#type.declared), (Decision::Publish, None));
    assert_eq!(verdict.detail.picture, Some(size), "what the file said of itself is forgotten");
    let told = store.outbox(0, 10).await.unwrap();
    assert_eq!(told.last().map(|entry| (entry.kind.as_str(), entry.upload)), Some(("upload.erased", id(1))));
    let log = store.audit(0, 10).await.unwrap();
    let last = log.last().unwrap();
    assert_eq!((last.action.as_str(), last.actor.as_str(), last.at), ("upload.erased", "key:k9", at(5)));

    let again = NewUpload { id: id(2), ..keyed(1, "acme", "k") };
    assert_eq!(store.accept(&again).await.unwrap(), Accepted::New, "the key is free again");
}

pub async fn erasing_takes_the_lease_away<S: Store>(store: Arc<S>) {
    let lease = claimed(&*store, &upload(1), 1).await;
    assert_eq!(store.erase(&tenant("acme"), id(1), "key:k1", at(2)).await.unwrap(), Some(Vec::new()));
    assert_eq!(
        store.settle(&lease, &settlement(&lease, Decision::Publish, at(3))).await.unwrap(),
        Err(Stale)
    );
    assert_eq!(store.extend(&lease, at(9)).await.unwrap(), Err(Stale));
    assert_eq!(store.release(&lease, at(9), None, false).await.unwrap(), Err(Stale));
    assert_eq!(store.claim(id(1), "w2", at(999), TERM).await.unwrap(), None);
    assert_eq!(store.due(at(999), 10).await.unwrap(), []);
    let known = store.upload(&tenant("acme"), id(1)).await.unwrap().unwrap();
    assert_eq!((known.state, known.settled_at), (State::Erased, Some(at(2))));
    assert_eq!(store.verdict(id(1)).await.unwrap(), None);
}

pub async fn the_sweeper_learns_what_is_used_and_known<S: Store>(store: Arc<S>) {
    settled(&*store, &upload(1), Decision::Publish, 1).await;
    settled(&*store, &upload(2), Decision::Publish, 2).await;
    store.accept(&upload(3)).await.unwrap();
    store.erase(&tenant("acme"), id(2), "key:k1", at(3)).await.unwrap().expect("it was there");
    let key = |n| format!("{}/original", id(n));
    let used = store.used_keys(&[key(1), key(2), key(3), "stray".to_owned()]).await.unwrap();
    assert_eq!(used, [key(1)]);
    assert_eq!(store.used_keys(&[]).await.unwrap(), Vec::<String>::new());
    let mut known = store.known(&[id(4), id(3), id(2), id(1)]).await.unwrap();
    known.sort();
    assert_eq!(known, [id(1), id(3)]);
    assert_eq!(store.known(&[]).await.unwrap(), []);
}
