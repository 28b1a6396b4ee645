//! The suite of accounts, whose adapter is a store too: what is done to an account stands in the audit log.

use super::samples::at;
use crate::ports::{
    Accounts, Store,
    accounts::{Deed, Queues, Role, Session, Tenants, User},
    store::Stale,
};
use std::{sync::Arc, time::Duration};

#[macro_export]
macro_rules! accounts_contract {
    ($make:path) => {
        $crate::contract_cases! { accounts, $make;
            an_address_has_one_account
            accounts_are_found_by_a_part_of_their_address_and_by_role
            a_change_is_compared_and_set_and_ends_sessions
            a_reset_forgets_what_somebody_signs_in_by
            sessions_are_limited_and_end
            a_session_takes_anothers_place
            a_session_begins_as_its_account_was_read
            a_link_is_good_once
            a_link_ends_with_the_sessions
            failures_are_counted
            failures_fade
        }
    };
}

fn user(n: u8) -> User {
    User {
        id: format!("u{n}"),
        email: format!("u{n}@example.org"),
        role: Role::Moderator,
        tenants: Tenants::These(
            ["acme".parse().expect("a tenant"), "globex".parse().expect("a tenant")].into(),
        ),
        queues: "image,coverage.video".parse().expect("queues"),
        password: None,
        totp: None,
        totp_step: 0,
        backup_codes: vec!["aa".into(), "bb".into()],
        created_at: at(i64::from(n)),
        disabled_at: None,
        version: 1,
    }
}

pub(super) fn session(hash: &str, user: &str, second: i64) -> Session {
    Session {
        hash: hash.into(),
        user: user.into(),
        full: true,
        device: "a browser".into(),
        created_at: at(second),
        seen_at: at(second),
    }
}

