//! The suite of who looked at what.

use super::samples::{at, id, settled, tenant, upload};
use crate::{
    ports::{
        Accounts, Care, Reviews, Store,
        accounts::{Deed, Queues, Role, Tenants, User},
        care::{Exposure, Level, Seen, Subject, day},
        reviews::AuditFilter,
    },
    upload::{Decision, StreamId},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

#[macro_export]
macro_rules! care_contract {
    ($make:path) => {
        $crate::contract_cases! { care, $make;
            views_are_counted_by_person_day_and_level
            a_view_goes_on_while_its_person_is_heard_of
            how_long_a_view_was_is_on_record_once
            an_episode_is_looked_at_as_an_upload_is
            a_stream_on_the_wall_is_looked_at_as_well
            a_day_is_lifted
        }
    };
}

fn of(n: u64) -> Subject {
    Subject::Upload(id(n))
}

const GAP: Duration = Duration::from_secs(60);

async fn with_people<S: Store + Accounts>(store: &S) {
    for name in ["ann", "bob"] {
        let user = User {
            id: name.into(),
            email: format!("{name}@example.org"),
            role: Role::Moderator,
            tenants: Tenants::All,
            queues: Queues::All,
            password: None,
            totp: None,
            totp_step: 0,
            backup_codes: Vec::new(),
            created_at: at(0),
            disabled_at: None,
            version: 1,
        };
        assert!(store.add_user(&user, Deed { actor: "cli", action: "user.added", at: at(0) }).await.unwrap());
    }
    for n in 1..=3 {
        settled(store, &upload(n), Decision::Review, 10).await;
    }
    settled(
        store,
        &crate::ports::store::NewUpload { tenant: tenant("globex"), ..upload(4) },
        Decision::Review,
        10,
    )
    .await;
}

fn seen(views: u64, seconds: u64) -> Seen {
    Seen { views, seconds }
}

pub async fn views_are_counted_by_person_day_and_level<S: Store + Accounts + Care>(store: Arc<S>) {
    with_people(&*store).await;
    let looks = async |who, n, level, second| {
        assert!(store.looks(who, of(n), level, at(second), GAP).await.unwrap(), "{who} {n} begins");
    };
    looks("ann", 1, Level::High, 100).await;
    looks("ann", 2, Level::High, 110).await;
    looks("ann", 3, Level::Low, 120).await;
    looks("bob", 1, Level::High, 100).await;
    looks("ann", 4, Level::High, 100 + 2 * 86_400).await;
    store.still_looks("ann", of(1), at(130), GAP).await.unwrap();
    store.still_looks("ann", of(2), at(115), GAP).await.unwrap();
    let expected = Exposure { high: seen(2, 35), low: seen(1, 0), ..Exposure::default() };
    assert_eq!(store.exposure("ann", day(at(100))).await.unwrap(), expected);
    assert_eq!(store.exposure("bob", day(at(100))).await.unwrap().high, seen(1, 0));
    assert_eq!(store.exposure("ann", day(at(100)) + 2).await.unwrap().high, seen(1, 0));
    assert_eq!(store.exposure("ann", day(at(100)) + 1).await.unwrap(), Exposure::default());
    let all = store.exposures(&["ann", "bob", "zoe"], day(at(100))).await.unwrap();
    let bob = Exposure { high: seen(1, 0), ..Exposure::default() };
    assert_eq!(all, BTreeMap::from([("ann".to_owned(), expected), ("bob".to_owned(), bob)]));
    let some = store.exposures(&["bob"], day(at(100))).await.unwrap();
    assert_eq!(some, BTreeMap::from([("bob".to_owned(), bob)]));
    assert!(store.exposures(&[], day(at(100))).await.unwrap().is_empty());
}

pub async fn a_view_goes_on_while_its_person_is_heard_of<S: Store + Accounts + Care>(store: Arc<S>) {
    with_people(&*store).await;
    let today = async || store.exposure("ann", day(at(100))).await.unwrap().high;
    let looks = async |second| store.looks("ann", of(1), Level::High, at(second), GAP).await.unwrap();
    assert!(looks(100).await);
    assert!(!looks(150).await, "it goes on");
    assert_eq!(today().await, seen(1, 50));
    store.still_looks("ann", of(1), at(200), GAP).await.unwrap();
    assert_eq!(today().await, seen(1, 100));
    store.still_looks("ann", of(1), at(260), GAP).await.unwrap();
    assert_eq!(today().await, seen(1, 100), "she was away");
    assert!(looks(300).await, "a new one");
    store.still_looks("ann", of(2), at(300), GAP).await.unwrap();
    store.still_looks("bob", of(1), at(300), GAP).await.unwrap();
    assert_eq!(today().await, seen(2, 100));
    store.looked("ann", of(1), at(310)).await.unwrap();
    assert!(looks(311).await, "it was over");
    assert_eq!(today().await.views, 3);
}

pub async fn how_long_a_view_was_is_on_record_once<S: Store + Accounts + Care + Reviews>(store: Arc<S>) {
    with_people(&*store).await;
    store.looks("ann", of(1), Level::High, at(100), GAP).await.unwrap();
    store.still_looks("ann", of(1), at(142), GAP).await.unwrap();
    store.looks("bob", of(1), Level::Low, at(100), GAP).await.unwrap();
    store.looked("ann", of(1), at(150)).await.unwrap();
    store.looked("ann", of(1), at(151)).await.unwrap();
    let told = async || {
        let filter = AuditFilter { action: Some("item.left".into()), limit: 10, ..AuditFilter::default() };
        let lines = store.audit_find(&filter).await.unwrap();
        lines.into_iter().map(|line| (line.actor, line.subject, line.detail)).collect::<Vec<_>>()
    };
    let line = |who: &str, detail: &str| (format!("user:{who}"), id(1).to_string(), detail.to_owned());
    let ann = line("ann", r#"{"level":"high","seconds":42}"#);
    assert_eq!(told().await, std::slice::from_ref(&ann));
    assert_eq!(store.end_views(at(100), at(160)).await.unwrap(), 0, "bob may be there still");
    assert_eq!(store.end_views(at(101), at(161)).await.unwrap(), 1);
    assert_eq!(store.end_views(at(101), at(162)).await.unwrap(), 0);
    assert_eq!(told().await, [line("bob", r#"{"level":"low","seconds":0}"#), ann]);
    assert!(store.audit_verify().await.unwrap().is_ok());
}

pub async fn an_episode_is_looked_at_as_an_upload_is<S: Store + Accounts + Care + Reviews>(store: Arc<S>) {
    with_people(&*store).await;
    let stream = StreamId::new(at(1), &[7; 10]);
    let (first, second) = (Subject::Episode(stream, 1), Subject::Episode(stream, 2));
    assert!(store.looks("ann", first, Level::High, at(100), GAP).await.unwrap());
    assert!(store.looks("ann", second, Level::Medium, at(100), GAP).await.unwrap());
    store.still_looks("ann", first, at(130), GAP).await.unwrap();
    let today = store.exposure("ann", day(at(100))).await.unwrap();
    assert_eq!((today.high, today.medium), (seen(1, 30), seen(1, 0)));
    store.looked("ann", first, at(131)).await.unwrap();
    let filter = AuditFilter { action: Some("episode.left".into()), limit: 10, ..AuditFilter::default() };
    let lines = store.audit_find(&filter).await.unwrap();
    assert_eq!((lines.len(), lines[0].subject.as_str()), (1, stream.to_string().as_str()));
    assert_eq!(lines[0].detail, r#"{"episode":1,"level":"high","seconds":30}"#);
    assert_eq!(second.to_string().parse(), Ok(second));
    assert!("x/1".parse::<Subject>().is_err() && format!("{stream}/x").parse::<Subject>().is_err());
}

pub async fn a_stream_on_the_wall_is_looked_at_as_well<S: Store + Accounts + Care + Reviews>(store: Arc<S>) {
    with_people(&*store).await;
    let stream = StreamId::new(at(1), &[7; 10]);
    let (wall, episode) = (Subject::Stream(stream), Subject::Episode(stream, 1));
    assert!(store.looks("ann", wall, Level::Low, at(100), GAP).await.unwrap());
    assert!(store.looks("ann", episode, Level::High, at(100), GAP).await.unwrap(), "a view of its own");
    assert!(!store.looks("ann", wall, Level::Low, at(120), GAP).await.unwrap(), "it goes on");
    let today = store.exposure("ann", day(at(100))).await.unwrap();
    assert_eq!((today.low, today.high), (seen(1, 20), seen(1, 0)));
    store.looked("ann", wall, at(121)).await.unwrap();
    let filter = AuditFilter { action: Some("stream.left".into()), limit: 10, ..AuditFilter::default() };
    let lines = store.audit_find(&filter).await.unwrap();
    assert_eq!((lines.len(), lines[0].subject.as_str()), (1, stream.to_string().as_str()));
    assert_eq!(lines[0].detail, r#"{"level":"low","seconds":20}"#);
    assert_eq!(wall.to_string().parse(), Ok(wall));
}

pub async fn a_day_is_lifted<S: Store + Accounts + Care>(store: Arc<S>) {
    with_people(&*store).await;
    let lifted = async |who, day| store.exposure(who, day).await.unwrap().lifted;
    let lines = store.audit(0, 100).await.unwrap().len();
    let deed = Deed { actor: "user:zoe", action: "care.lifted", at: at(100) };
    for _ in 0..2 {
        store.lift("ann", 7, deed).await.unwrap();
    }
    assert!(lifted("ann", 7).await && !lifted("ann", 8).await && !lifted("bob", 7).await);
    let all = store.exposures(&["ann", "bob"], 7).await.unwrap();
    let ann = Exposure { lifted: true, ..Exposure::default() };
    assert_eq!(all, BTreeMap::from([("ann".to_owned(), ann)]));
    assert_eq!(store.audit(0, 100).await.unwrap().len(), lines + 1, "said once");
}
