//! The suite of reports and appeals, whose adapter is a store with the flagged queue.

use super::samples::{at, id, rendition, settled, tenant, upload};
use crate::{
    ports::{
        Reviews, Store,
        accounts::{Deed, Queues, Tenants},
        reports::{Heard, NewAppeal, NewReport},
        reviews::{Becomes, CarriedOut, Item, Ruling, Standing, Status, View, Voiced},
    },
    upload::{
        Decision, State,
        rendition::RenditionName,
        report::{Category, MOST_APPEALS, MOST_REPORTS},
        ruling::Kind,
    },
};
use std::sync::Arc;

#[macro_export]
macro_rules! reports_contract {
    ($make:path) => {
        $crate::contract_cases! { reports, $make;
            reports_merge_onto_one_item
            a_report_opens_what_is_published_and_is_answered
            a_takedown_answers_every_report
            only_what_was_shown_is_reported
            as_many_reports_are_kept_as_say_something
            an_appeal_opens_the_item_for_another_person
            an_appeal_in_the_midst_of_a_reversal_is_for_nobody_who_decided_before
            an_appeal_is_upheld_or_rejected_and_told
            appeals_are_bounded_and_repeats_change_nothing
            what_is_said_during_a_ruling_waits_for_the_next
            the_queue_shows_what_users_wait_for
            erasing_forgets_what_users_said
        }
    };
}

fn deed(action: &'static str, second: i64) -> Deed<'static> {
    Deed { actor: "user:ann", action, at: at(second) }
}

fn report(who: &str, category: Category, second: i64) -> NewReport {
    NewReport {
        upload: id(1),
        tenant: tenant("acme"),
        category,
        text: format!("{who} says so"),
        reporter: who.into(),
        actor: "key:k1".into(),
        at: at(second),
    }
}

fn appeal(text: &str, second: i64) -> NewAppeal {
    NewAppeal {
        upload: id(1),
        tenant: tenant("acme"),
        text: text.into(),
        appellant: "u7".into(),
        actor: "key:k1".into(),
        at: at(second),
    }
}

fn all() -> View {
    View {
        tenants: Tenants::All,
        queues: Queues::All,
        escalated: true,
        tenant: None,
        reason: None,
        media_type: None,
        label: None,
        voiced: None,
        before: None,
    }
}

async fn item<S: Reviews>(store: &S) -> Item {
    store.item(id(1)).await.unwrap().expect("it is there")
}

/// By `who`, at this second; carried out at once, as `done`.
async fn ruled<S: Store + Reviews>(store: &S, who: &str, kind: Kind, second: i64, done: &CarriedOut) {
    let now = match store.take(id(1), who, at(second), at(second + 9)).await.unwrap() {
        Some(item) => item,
        None => item(store).await,
    };
    made(store, &now, who, kind, second).await;
    let due = store.due_ruling(at(second + 1), at(second + 9)).await.unwrap().expect("it is due");
    store.carried_out(&due, done, deed("ruling.carried_out", second + 1)).await.unwrap().expect("it may be");
}

async fn made<S: Reviews>(store: &S, item: &Item, who: &str, kind: Kind, second: i64) {
    let ruling = Ruling {
        upload: id(1),
        number: 0,
        kind,
        reason: "spam".into(),
        note: String::new(),
        overrides: Vec::new(),
        over: "verdict 1".into(),
        by: who.into(),
        at: at(second),
        standing: Standing::Waiting,
        due_at: Some(at(second + 1)),
        fence: 0,
        outcome: None,
        batch: None,
    };
    let waits = Becomes {
        status: Status::Waiting,
        escalated: false,
        sealed: false,
        not_by: item.not_by.clone(),
        released: true,
    };
    store.rule(item, &ruling, &waits, deed("ruling.made", second)).await.unwrap().expect("it is theirs");
}

async fn told<S: Store>(store: &S) -> Vec<String> {
    store.outbox(0, 1000).await.unwrap().into_iter().skip(2).map(|entry| entry.kind).collect()
}

pub async fn reports_merge_onto_one_item<S: Store + Reviews>(store: Arc<S>) {
    settled(&*store, &upload(1), Decision::Review, 10).await;
    let before = item(&*store).await;
    let new = store.report(&report("u1", Category::Hate, 20)).await.unwrap();
    assert_eq!(new, Some(Heard::New));
    assert_eq!(store.report(&report("u1", Category::Hate, 21)).await.unwrap(), Some(Heard::Repeat));
    assert_eq!(store.report(&report("u1", Category::Spam, 22)).await.unwrap(), Some(Heard::New));
    let crowd: Vec<_> = (0..4)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(
                async move { store.report(&report(&format!("c{n}"), Category::Hate, 23)).await.unwrap() },
            )
        })
        .collect();
    for one in crowd {
        assert_eq!(one.await.unwrap(), Some(Heard::New));
    }
    let after = item(&*store).await;
    assert_eq!((after.reports, after.status, after.queued_at), (6, Status::Open, before.queued_at));
    assert_eq!(after.severity, 55 + 5 * 3, "each raises it");
    let kept = store.reports(id(1)).await.unwrap();
    assert_eq!((kept.len(), kept[0].reporter.as_str(), kept[0].at), (6, "u1", at(20)));
    assert_eq!(kept[0].text, "u1 says so");
    assert_eq!(store.queue(&all(), None, 10).await.unwrap().len(), 1);
    let line = store.audit(0, 100).await.unwrap().pop().expect("a line");
    assert_eq!(line.action, "upload.reported");
    assert!(!line.detail.contains("says so") && !line.detail.contains("c3"), "ids alone: {}", line.detail);
}

