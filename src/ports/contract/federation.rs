//! The suite of sign-ins by a provider; the adapter keeps accounts too.

use super::samples::at;
use crate::ports::{
    Accounts, Federation, Store,
    accounts::{Deed, Queues, Role, Tenants, User},
    store::Stale,
};
use std::sync::Arc;

#[macro_export]
macro_rules! federation_contract {
    ($make:path) => {
        $crate::contract_cases! { federation, $make;
            a_subject_is_bound_once_and_to_one_person
            a_sign_in_ends_once
            who_is_reset_may_come_as_another_subject
        }
    };
}

async fn person<S: Accounts>(store: &S, id: &str) {
    let user = User {
        id: id.into(),
        email: format!("{id}@example.org"),
        role: Role::Moderator,
        tenants: Tenants::All,
        queues: Queues::All,
        password: None,
        totp: None,
        totp_step: 0,
        backup_codes: Vec::new(),
        created_at: at(1),
        disabled_at: None,
        version: 1,
    };
    assert!(store.add_user(&user, deed("user.added")).await.unwrap());
}

fn deed(action: &'static str) -> Deed<'static> {
    Deed { actor: "user:ann", action, at: at(2) }
}

pub async fn a_subject_is_bound_once_and_to_one_person<S: Store + Accounts + Federation>(store: Arc<S>) {
    for id in ["ann", "bob"] {
        person(&*store, id).await;
    }
    let known = async |issuer, subject| store.known_as(issuer, subject).await.unwrap();
    let bind = async |subject, id| store.bind("https://a", subject, id, deed("user.bound")).await.unwrap();
    assert_eq!(known("https://a", "1").await, None);
    assert!(bind("1", "ann").await);
    assert!(!bind("1", "bob").await, "the subject is ann's");
    assert!(!bind("2", "ann").await, "ann is another subject there");
    assert!(bind("2", "bob").await);
    assert!(store.bind("https://b", "1", "bob", deed("user.bound")).await.unwrap(), "another issuer's");
    assert_eq!(known("https://a", "1").await.as_deref(), Some("ann"));
    assert_eq!(known("https://b", "1").await.as_deref(), Some("bob"));
    let log = store.audit(0, 20).await.unwrap();
    let bound: Vec<_> = log.iter().filter(|line| line.action == "user.bound").collect();
    assert_eq!(bound.len(), 3);
    assert!(bound[0].subject == "ann" && bound[0].detail.contains("https://a"), "{bound:?}");
}

pub async fn a_sign_in_ends_once<S: Federation>(store: Arc<S>) {
    let end = async |hash, now| store.end_once(hash, at(now), at(now + 10)).await.unwrap();
    assert!(end("one", 1).await && end("two", 1).await);
    assert!(!end("one", 2).await);
    let (a, b) = tokio::join!(store.end_once("three", at(3), at(9)), store.end_once("three", at(3), at(9)));
    assert_eq!([a.unwrap(), b.unwrap()].into_iter().filter(|first| *first).count(), 1);
    // What was so long ago is forgotten: the provider's codes are no good by then either.
    assert!(end("one", 20).await);
}

pub async fn who_is_reset_may_come_as_another_subject<S: Store + Accounts + Federation>(store: Arc<S>) {
    for id in ["ann", "bob"] {
        person(&*store, id).await;
    }
    let known = async |issuer, subject| store.known_as(issuer, subject).await.unwrap();
    let bind = async |issuer, subject, id| store.bind(issuer, subject, id, deed("user.bound")).await.unwrap();
    assert!(bind("https://a", "1", "ann").await && bind("https://b", "1", "ann").await);
    assert!(bind("https://a", "2", "bob").await);
    assert!(!bind("https://a", "3", "ann").await);
    let ann = store.user("ann").await.unwrap().expect("an account");
    assert_eq!(store.reset_user(&ann, deed("user.reset")).await.unwrap(), Ok(()));
    assert_eq!((known("https://a", "1").await, known("https://b", "1").await), (None, None));
    assert_eq!(known("https://a", "2").await.as_deref(), Some("bob"));
    assert!(bind("https://a", "3", "ann").await);
    // Refused where the account changed since: nothing is forgotten.
    assert_eq!(store.reset_user(&ann, deed("user.reset")).await.unwrap(), Err(Stale));
    assert_eq!(known("https://a", "3").await.as_deref(), Some("ann"));
    let log = store.audit(0, 20).await.unwrap();
    let reset: Vec<_> = log.iter().filter(|line| line.action == "user.reset").collect();
    assert!(reset.len() == 1 && reset[0].detail.contains("\"unbound\":2"), "{reset:?}");
}
