//! The suite of drafts; the adapter keeps accounts too.

use super::{
    accounts::{deed, session, with_user},
    samples::at,
};
use crate::ports::{Accounts, Drafts, drafts::Draft};
use std::sync::Arc;

#[macro_export]
macro_rules! drafts_contract {
    ($make:path) => {
        $crate::contract_cases! { drafts, $make;
            a_draft_is_its_writers_alone_until_its_time_is_over
            of_drafts_the_newest_are_kept
            whose_a_form_is_outlasts_its_session_but_not_a_change_of_the_account
        }
    };
}

fn draft(id: &str, person: &str, second: i64) -> Draft {
    Draft {
        id: id.into(),
        person: person.into(),
        path: "/console/policy".into(),
        fields: vec![("a".into(), "é\r\n\"<".into()), ("a".into(), String::new())],
        at: at(second),
        until: at(second + 10),
    }
}

pub async fn a_draft_is_its_writers_alone_until_its_time_is_over<S: Accounts + Drafts>(store: Arc<S>) {
    with_user(&*store).await;
    let kept = draft("one", "u1", 1);
    store.keep(&kept, 9).await.unwrap();
    assert_eq!(store.draft("u1", "one", at(10)).await.unwrap(), Some(kept));
    assert_eq!(store.drafts("u1", at(10)).await.unwrap(), ["one"]);
    assert_eq!(store.draft("u2", "one", at(10)).await.unwrap(), None, "another's");
    assert_eq!(store.drafts("u2", at(10)).await.unwrap(), Vec::<String>::new());
    assert!(!store.drop_draft("u2", "one").await.unwrap());
    assert_eq!(store.draft("u1", "one", at(11)).await.unwrap(), None, "its time is over");
    assert_eq!(store.drafts("u1", at(11)).await.unwrap(), Vec::<String>::new());
    assert!(store.drop_draft("u1", "one").await.unwrap());
    assert!(!store.drop_draft("u1", "one").await.unwrap());
    store.keep(&draft("two", "u1", 1), 9).await.unwrap();
    store.prune_sessions(at(0), at(11)).await.unwrap();
    assert!(!store.drop_draft("u1", "two").await.unwrap(), "nothing is left of it");
}

pub async fn of_drafts_the_newest_are_kept<S: Accounts + Drafts>(store: Arc<S>) {
    with_user(&*store).await;
    for (n, id) in ["one", "two", "three"].into_iter().enumerate() {
        store.keep(&draft(id, "u1", n as i64), 2).await.unwrap();
    }
    assert_eq!(store.drafts("u1", at(5)).await.unwrap(), ["three", "two"]);
}

pub async fn whose_a_form_is_outlasts_its_session_but_not_a_change_of_the_account<S: Accounts + Drafts>(
    store: Arc<S>,
) {
    let user = with_user(&*store).await;
    let whose = async |hash| store.whose_form(hash).await.unwrap();
    for hash in ["a", "b"] {
        store.begin_session(&session(hash, "u1", 1), &user, 9, None, None).await.unwrap().unwrap();
        store.know_forms(&format!("form {hash}"), hash, "u1", at(1)).await.unwrap();
    }
    assert!(store.end_session("u1", "a", deed("session.ended")).await.unwrap());
    assert_eq!(whose("form a").await.as_deref(), Some("u1"), "it outlasts the session");
    assert_eq!(whose("form c").await, None);
    store.forget_forms("a").await.unwrap();
    assert_eq!(whose("form a").await, None);
    assert_eq!(whose("form b").await.as_deref(), Some("u1"));
    store.know_forms("form a", "a", "u1", at(1)).await.unwrap();
    store.change_user(&user, Some("b"), deed("user.password_changed")).await.unwrap().unwrap();
    assert_eq!((whose("form a").await, whose("form b").await), (None, Some("u1".to_owned())));
    // A day longer than sessions.
    store.prune_sessions(at(86_400), at(86_400)).await.unwrap();
    assert_eq!(whose("form b").await.as_deref(), Some("u1"));
    store.prune_sessions(at(86_402), at(86_402)).await.unwrap();
    assert_eq!(whose("form b").await, None);
}