pub async fn a_report_opens_what_is_published_and_is_answered<S: Store + Reviews>(store: Arc<S>) {
    settled(&*store, &upload(1), Decision::Publish, 10).await;
    assert_eq!(store.queue(&all(), None, 10).await.unwrap(), []);
    assert_eq!(store.report(&report("u1", Category::Nudity, 20)).await.unwrap(), Some(Heard::New));
    let open = store.queue(&all(), None, 10).await.unwrap();
    assert_eq!((open.len(), open[0].reports, open[0].queued_at), (1, 1, at(20)));
    let state = async || store.upload(&tenant("acme"), id(1)).await.unwrap().expect("it is there").state;
    assert_eq!(state().await, State::Published, "until somebody decides");
    let copies = store.renditions(id(1)).await.unwrap();
    assert!(!copies.is_empty());

    // Undone: it waits for an answer still.
    let taken = store.take(id(1), "ann", at(30), at(60)).await.unwrap().expect("free");
    made(&*store, &taken, "ann", Kind::Approve, 31).await;
    assert!(store.undo(id(1), 1, "ann", at(0), None, deed("ruling.undone", 31)).await.unwrap());
    assert_eq!(item(&*store).await.status, Status::Open);

    ruled(&*store, "ann", Kind::Approve, 40, &CarriedOut::Stays).await;
    assert_eq!((item(&*store).await.status, state().await), (Status::Closed, State::Published));
    assert_eq!(store.renditions(id(1)).await.unwrap(), copies, "nothing was made anew");
    assert_eq!(store.reports(id(1)).await.unwrap()[0].outcome.as_deref(), Some("dismissed"));
    assert_eq!(told(&*store).await, Vec::<String>::new(), "nothing changed for anybody");
    // The same person does not open it again, and another does.
    assert_eq!(store.report(&report("u1", Category::Nudity, 50)).await.unwrap(), Some(Heard::Repeat));
    assert_eq!(item(&*store).await.status, Status::Closed);
    assert_eq!(store.report(&report("u2", Category::Nudity, 51)).await.unwrap(), Some(Heard::New));
    assert_eq!((item(&*store).await.status, item(&*store).await.reports), (Status::Open, 1));
}