pub(super) fn deed(action: &'static str) -> Deed<'static> {
    Deed { actor: "cli", action, at: at(9) }
}

pub(super) async fn with_user<S: Accounts>(store: &S) -> User {
    assert!(store.add_user(&user(1), deed("user.added")).await.unwrap());
    user(1)
}

pub async fn an_address_has_one_account<S: Accounts + Store>(store: Arc<S>) {
    with_user(&*store).await;
    let twin = User { id: "u9".into(), ..user(1) };
    assert!(!store.add_user(&twin, deed("user.added")).await.unwrap());
    assert!(store.add_user(&user(2), deed("user.added")).await.unwrap());
    assert_eq!(store.user("u1").await.unwrap(), Some(user(1)));
    assert_eq!(store.user_by_email("u2@example.org").await.unwrap(), Some(user(2)));
    assert_eq!((store.user("u9").await.unwrap(), store.user_by_email("x").await.unwrap()), (None, None));
    assert_eq!(store.users().await.unwrap(), [user(1), user(2)]);
    let log = store.audit(0, 10).await.unwrap();
    let said: Vec<_> = log.iter().map(|line| (line.action.as_str(), line.subject.as_str())).collect();
    assert_eq!(said, [("user.added", "u1"), ("user.added", "u2")]);
    assert!(log.iter().all(|line| !line.detail.contains('@')), "ids, not persons");
}

pub async fn accounts_are_found_by_a_part_of_their_address_and_by_role<S: Accounts + Store>(store: Arc<S>) {
    let add = async |n: u8, email: &str, role| {
        let one = User { email: email.into(), role, ..user(n) };
        assert!(store.add_user(&one, deed("user.added")).await.unwrap(), "{email}");
    };
    add(1, "ann_b@example.org", Role::Senior).await;
    add(2, "annxb@example.org", Role::Moderator).await;
    add(3, "100%@example.org", Role::Moderator).await;
    add(4, "zoë@example.org", Role::Admin).await;
    let found = async |part: &str, role| -> Vec<String> {
        store.find_users(part, role).await.unwrap().into_iter().map(|user| user.id).collect()
    };
    for (part, role, ids) in [
        ("", None, &["u3", "u1", "u2", "u4"][..]),
        ("ANN", None, &["u1", "u2"]),
        ("b@Example", None, &["u1", "u2"]),
        ("ann_", None, &["u1"]),
        ("0%@", None, &["u3"]),
        ("%", None, &["u3"]),
        ("oë@", None, &["u4"]),
        ("nobody", None, &[]),
        ("'", None, &[]),
        ("", Some(Role::Moderator), &["u3", "u2"]),
        ("ann", Some(Role::Moderator), &["u2"]),
        ("ann", Some(Role::Auditor), &[]),
    ] {
        assert_eq!(found(part, role).await, ids, "{part} {role:?}");
    }
}

pub async fn a_change_is_compared_and_set_and_ends_sessions<S: Accounts + Store>(store: Arc<S>) {
    let user = with_user(&*store).await;
    for hash in ["a", "b", "c"] {
        store.begin_session(&session(hash, "u1", 1), &user, 9, None, None).await.unwrap().unwrap();
    }
    let changed = User {
        role: Role::Senior,
        tenants: Tenants::All,
        password: Some("p".into()),
        totp: Some("t".into()),
        totp_step: 77,
        backup_codes: Vec::new(),
        disabled_at: Some(at(5)),
        ..user
    };
    assert_eq!(store.change_user(&changed, None, deed("user.changed")).await.unwrap(), Ok(()));
    assert_eq!(store.sessions("u1").await.unwrap().len(), 3);
    assert_eq!(
        store.change_user(&changed, None, deed("user.changed")).await.unwrap(),
        Err(Stale),
        "it changed"
    );
    let now = User { version: 2, ..changed };
    assert_eq!(store.user("u1").await.unwrap(), Some(now.clone()));
    assert_eq!(store.change_user(&now, Some("b"), deed("user.changed")).await.unwrap(), Ok(()));
    let left: Vec<_> = store.sessions("u1").await.unwrap().into_iter().map(|s| s.hash).collect();
    assert_eq!(left, ["b"]);
    assert_eq!(store.audit(0, 10).await.unwrap().len(), 3, "what was refused is not on record as done");
}

pub async fn a_reset_forgets_what_somebody_signs_in_by<S: Accounts + Store>(store: Arc<S>) {
    let user = with_user(&*store).await;
    let known = User { password: Some("p".into()), totp: Some("t".into()), totp_step: 77, ..user };
    assert_eq!(store.change_user(&known, None, deed("user.changed")).await.unwrap(), Ok(()));
    store.begin_session(&session("a", "u1", 1), &known, 9, None, None).await.unwrap().unwrap();
    assert_eq!(store.reset_user(&known, deed("user.reset")).await.unwrap(), Err(Stale), "it changed");
    assert_eq!(store.sessions("u1").await.unwrap().len(), 1);
    let known = User { version: 2, ..known };
    assert_eq!(store.reset_user(&known, deed("user.reset")).await.unwrap(), Ok(()));
    let bare = User { password: None, totp: None, backup_codes: Vec::new(), version: 3, ..known };
    assert_eq!(store.user("u1").await.unwrap(), Some(bare));
    assert!(store.sessions("u1").await.unwrap().is_empty());
    let log = store.audit(0, 10).await.unwrap();
    let said: Vec<_> = log.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(said, ["user.added", "user.changed", "user.reset"]);
}

pub async fn sessions_are_limited_and_end<S: Accounts + Store>(store: Arc<S>) {
    let user = with_user(&*store).await;
    for (n, hash) in ["a", "b", "c"].into_iter().enumerate() {
        store
            .begin_session(&session(hash, "u1", n as i64), &user, 2, None, Some(deed("session.began")))
            .await
            .unwrap()
            .unwrap();
    }
    let names = async || store.sessions("u1").await.unwrap().into_iter().map(|s| s.hash).collect::<Vec<_>>();
    assert_eq!(names().await, ["c", "b"], "the oldest ended");
    assert_eq!(store.session("a").await.unwrap(), None);
    store.touch_session("b", at(50)).await.unwrap();
    store.touch_session("b", at(40)).await.unwrap();
    let (seen, whose) = store.session("b").await.unwrap().expect("it is there");
    assert_eq!((seen.seen_at, whose), (at(50), user));
    assert!(!store.end_session("u2", "b", deed("session.ended")).await.unwrap(), "it is another's");
    assert!(store.end_session("u1", "c", deed("session.ended")).await.unwrap());
    assert!(!store.end_session("u1", "c", deed("session.ended")).await.unwrap());
    assert_eq!(store.prune_sessions(at(50), at(50)).await.unwrap(), 0);
    assert_eq!(store.prune_sessions(at(51), at(51)).await.unwrap(), 1);
    assert_eq!(names().await, Vec::<String>::new());
}

pub async fn a_session_takes_anothers_place<S: Accounts + Store>(store: Arc<S>) {
    let user = with_user(&*store).await;
    let begin = async |session: Session, instead_of: Option<&str>| {
        store.begin_session(&session, &user, 1, instead_of, None).await.unwrap().unwrap();
    };
    begin(Session { full: false, ..session("half", "u1", 1) }, None).await;
    assert!(!store.session("half").await.unwrap().unwrap().0.full);
    begin(session("full", "u1", 2), Some("half")).await;
    assert_eq!(store.session("half").await.unwrap(), None);
    assert!(store.session("full").await.unwrap().unwrap().0.full);
    // Half ones, which a password alone begins, put out each other and no full one.
    for (hash, second) in [("h1", 3), ("h2", 4)] {
        begin(Session { full: false, ..session(hash, "u1", second) }, None).await;
    }
    assert_eq!(store.session("h1").await.unwrap(), None);
    assert!(store.session("h2").await.unwrap().is_some() && store.session("full").await.unwrap().is_some());
}

pub async fn a_session_begins_as_its_account_was_read<S: Accounts + Store>(store: Arc<S>) {
    let user = with_user(&*store).await;
    let begins =
        async |as_of: &User| store.begin_session(&session("a", "u1", 1), as_of, 9, None, None).await.unwrap();
    // Of who has no password yet nothing may have changed.
    assert_eq!(store.change_user(&user, None, deed("user.changed")).await.unwrap(), Ok(()));
    assert_eq!(begins(&user).await, Err(Stale));
    let known = User { password: Some("p".into()), totp: Some("t".into()), version: 2, ..user };
    assert_eq!(store.change_user(&known, None, deed("user.changed")).await.unwrap(), Ok(()));
    // A code that was used elsewhere is no matter.
    let used = User { totp_step: 78, backup_codes: Vec::new(), version: 3, ..known.clone() };
    assert_eq!(store.change_user(&used, None, deed("user.totp_used")).await.unwrap(), Ok(()));
    assert_eq!(begins(&known).await, Ok(()));
    let changes: [fn(&mut User); 8] = [
        |user| user.password = Some("q".into()),
        |user| user.totp = Some("u".into()),
        |user| user.totp = None,
        |user| user.role = Role::Auditor,
        |user| user.tenants = Tenants::All,
        |user| user.queues = Queues::All,
        |user| user.disabled_at = Some(at(5)),
        |user| user.password = None,
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let read = store.user("u1").await.unwrap().unwrap();
        let mut changed = read.clone();
        change(&mut changed);
        assert_eq!(store.change_user(&changed, Some(""), deed("user.changed")).await.unwrap(), Ok(()));
        assert_eq!(begins(&read).await, Err(Stale), "{n}");
    }
    assert!(store.sessions("u1").await.unwrap().is_empty());
}

pub async fn a_link_ends_with_the_sessions<S: Accounts + Store>(store: Arc<S>) {
    let user = with_user(&*store).await;
    let link = async || store.link("link", at(50)).await.unwrap().is_some();
    let anew = async || store.add_link("link", "u1", at(100), deed("user.link")).await.unwrap();
    let change = async |version, ends, change: fn(&mut User)| {
        let mut changed = User { version, ..user.clone() };
        change(&mut changed);
        store.change_user(&changed, ends, deed("user.changed")).await.unwrap().unwrap();
    };
    anew().await;
    change(1, Some(""), |user| user.role = Role::Senior).await;
    assert!(link().await, "who was invited comes by it, as what they are now");
    change(2, Some(""), |user| user.disabled_at = Some(at(5))).await;
    assert!(!link().await);
    change(3, Some(""), |_| ()).await;
    assert!(!link().await, "it does not come back");
    anew().await;
    change(4, Some("a"), |user| user.password = Some("p".into())).await;
    assert!(!link().await);
    anew().await;
    change(5, None, |user| user.password = Some("p".into())).await;
    assert!(link().await, "sessions went on");
    let known = User { version: 6, password: Some("p".into()), ..user.clone() };
    store.reset_user(&known, deed("user.reset")).await.unwrap().unwrap();
    assert!(!link().await);
}

pub async fn a_link_is_good_once<S: Accounts + Store>(store: Arc<S>) {
    with_user(&*store).await;
    store.add_link("old", "u1", at(100), deed("user.link")).await.unwrap();
    store.add_link("new", "u1", at(100), deed("user.link")).await.unwrap();
    assert_eq!(store.take_link("old", at(50)).await.unwrap(), None, "a newer one was made");
    assert_eq!(store.take_link("new", at(100)).await.unwrap(), None, "its time is over");
    assert_eq!(store.link("new", at(99)).await.unwrap().as_deref(), Some("u1"));
    assert_eq!(store.take_link("new", at(99)).await.unwrap().as_deref(), Some("u1"));
    assert_eq!(store.take_link("new", at(99)).await.unwrap(), None);
    assert_eq!(store.link("new", at(99)).await.unwrap(), None);
}

pub async fn failures_are_counted<S: Accounts + Store>(store: Arc<S>) {
    assert_eq!(store.tries("account:x").await.unwrap(), None);
    let fades = Duration::from_secs(10);
    for n in 1..=3 {
        store.failed("account:x", at(n), fades).await.unwrap();
    }
    store.failed("address:y", at(1), fades).await.unwrap();
    let tries = store.tries("account:x").await.unwrap().expect("three");
    assert_eq!((tries.failures, tries.last_at), (3, at(3)));
    store.forgive("account:x").await.unwrap();
    assert_eq!(store.tries("account:x").await.unwrap(), None);
    assert!(store.tries("address:y").await.unwrap().is_some());
    store.prune_sessions(at(2), at(2)).await.unwrap();
    assert_eq!(store.tries("address:y").await.unwrap(), None, "long ago");
}

pub async fn failures_fade<S: Accounts + Store>(store: Arc<S>) {
    let fades = Duration::from_secs(10);
    let failed = async |second| {
        store.failed("address:y", at(second), fades).await.unwrap();
        store.tries("address:y").await.unwrap().expect("it failed just now").failures
    };
    for n in 1..=5 {
        assert_eq!(failed(100).await, n);
    }
    assert_eq!(failed(109).await, 6, "too soon");
    assert_eq!(failed(119).await, 6, "one was forgotten, and one is new");
    assert_eq!(failed(154).await, 4, "three were, in three and a half times as long");
    assert_eq!(failed(150).await, 5, "by another machine's clock");
    assert_eq!(failed(9_000).await, 1);
}
