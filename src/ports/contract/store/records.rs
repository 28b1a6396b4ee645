use crate::{
    ports::{
        contract::samples::{api_key, at, claimed, settled, tenant, upload},
        store::{AuditHead, Forged, NewUpload, Store, StoredPolicy},
    },
    upload::Decision,
};
use std::sync::Arc;

pub async fn keys_are_kept_and_revoked<S: Store>(store: Arc<S>) {
    let (first, second) = (api_key(1, "acme"), api_key(2, "globex"));
    store.add_key(&first, "cli").await.unwrap();
    store.add_key(&second, "cli").await.unwrap();
    store.add_key(&api_key(1, "globex"), "cli").await.expect_err("an id is one key's");
    assert_eq!(store.key("k1").await.unwrap(), Some(first.clone()));
    assert_eq!(store.key("k3").await.unwrap(), None);
    assert_eq!(store.keys(None).await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(store.keys(Some(&tenant("globex"))).await.unwrap(), [second]);

    assert!(store.revoke_key("k1", "cli", at(10)).await.unwrap());
    assert!(store.revoke_key("k1", "cli", at(20)).await.unwrap(), "there is such a key");
    assert!(!store.revoke_key("k3", "cli", at(20)).await.unwrap());
    let revoked = store.key("k1").await.unwrap().expect("the record stays");
    assert_eq!(revoked.revoked_at, Some(at(10)), "the first time counts");
    let log: Vec<_> = store.audit(0, 10).await.unwrap().into_iter().map(|l| (l.action, l.subject)).collect();
    let line = |action: &str, subject: &str| (action.to_owned(), subject.to_owned());
    assert_eq!(log, [line("key.created", "k1"), line("key.created", "k2"), line("key.revoked", "k1")]);
}

pub async fn policies_count_from_two<S: Store>(store: Arc<S>) {
    let (acme, globex) = (tenant("acme"), tenant("globex"));
    assert_eq!(store.policy(&acme).await.unwrap(), None, "the embedded default is version 1");
    assert_eq!(store.apply_policy(&acme, "first", "cli", at(1)).await.unwrap(), 2);
    assert_eq!(store.apply_policy(&acme, "second", "cli", at(2)).await.unwrap(), 3);
    assert_eq!(store.apply_policy(&globex, "other", "cli", at(3)).await.unwrap(), 2);
    let latest = store.policy(&acme).await.unwrap().unwrap();
    assert_eq!(latest, StoredPolicy { version: 3, text: "second".to_owned(), at: at(2) });
    assert_eq!(claimed(&*store, &upload(1), 10).await.policy, 3, "a lease names the tenant's latest");
    let unknown = NewUpload { tenant: tenant("initech"), ..upload(2) };
    assert_eq!(claimed(&*store, &unknown, 10).await.policy, 1, "or the default");
    let log = store.audit(0, 10).await.unwrap();
    assert_eq!((log[0].action.as_str(), log[0].subject.as_str()), ("policy.applied", "acme"));
}

pub async fn the_audit_log_is_whole<S: Store>(store: Arc<S>) {
    assert_eq!(store.audit_verify().await.unwrap(), Ok(0));
    for n in 1..=5 {
        settled(&*store, &upload(n), Decision::Publish, 9).await;
    }
    let log = store.audit(0, 100).await.unwrap();
    let sequences: Vec<_> = log.iter().map(|line| line.sequence).collect();
    assert_eq!(sequences, (1..=10).collect::<Vec<_>>());
    assert_eq!(store.audit(4, 3).await.unwrap(), log[4..7]);
    assert_eq!(store.audit_verify().await.unwrap(), Ok(10));
    // What was written down of it is there for good, and what never was is not.
    let ten = store.audit_walk(&[]).await.unwrap().expect("it is whole");
    assert_eq!(ten.to_string().parse(), Ok(ten));
    settled(&*store, &upload(6), Decision::Publish, 9).await;
    let walk = async |noted: &[AuditHead]| store.audit_walk(noted).await.unwrap();
    let empty = AuditHead { sequence: 0, hash: [0; 32] };
    let twelve = walk(&[empty, ten]).await.expect("it has grown");
    assert_eq!((ten.sequence, twelve.sequence), (10, 12));
    assert_eq!(walk(&[ten, twelve]).await, Ok(twelve));
    for (wrong, line) in [
        (AuditHead { hash: twelve.hash, ..ten }, 10),
        (AuditHead { sequence: 13, ..twelve }, 13),
        (AuditHead { sequence: 0, ..ten }, 0),
    ] {
        assert_eq!(walk(&[ten, wrong]).await, Err(Forged::Noted(line)), "{wrong}");
    }
}

pub async fn the_store_answers_a_ping<S: Store>(store: Arc<S>) {
    store.ping().await.unwrap();
    store.ping().await.unwrap();
}