pub async fn a_takedown_answers_every_report<S: Store + Reviews>(store: Arc<S>) {
    settled(&*store, &upload(1), Decision::Publish, 10).await;
    store.report(&report("u1", Category::Nudity, 20)).await.unwrap();
    ruled(&*store, "ann", Kind::Quarantine, 40, &CarriedOut::Quarantined).await;
    assert_eq!(item(&*store).await.status, Status::Closed);
    assert_eq!(store.reports(id(1)).await.unwrap()[0].outcome.as_deref(), Some("upheld"));
    assert_eq!(told(&*store).await, ["upload.quarantined"]);
    assert_eq!(store.published(id(1), RenditionName::Original).await.unwrap(), None);
}

pub async fn only_what_was_shown_is_reported<S: Store + Reviews>(store: Arc<S>) {
    assert_eq!(store.report(&report("u1", Category::Spam, 5)).await.unwrap(), None);
    store.accept(&upload(1)).await.unwrap();
    let now = store.report(&report("u1", Category::Spam, 6)).await.unwrap();
    assert_eq!(now, Some(Heard::NotNow(State::Received)));
    assert_eq!(store.appeal(&appeal("why?", 6)).await.unwrap(), Some(Heard::NotNow(State::Received)));
    let elsewhere = NewReport { tenant: tenant("globex"), ..report("u1", Category::Spam, 7) };
    assert_eq!(store.report(&elsewhere).await.unwrap(), None, "another tenant's");
    settled(&*store, &upload(2), Decision::Quarantine, 10).await;
    let of = |n| NewReport { upload: id(n), ..report("u1", Category::Spam, 20) };
    assert_eq!(store.report(&of(2)).await.unwrap(), Some(Heard::New));
    let item = store.item(id(2)).await.unwrap().expect("it is there");
    assert_eq!(item.status, Status::Closed, "it is not shown: nothing is to be decided");
    assert_eq!(store.reports(id(1)).await.unwrap(), []);
}

pub async fn as_many_reports_are_kept_as_say_something<S: Store + Reviews>(store: Arc<S>) {
    settled(&*store, &upload(1), Decision::Publish, 10).await;
    for n in 0..MOST_REPORTS {
        let heard = store.report(&report(&format!("u{n}"), Category::Spam, 20)).await.unwrap();
        assert_eq!(heard, Some(Heard::New));
    }
    assert_eq!(store.report(&report("more", Category::Spam, 21)).await.unwrap(), Some(Heard::Full));
    let item = item(&*store).await;
    assert_eq!((item.reports, item.severity), (MOST_REPORTS, 90));
}

pub async fn an_appeal_opens_the_item_for_another_person<S: Store + Reviews>(store: Arc<S>) {
    settled(&*store, &upload(1), Decision::Review, 10).await;
    ruled(&*store, "ann", Kind::Quarantine, 20, &CarriedOut::Quarantined).await;
    assert_eq!(store.appeal(&appeal("it is art", 30)).await.unwrap(), Some(Heard::New));
    let open = item(&*store).await;
    assert!(open.appealed && open.status == Status::Open && open.severity >= 60);
    assert_eq!(open.appeals, 1);
    assert_eq!((open.not_by, open.queued_at), (vec!["ann".to_owned()], at(30)));
    assert_eq!(store.next(&all(), "ann", at(31), at(60)).await.unwrap(), None, "not who decided it");
    assert!(store.next(&all(), "bob", at(31), at(60)).await.unwrap().is_some());
    let state = store.upload(&tenant("acme"), id(1)).await.unwrap().expect("it is there").state;
    assert_eq!(state, State::Quarantined, "until somebody decides");

    // What the machine quarantined by itself anybody may decide.
    settled(&*store, &upload(2), Decision::Quarantine, 40).await;
    store.appeal(&NewAppeal { upload: id(2), ..appeal("why?", 41) }).await.unwrap();
    assert_eq!(store.item(id(2)).await.unwrap().expect("it is there").not_by, Vec::<String>::new());
}

