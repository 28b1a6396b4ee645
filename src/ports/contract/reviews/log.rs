//! The audit log, searched.

use super::{deed, in_review};
use crate::{
    ports::{
        Reviews, Store,
        contract::samples::{api_key, at, id, settled, tenant, upload},
        reviews::AuditFilter,
        store::NewUpload,
    },
    upload::Decision,
};
use serde_json::json;
use std::sync::Arc;

pub async fn the_log_is_searched<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 2).await;
    for n in 0..3 {
        store.record(deed("item.viewed", n), &id(1).to_string(), json!({ "n": n })).await.unwrap();
    }
    let found = async |filter: AuditFilter| {
        let lines = store.audit_find(&filter).await.unwrap();
        lines.into_iter().map(|line| line.sequence).collect::<Vec<_>>()
    };
    let limit = 100;
    assert_eq!(found(AuditFilter { limit, ..AuditFilter::default() }).await, [7, 6, 5, 4, 3, 2, 1]);
    let by = |names: &[&str]| AuditFilter {
        actors: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        limit,
        ..AuditFilter::default()
    };
    let ann = by(&["user:ann"]);
    assert_eq!(found(ann.clone()).await, [7, 6, 5]);
    assert_eq!(found(AuditFilter { limit: 2, ..ann.clone() }).await, [7, 6]);
    assert_eq!(found(AuditFilter { before: Some(6), ..ann.clone() }).await, [5]);
    assert_eq!(found(by(&["user:bob", "user:ann", "cli"])).await, [7, 6, 5]);
    assert_eq!(found(by(&[])).await, Vec::<u64>::new());
    let of = Some(vec![id(2).to_string(), "nothing".to_owned()]);
    assert_eq!(found(AuditFilter { subjects: of.clone(), limit, ..AuditFilter::default() }).await, [4, 3]);
    assert_eq!(found(AuditFilter { subjects: of, ..ann }).await, Vec::<u64>::new());
    let verdicts = Some("upload.verdict".to_owned());
    assert_eq!(found(AuditFilter { action: verdicts, limit, ..AuditFilter::default() }).await, [4, 2]);
    assert!(store.audit_verify().await.unwrap().is_ok());
}

pub async fn the_log_shows_what_is_in_sight<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 1).await;
    settled(&*store, &upload(2), Decision::Publish, 12).await;
    settled(&*store, &NewUpload { tenant: tenant("globex"), ..upload(3) }, Decision::Review, 30).await;
    store.add_key(&api_key(1, "acme"), "cli").await.unwrap();
    store.add_key(&api_key(2, "globex"), "cli").await.unwrap();
    store.apply_policy(&tenant("acme"), "text", "cli", at(6)).await.unwrap();
    store.record(deed("person.looked_for", 7), "somebody", json!({})).await.unwrap();
    let seen = async |tenants: &str, queues: &str| {
        let sight = Some((tenants.parse().unwrap(), queues.parse().unwrap()));
        let lines =
            store.audit_find(&AuditFilter { sight, limit: 50, ..AuditFilter::default() }).await.unwrap();
        let mut subjects: Vec<String> = lines.into_iter().map(|line| line.subject).collect();
        subjects.sort();
        subjects.dedup();
        subjects
    };
    let [one, two, three] = [1, 2, 3].map(|n| id(n).to_string());
    let (acme, none) = ("acme".to_owned(), Vec::<String>::new());
    let (k1, k2) = ("k1".to_owned(), "k2".to_owned());
    assert_eq!(seen("acme", "*").await, [one.clone(), two.clone(), acme.clone(), k1.clone()]);
    assert_eq!(seen("*", "*").await, [one.clone(), two, three.clone(), acme, k1, k2]);
    assert_eq!(seen("*", "rule").await, [one, three.clone()], "what came to review in it");
    assert_eq!(seen("globex", "rule.sample,image").await, [three]);
    assert_eq!((seen("acme", "image,stream").await, seen("", "*").await), (none.clone(), none));
}
