//! Any sequence of operations by several workers under a clock that jumps, against a model of what must hold.

use crate::{
    ports::{
        contract::samples::{TERM, at, id, settlement, tenant, upload},
        store::{Lease, Stale, Store, Upload},
    },
    upload::{Decision, State, UploadId, rendition::RenditionName},
};
use std::collections::BTreeMap;

/// What the model knows of one upload.
struct Known {
    state: State,
    version: u64,
    fence: u64,
    attempts: u32,
    due_at: i64,
    verdicts: u32,
}

/// Runs what `steps` stand for, three bytes a step (what, on which upload, how), and checks the laws after each.
pub async fn any_sequence_keeps_the_laws<S: Store>(store: &S, steps: &[(u8, u8, u8)]) {
    let mut now = 100;
    let mut model: BTreeMap<UploadId, Known> = BTreeMap::new();
    // Every lease ever given: workers that come back late use old ones.
    let mut leases: Vec<Lease> = Vec::new();
    let acme = tenant("acme");
    for &(what, which, how) in steps {
        let upload_id = id(u64::from(which % 4) + 1);
        let lease = leases.get(usize::from(which) % leases.len().max(1)).cloned();
        let decision = [Decision::Publish, Decision::Review, Decision::Quarantine][usize::from(how % 3)];
        match what % 8 {
            0 if !model.contains_key(&upload_id) => {
                let new = crate::ports::store::NewUpload { at: at(now), ..upload(u64::from(which % 4) + 1) };
                store.accept(&new).await.unwrap();
                let state = State::Received;
                model.insert(
                    upload_id,
                    Known { state, version: 1, fence: 0, attempts: 0, due_at: now, verdicts: 0 },
                );
            }
            1 | 2 => {
                let may = model.get(&upload_id).is_some_and(|k| !k.state.is_settled() && k.due_at <= now);
                let got = store.claim(upload_id, "w", at(now), TERM).await.unwrap();
                assert_eq!(got.is_some(), may, "who may claim");
                if let (Some(lease), Some(known)) = (got, model.get_mut(&upload_id)) {
                    assert_eq!(lease.fence, known.fence + 1, "the fence grows with every claim");
                    (known.fence, known.state) = (lease.fence, State::Scanning);
                    (known.attempts, known.due_at) = (known.attempts + 1, now + 60);
                    leases.push(lease);
                }
            }
            3 => now += i64::from(how),
            4 => {
                if let Some(lease) = lease {
                    let known = model.get_mut(&lease.upload.id).expect("it was claimed");
                    let held = held(known, &lease);
                    assert_eq!(store.extend(&lease, at(now + 60)).await.unwrap(), held, "who may extend");
                    if held.is_ok() {
                        known.due_at = now + 60;
                    }
                }
            }
            5 => {
                if let Some(lease) = lease {
                    let waiting = (how % 2 == 0).then_some("clamd");
                    let known = model.get_mut(&lease.upload.id).expect("it was claimed");
                    let held = held(known, &lease);
                    let due_at = now + i64::from(how % 40);
                    assert_eq!(
                        store.release(&lease, at(due_at), waiting, false).await.unwrap(),
                        held,
                        "who may release"
                    );
                    if held.is_ok() {
                        known.attempts -= u32::from(waiting.is_some());
                        (known.state, known.due_at) = (State::Received, due_at);
                    }
                }
            }
            6 => {
                if let Some(lease) = lease {
                    let known = model.get_mut(&lease.upload.id).expect("it was claimed");
                    let held = held(known, &lease);
                    let settled = store.settle(&lease, &settlement(&lease, decision, at(now))).await.unwrap();
                    assert_eq!(settled, held, "who may settle");
                    if held.is_ok() {
                        known.verdicts += 1;
                        known.state = match decision {
                            Decision::Publish => State::Published,
                            Decision::Review => State::InReview,
                            Decision::Quarantine => State::Quarantined,
                        };
                    }
                }
            }
            7 if how % 4 == 0 => {
                let erased = store.erase(&acme, upload_id, "key:k1", at(now)).await.unwrap();
                let there = model.get_mut(&upload_id).filter(|known| known.state != State::Erased);
                assert_eq!(erased.is_some(), there.is_some(), "what may be erased");
                if let Some(known) = there {
                    known.state = State::Erased;
                }
            }
            _ => {}
        }
        for (id, known) in &mut model {
            let row = store.upload(&acme, *id).await.unwrap().expect("nothing is lost");
            check(store, &row, known).await;
        }
    }
    let told = store.outbox(0, 10_000).await.unwrap();
    for (id, known) in &model {
        let count = |kinds: &[&str]| {
            told.iter().filter(|entry| entry.upload == *id && kinds.contains(&entry.kind.as_str())).count()
        };
        assert_eq!(count(&["upload.received"]), 1, "accepted once");
        let settled = count(&["upload.published", "upload.review", "upload.quarantined"]);
        assert_eq!(settled, known.verdicts as usize, "one event a verdict");
        assert_eq!(count(&["upload.erased"]), usize::from(known.state == State::Erased));
    }
    assert!(store.audit_verify().await.unwrap().is_ok(), "the log is whole");
    let unsettled = model.values().filter(|known| !known.state.is_settled()).count();
    assert_eq!(store.backlog().await.unwrap(), unsettled as u64);
}

fn held(known: &Known, lease: &Lease) -> Result<(), Stale> {
    if known.state == State::Scanning && known.fence == lease.fence { Ok(()) } else { Err(Stale) }
}

async fn check<S: Store>(store: &S, row: &Upload, known: &mut Known) {
    assert_eq!((row.state, row.attempts), (known.state, known.attempts), "{row:?}");
    assert!(row.version >= known.version, "versions only grow");
    known.version = row.version;
    assert_eq!(row.settled_at.is_some(), row.state.is_settled());
    let number = store.verdict(row.id).await.unwrap().map_or(0, |verdict| verdict.number);
    assert_eq!(number, known.verdicts, "one verdict a settlement");
    assert!(number <= 1, "one settlement a scan, and nothing here asks for a rescan");
    let published = row.state == State::Published;
    assert_eq!(store.renditions(row.id).await.unwrap().is_empty(), !published, "law 1");
    assert_eq!(store.published(row.id, RenditionName::Original).await.unwrap().is_some(), published, "law 1");
}