pub async fn an_appeal_in_the_midst_of_a_reversal_is_for_nobody_who_decided_before<S: Store + Reviews>(
    store: Arc<S>,
) {
    settled(&*store, &upload(1), Decision::Review, 10).await;
    ruled(&*store, "ann", Kind::Quarantine, 20, &CarriedOut::Quarantined).await;
    // Two seniors reverse it, of whom one has said so.
    let closed = item(&*store).await;
    let first = Ruling {
        standing: Standing::Second,
        due_at: None,
        ..store.rulings(id(1)).await.unwrap().pop().expect("hers")
    };
    let first = Ruling { kind: Kind::Approve, by: "zoe".into(), at: at(30), ..first };
    let others = Becomes {
        status: Status::Open,
        escalated: true,
        sealed: false,
        not_by: vec!["zoe".into()],
        released: true,
    };
    let number =
        store.rule(&closed, &first, &others, deed("ruling.made", 30)).await.unwrap().expect("as it was");
    assert_eq!(store.appeal(&appeal("it is art", 31)).await.unwrap(), Some(Heard::New));
    assert_eq!(item(&*store).await.not_by, ["ann", "zoe"]);
    assert!(store.undo(id(1), number, "zoe", at(0), Some(at(90)), deed("ruling.undone", 32)).await.unwrap());
    let open = item(&*store).await;
    assert_eq!(
        (open.status, open.not_by),
        (Status::Open, vec!["ann".to_owned()]),
        "who took it back decides nothing"
    );
}

pub async fn an_appeal_is_upheld_or_rejected_and_told<S: Store + Reviews>(store: Arc<S>) {
    settled(&*store, &upload(1), Decision::Review, 10).await;
    ruled(&*store, "ann", Kind::Quarantine, 20, &CarriedOut::Quarantined).await;
    store.appeal(&appeal("it is art", 30)).await.unwrap();
    ruled(&*store, "bob", Kind::Quarantine, 40, &CarriedOut::Stays).await;
    assert_eq!(store.appeals(id(1)).await.unwrap()[0].outcome.as_deref(), Some("rejected"));
    assert_eq!((item(&*store).await.status, item(&*store).await.appealed), (Status::Closed, false));
    store.appeal(&appeal("it is really art", 50)).await.unwrap();
    assert_eq!(item(&*store).await.not_by, ["ann", "bob"], "nor who decided it first");
    assert_eq!(store.next(&all(), "ann", at(51), at(60)).await.unwrap(), None);
    let copies = vec![rendition(id(1), RenditionName::Original)];
    ruled(&*store, "carl", Kind::Approve, 60, &CarriedOut::Published(copies)).await;
    let outcomes: Vec<_> =
        store.appeals(id(1)).await.unwrap().into_iter().map(|one| one.outcome.unwrap_or_default()).collect();
    assert_eq!(outcomes, ["rejected", "upheld"]);
    let kinds = ["upload.quarantined", "appeal.rejected", "upload.published", "appeal.upheld"];
    assert_eq!(told(&*store).await, kinds);
    let last = store.outbox(0, 100).await.unwrap().pop().expect("events");
    let body: serde_json::Value = serde_json::from_str(&last.body).expect("JSON");
    assert_eq!((&body["appeal"], &body["ruling"]), (&2.into(), &3.into()));
    assert_eq!((&body["verdict"], &body["decision"]), (&"publish".into(), &"overturned".into()));
    assert!(store.audit_verify().await.unwrap().is_ok());
}

pub async fn appeals_are_bounded_and_repeats_change_nothing<S: Store + Reviews>(store: Arc<S>) {
    settled(&*store, &upload(1), Decision::Quarantine, 10).await;
    assert_eq!(store.appeal(&appeal("first", 20)).await.unwrap(), Some(Heard::New));
    assert_eq!(store.appeal(&appeal("first", 21)).await.unwrap(), Some(Heard::Repeat));
    assert_eq!(store.appeal(&appeal("second", 22)).await.unwrap(), Some(Heard::Full), "one waits");
    for n in 1..=MOST_APPEALS {
        let second = 30 + 10 * n as i64;
        ruled(&*store, "ann", Kind::Quarantine, second, &CarriedOut::Stays).await;
        let more = store.appeal(&appeal(&format!("again {n}"), second + 5)).await.unwrap();
        assert_eq!(more, Some(if n < MOST_APPEALS { Heard::New } else { Heard::Full }), "{n}");
    }
    assert_eq!(store.appeal(&appeal("first", 99)).await.unwrap(), Some(Heard::Repeat));
    let elsewhere = NewAppeal { tenant: tenant("globex"), ..appeal("first", 99) };
    assert_eq!(store.appeal(&elsewhere).await.unwrap(), None);
    assert_eq!(store.appeals(id(1)).await.unwrap().len() as u64, MOST_APPEALS);
}

pub async fn what_is_said_during_a_ruling_waits_for_the_next<S: Store + Reviews>(store: Arc<S>) {
    settled(&*store, &upload(1), Decision::Publish, 10).await;
    store.report(&report("u1", Category::Spam, 20)).await.unwrap();
    let taken = store.take(id(1), "ann", at(30), at(60)).await.unwrap().expect("free");
    made(&*store, &taken, "ann", Kind::Approve, 31).await;
    store.report(&report("u2", Category::Hate, 40)).await.unwrap();
    assert_eq!(item(&*store).await.status, Status::Waiting);
    let due = store.due_ruling(at(50), at(60)).await.unwrap().expect("it is due");
    store.carried_out(&due, &CarriedOut::Stays, deed("ruling.carried_out", 51)).await.unwrap().unwrap();
    let left = item(&*store).await;
    assert_eq!((left.status, left.reports), (Status::Open, 1), "nobody has read the second");
    // And what fails is open for those who wait.
    let taken = store.take(id(1), "bob", at(60), at(90)).await.unwrap().expect("free");
    made(&*store, &taken, "bob", Kind::Quarantine, 61).await;
    let due = store.due_ruling(at(62), at(70)).await.unwrap().expect("it is due");
    let failed = CarriedOut::Failed("no".into());
    store.carried_out(&due, &failed, deed("ruling.failed", 63)).await.unwrap().unwrap();
    assert_eq!(item(&*store).await.status, Status::Open);
}

pub async fn the_queue_shows_what_users_wait_for<S: Store + Reviews>(store: Arc<S>) {
    settled(&*store, &upload(1), Decision::Publish, 10).await;
    settled(&*store, &upload(2), Decision::Quarantine, 10).await;
    settled(&*store, &upload(3), Decision::Review, 10).await;
    store.report(&report("u1", Category::Spam, 20)).await.unwrap();
    store.appeal(&NewAppeal { upload: id(2), ..appeal("why?", 21) }).await.unwrap();
    let seen = async |voiced| {
        let view = View { voiced, ..all() };
        let found = store.queue(&view, None, 10).await.unwrap();
        assert_eq!(store.counts(&view, at(30)).await.unwrap().open, found.len() as u64);
        found.into_iter().map(|item| item.upload).collect::<Vec<_>>()
    };
    assert_eq!(seen(None).await.len(), 3);
    assert_eq!(seen(Some(Voiced::Reported)).await, [id(1)]);
    assert_eq!(seen(Some(Voiced::Appealed)).await, [id(2)]);
    // What is answered nobody waits for.
    ruled(&*store, "ann", Kind::Approve, 30, &CarriedOut::Stays).await;
    assert!(seen(Some(Voiced::Reported)).await.is_empty());
}

pub async fn erasing_forgets_what_users_said<S: Store + Reviews>(store: Arc<S>) {
    settled(&*store, &upload(1), Decision::Quarantine, 10).await;
    store.report(&report("u1", Category::Spam, 20)).await.unwrap();
    store.appeal(&appeal("my name is Ann", 21)).await.unwrap();
    store.erase(&tenant("acme"), id(1), "key:k1", at(30)).await.unwrap().expect("it was there");
    assert_eq!((store.reports(id(1)).await.unwrap(), store.appeals(id(1)).await.unwrap()), (vec![], vec![]));
    assert_eq!(item(&*store).await.status, Status::Closed);
    let now = store.report(&report("u1", Category::Spam, 31)).await.unwrap();
    assert_eq!(now, Some(Heard::NotNow(State::Erased)));
    assert_eq!(store.appeal(&appeal("x", 31)).await.unwrap(), Some(Heard::NotNow(State::Erased)));
}
