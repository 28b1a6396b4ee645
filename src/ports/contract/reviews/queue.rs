//! The queue: who sees and gets what.

use super::{all, deed, in_review, ruling, waits};
use crate::{
    ports::{
        Reviews, Store,
        accounts::{Queues, Tenants},
        contract::samples::{at, claimed, id, settled, settlement, tenant, upload},
        reviews::{Becomes, Item, Place, Ruling, Skip, Status, View},
        store::{NewUpload, Stale},
    },
    upload::{Decision, ruling::Kind},
};
use std::sync::Arc;

pub async fn what_goes_to_review_is_in_the_queue<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 1).await;
    settled(&*store, &upload(2), Decision::Publish, 12).await;
    settled(&*store, &upload(3), Decision::Quarantine, 12).await;
    let queue = store.queue(&all(), None, 10).await.unwrap();
    let expected = Item {
        upload: id(1),
        tenant: tenant("acme"),
        filename: Some("photo 1.jpg".into()),
        status: Status::Open,
        severity: 10,
        reasons: vec!["rule.sample".into()],
        media_type: "image/jpeg".into(),
        labels: Vec::new(),
        queued_at: at(10),
        escalated: false,
        sealed: false,
        version: 1,
        fence: 0,
        holder: None,
        held_until: None,
        not_by: Vec::new(),
        skipped_by: Vec::new(),
        reports: 0,
        appealed: false,
        appeals: 0,
    };
    assert_eq!(queue, std::slice::from_ref(&expected));
    assert_eq!(store.item(id(1)).await.unwrap(), Some(expected));
    assert_eq!(store.item(id(2)).await.unwrap(), None);
    store.adopt(id(2)).await.unwrap();
    store.adopt(id(2)).await.unwrap();
    assert_eq!(store.item(id(2)).await.unwrap().map(|item| item.status), Some(Status::Closed));
    store.adopt(id(9)).await.unwrap();
    assert_eq!(store.item(id(9)).await.unwrap(), None, "there is no such upload");
}

pub async fn the_queue_shows_what_a_view_sees<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 2).await;
    settled(&*store, &NewUpload { tenant: tenant("globex"), ..upload(3) }, Decision::Review, 30).await;
    let seen = async |view: View| {
        let items = store.queue(&view, None, 10).await.unwrap();
        let counts = store.counts(&view, at(40)).await.unwrap();
        assert_eq!(counts.open, items.len() as u64);
        items.into_iter().map(|item| item.upload).collect::<Vec<_>>()
    };
    let these = |names: &[&str]| Tenants::These(names.iter().map(|name| tenant(name)).collect());
    assert_eq!(seen(all()).await, [id(1), id(2), id(3)]);
    assert_eq!(seen(View { tenants: these(&["globex"]), ..all() }).await, [id(3)]);
    assert_eq!(seen(View { tenants: these(&["globex", "acme"]), ..all() }).await.len(), 3);
    assert_eq!(seen(View { tenants: these(&[]), ..all() }).await, []);
    assert_eq!(seen(View { tenants: these(&["globex"]), tenant: Some(tenant("acme")), ..all() }).await, []);
    assert_eq!(seen(View { tenant: Some(tenant("acme")), ..all() }).await, [id(1), id(2)]);
    assert_eq!(seen(View { reason: Some("rule.sample".into()), ..all() }).await.len(), 3);
    assert_eq!(seen(View { reason: Some("rule_sample".into()), ..all() }).await, []);
    let queues = |names: &str| names.parse::<Queues>().expect("queues");
    assert_eq!(seen(View { queues: queues("rule"), ..all() }).await.len(), 3);
    assert_eq!(seen(View { queues: queues("image,rule.sample"), ..all() }).await.len(), 3);
    assert_eq!(seen(View { queues: queues("rul,rule.s,rule.sample.more,image"), ..all() }).await, []);
    assert_eq!(seen(View { queues: queues(""), ..all() }).await, []);
    let globex = View { queues: queues("image"), tenant: Some(tenant("acme")), ..all() };
    assert_eq!(store.next(&globex, "ann", at(30), at(40)).await.unwrap(), None);
    assert_eq!(seen(View { media_type: Some("image/".into()), ..all() }).await.len(), 3);
    assert_eq!(seen(View { media_type: Some("video/".into()), ..all() }).await, []);
    assert_eq!(seen(View { before: Some(at(11)), ..all() }).await, [id(1)]);
    let counts = store.counts(&all(), at(40)).await.unwrap();
    assert_eq!((counts.held, counts.oldest), (0, Some(at(10))));
    assert_eq!(counts.reasons, [("rule.sample".to_owned(), 3)]);

    let item = store.take(id(1), "ann", at(40), at(50)).await.unwrap().expect("free");
    assert_eq!(store.counts(&all(), at(41)).await.unwrap().held, 1);
    let up = Becomes { status: Status::Open, escalated: true, ..waits() };
    store.rule(&item, &ruling(Kind::Escalate, None), &up, deed("ruling.made", 42)).await.unwrap().unwrap();
    assert_eq!(seen(View { escalated: false, ..all() }).await, [id(2), id(3)]);
}

/// As [`settled`], with what it is taken for.
async fn taken_for<S: Store>(store: &S, n: u64, labels: &[(&str, f32)]) {
    let lease = claimed(store, &upload(n), 9).await;
    let mut settlement = settlement(&lease, Decision::Review, at(10));
    settlement.verdict.labels = labels.iter().map(|(label, score)| ((*label).to_owned(), *score)).collect();
    store.settle(&lease, &settlement).await.unwrap().unwrap();
}

pub async fn the_queue_goes_on_where_a_page_ended<S: Store + Reviews>(store: Arc<S>) {
    // Three as severe as one another and of one moment, then four that are milder, the older first.
    for n in [5, 3, 4] {
        taken_for(&*store, n, &[("m.porn", 0.9)]).await;
    }
    for n in [7, 6, 9, 8] {
        settled(&*store, &upload(n), Decision::Review, 30 - n as i64).await;
    }
    let order = [3, 4, 5, 9, 8, 7, 6].map(id);
    let page = async |after: Option<&Place>, limit| store.queue(&all(), after, limit).await.unwrap();
    for limit in 1..=8 {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let items = page(after.as_ref(), limit).await;
            let Some(last) = items.last() else { break };
            after = Some(last.place());
            seen.extend(items.iter().map(|item| item.upload));
        }
        assert_eq!(seen, order, "{limit} at a time");
    }
    // What comes, goes or is decided meanwhile moves nothing from one page to another.
    let last = page(None, 4).await.pop().expect("four").place();
    assert_eq!(last.to_string().parse(), Ok(last));
    taken_for(&*store, 1, &[("m.porn", 1.0)]).await;
    let item = store.take(id(9), "ann", at(40), at(90)).await.unwrap().expect("free");
    store
        .rule(
            &item,
            &Ruling { upload: id(9), ..ruling(Kind::Quarantine, Some(80)) },
            &waits(),
            deed("ruling.made", 41),
        )
        .await
        .unwrap()
        .expect("it is hers");
    let rest: Vec<_> = page(Some(&last), 10).await.iter().map(|item| item.upload).collect();
    assert_eq!(rest, order[4..]);
    for strange in ["", "1", "1.2", "1.2.x", "a.b.c", "-1.2.3"] {
        assert!(strange.parse::<Place>().is_err(), "{strange}");
    }
}

pub async fn items_are_found_by_what_they_are_taken_for<S: Store + Reviews>(store: Arc<S>) {
    let long = format!("m.{}", "x".repeat(600));
    taken_for(&*store, 1, &[("m.porn", 0.7), ("m.sexy", 0.9), ("m.neutral", 0.49)]).await;
    taken_for(&*store, 2, &[("m.sexy", 0.5), (&long, 0.9), ("m.a\nb", 0.9)]).await;
    taken_for(&*store, 3, &[("m.por", 0.8), ("m.SEXY", 0.8), ("m.p%n", 0.6)]).await;
    taken_for(&*store, 4, &[]).await;
    let found = async |label: &str| {
        let view = View { label: Some(label.to_owned()), ..all() };
        let mut items: Vec<_> =
            store.queue(&view, None, 10).await.unwrap().iter().map(|item| item.upload).collect();
        items.sort();
        assert_eq!(store.counts(&view, at(40)).await.unwrap().open, items.len() as u64);
        items
    };
    assert_eq!(found("m.sexy").await, [id(1), id(2)]);
    assert_eq!(found("m.porn").await, [id(1)]);
    assert_eq!(found("m.por").await, [id(3)], "whole labels, as they are written");
    assert_eq!(found("m.p%n").await, [id(3)]);
    for none in ["m.neutral", "m.", "sexy", "m.p_rn", "b", "m.sexy\nm.porn", &long] {
        let expected = if none.contains('\n') { vec![id(1)] } else { vec![] };
        assert_eq!(found(none).await, expected, "{none}");
    }
    let item = store.item(id(1)).await.unwrap().expect("it is there");
    assert_eq!(item.labels, ["m.sexy", "m.porn"], "the likeliest first");
    let labels = store.labels(&all()).await.unwrap();
    assert_eq!(labels[0], ("m.sexy".to_owned(), 2));
    let names: Vec<_> = labels[1..].iter().map(|(name, n)| (name.as_str(), *n)).collect();
    assert_eq!(names, [("m.SEXY", 1), ("m.p%n", 1), ("m.por", 1), ("m.porn", 1)]);
    let view = View { label: Some("m.porn".into()), ..all() };
    assert_eq!(store.next(&view, "ann", at(40), at(50)).await.unwrap().map(|item| item.upload), Some(id(1)));
    assert_eq!(store.next(&view, "bob", at(40), at(50)).await.unwrap(), None);
}

/// As [`settled`], for these reasons.
async fn flagged_for<S: Store>(store: &S, n: u64, reasons: &[&str]) {
    let lease = claimed(store, &upload(n), 9).await;
    let mut settlement = settlement(&lease, Decision::Review, at(10));
    settlement.verdict.reasons = reasons.iter().map(|reason| (*reason).to_owned()).collect();
    store.settle(&lease, &settlement).await.unwrap().unwrap();
}

pub async fn items_are_found_and_counted_by_each_of_their_reasons<S: Store + Reviews>(store: Arc<S>) {
    flagged_for(&*store, 1, &["rule.a", "coverage.image.partial"]).await;
    flagged_for(&*store, 2, &["coverage.image.partial", "policy.error"]).await;
    flagged_for(&*store, 3, &["rule.a.more", "a.coverage.image.partial", "coverage.image.partial-2"]).await;
    flagged_for(&*store, 4, &["rule.a"]).await;
    // A rule may have the name of a gap.
    flagged_for(&*store, 5, &["coverage.video.failed", "coverage.video.failed"]).await;
    flagged_for(&*store, 6, &[]).await;
    let found = async |reason: &str| {
        let view = View { reason: Some(reason.to_owned()), ..all() };
        let mut items: Vec<_> =
            store.queue(&view, None, 10).await.unwrap().iter().map(|item| item.upload).collect();
        items.sort();
        let counts = store.counts(&view, at(40)).await.unwrap();
        assert_eq!(counts.open, items.len() as u64, "{reason}");
        let counted = counts.reasons.into_iter().find(|(code, _)| code == reason);
        assert_eq!(counted.map_or(0, |(_, n)| n), counts.open, "{reason}");
        items
    };
    assert_eq!(found("rule.a").await, [id(1), id(4)]);
    assert_eq!(found("coverage.image.partial").await, [id(1), id(2)], "the second and the first");
    assert_eq!(found("policy.error").await, [id(2)]);
    assert_eq!(found("a.coverage.image.partial").await, [id(3)], "in the middle");
    assert_eq!(found("coverage.image.partial-2").await, [id(3)], "at the end");
    assert_eq!(found("coverage.video.failed").await, [id(5)]);
    assert_eq!(found("review").await, [id(6)], "what has no reason is filed under this");
    for none in
        ["rule", "rule.", "rule.a.", "ule.a", "RULE.A", "rule_a", "rule.%", "partial", "coverage", " "]
    {
        assert_eq!(found(none).await, [], "{none}: whole reasons, as they are written");
    }

    let counts = store.counts(&all(), at(40)).await.unwrap();
    assert_eq!((counts.open, counts.held, counts.oldest), (6, 0, Some(at(10))), "each item once");
    let reasons: Vec<_> = counts.reasons.iter().map(|(reason, n)| (reason.as_str(), *n)).collect();
    let expected = [
        ("coverage.image.partial", 2),
        ("rule.a", 2),
        ("a.coverage.image.partial", 1),
        ("coverage.image.partial-2", 1),
        ("coverage.video.failed", 1),
        ("policy.error", 1),
        ("review", 1),
        ("rule.a.more", 1),
    ];
    assert_eq!(reasons, expected);

    let view = View { reason: Some("policy.error".into()), ..all() };
    assert_eq!(store.next(&view, "ann", at(40), at(50)).await.unwrap().map(|item| item.upload), Some(id(2)));
    assert_eq!(store.next(&view, "bob", at(40), at(50)).await.unwrap(), None);
    assert_eq!(store.counts(&all(), at(41)).await.unwrap().held, 1);
    let view = View { reason: Some("coverage.image.partial".into()), ..all() };
    assert_eq!(store.counts(&view, at(41)).await.unwrap().held, 1);
    let view = View { reason: Some("rule.a".into()), ..all() };
    assert_eq!(store.counts(&view, at(41)).await.unwrap().held, 0);
}

pub async fn what_one_sees_goes_by_the_first_reason_whatever_is_asked_for<S: Store + Reviews>(store: Arc<S>) {
    flagged_for(&*store, 1, &["rule.a", "coverage.image.partial"]).await;
    flagged_for(&*store, 2, &["coverage.image.partial", "rule.a"]).await;
    for (queues, theirs) in [("rule", id(1)), ("coverage", id(2))] {
        let view = View { queues: queues.parse().expect("queues"), ..all() };
        let counts = store.counts(&view, at(40)).await.unwrap();
        let each = ["coverage.image.partial", "rule.a"].map(|reason| (reason.to_owned(), 1));
        assert_eq!((counts.open, counts.reasons.as_slice()), (1, &each[..]));
        for reason in ["rule.a", "coverage.image.partial"] {
            let view = View { reason: Some(reason.into()), ..view.clone() };
            let items = store.queue(&view, None, 10).await.unwrap();
            assert_eq!(
                items.iter().map(|item| item.upload).collect::<Vec<_>>(),
                [theirs],
                "{queues} {reason}"
            );
        }
    }
}

pub async fn of_more_reasons_than_an_index_takes_the_first_are_found<S: Store + Reviews>(store: Arc<S>) {
    let many: Vec<String> = (0..60).map(|n| format!("{n:02}.{}", "x".repeat(60))).collect();
    flagged_for(&*store, 1, &many.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let found = async |reason: &str| {
        let view = View { reason: Some(reason.to_owned()), ..all() };
        store.counts(&view, at(40)).await.unwrap().open
    };
    assert_eq!((found(&many[0]).await, found(&many[7]).await, found(&many[8]).await), (1, 1, 0));
    assert_eq!(store.item(id(1)).await.unwrap().expect("it is there").reasons, many[..8]);
    let verdict = store.verdict(id(1)).await.unwrap().expect("it is there");
    assert_eq!(verdict.detail.reasons, many, "all stand on the verdict");
}

pub async fn no_two_people_have_one_item<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 5).await;
    let asked: Vec<_> = (0..8)
        .map(|n| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.next(&all(), &format!("p{n}"), at(20), at(50)).await.unwrap() })
        })
        .collect();
    let mut handed = Vec::new();
    for one in asked {
        handed.extend(one.await.unwrap().map(|item| item.upload));
    }
    handed.sort();
    assert_eq!(handed, [id(1), id(2), id(3), id(4), id(5)], "each once, and three got none");
}

pub async fn a_lease_that_runs_out_comes_back<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 1).await;
    let first = store.next(&all(), "ann", at(20), at(50)).await.unwrap().expect("free");
    assert_eq!((first.holder.as_deref(), first.held_until, first.fence), (Some("ann"), Some(at(50)), 1));
    assert_eq!(store.next(&all(), "bob", at(49), at(80)).await.unwrap(), None);
    assert_eq!(store.take(id(1), "bob", at(49), at(80)).await.unwrap(), None);
    let again = store.next(&all(), "ann", at(49), at(60)).await.unwrap().expect("it is hers");
    assert_eq!(again.fence, 1, "the form on her page is still good");
    assert_eq!(store.keep(id(1), "ann", 1, at(70)).await.unwrap(), Ok(()));
    assert_eq!(store.keep(id(1), "bob", 1, at(90)).await.unwrap(), Err(Stale));
    assert_eq!(store.keep(id(1), "ann", 2, at(90)).await.unwrap(), Err(Stale));
    let taken = store.next(&all(), "bob", at(70), at(90)).await.unwrap().expect("ann's time is over");
    assert_eq!((taken.holder.as_deref(), taken.fence), (Some("bob"), 2));
    assert_eq!(store.keep(id(1), "ann", 1, at(99)).await.unwrap(), Err(Stale));
    assert_eq!(store.put_back(id(1), "ann", 1, None).await.unwrap(), Err(Stale));
    let late =
        store.rule(&again, &ruling(Kind::Quarantine, Some(90)), &waits(), deed("ruling.made", 71)).await;
    assert_eq!(late.unwrap(), Err(Stale), "her ruling is refused");
    assert_eq!(store.rulings(id(1)).await.unwrap(), []);
}

pub async fn a_skipped_item_goes_to_others<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 1).await;
    let item = store.next(&all(), "ann", at(20), at(50)).await.unwrap().expect("free");
    assert_eq!(store.put_back(id(1), "ann", item.fence, None).await.unwrap(), Ok(()));
    let item = store.next(&all(), "ann", at(21), at(50)).await.unwrap().expect("only given back");
    let skipped = Some(Skip { reason: "not_now", anew: false, deed: deed("item.skipped", 22) });
    assert_eq!(store.put_back(id(1), "ann", item.fence, skipped).await.unwrap(), Ok(()));
    assert_eq!(store.next(&all(), "ann", at(23), at(50)).await.unwrap(), None);
    assert!(store.next(&all(), "bob", at(23), at(50)).await.unwrap().is_some());
    let last = store.audit(0, 100).await.unwrap().pop().expect("a line");
    assert_eq!((last.action.as_str(), last.detail.as_str()), ("item.skipped", r#"{"reason":"not_now"}"#));
}

pub async fn an_item_goes_past_all_who_skipped_it<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 1).await;
    let skips = async |who: &'static str, second, anew| {
        let item =
            store.next(&all(), who, at(second), at(second + 9)).await.unwrap().expect("not skipped yet");
        let skipped = Some(Skip { reason: "not_now", anew, deed: deed("item.skipped", second) });
        store.put_back(id(1), who, item.fence, skipped).await.unwrap().expect("it is theirs");
    };
    skips("ann", 20, false).await;
    skips("bob", 21, false).await;
    for who in ["ann", "bob"] {
        assert_eq!(store.next(&all(), who, at(23), at(50)).await.unwrap(), None, "{who}");
    }
    let item = store.next(&all(), "an", at(23), at(24)).await.unwrap().expect("free");
    assert_eq!(item.skipped_by, ["ann", "bob"]);
    // Everybody did: it goes round once more.
    skips("carl", 30, true).await;
    assert_eq!(store.item(id(1)).await.unwrap().expect("it is there").skipped_by, ["carl"]);
    assert_eq!(store.next(&all(), "carl", at(31), at(50)).await.unwrap(), None);
    assert!(store.next(&all(), "ann", at(31), at(50)).await.unwrap().is_some());
}

pub async fn what_somebody_skipped_is_told_in_the_order_of_their_skips<S: Store + Reviews>(store: Arc<S>) {
    in_review(&*store, 3).await;
    let skips = async |n, second| {
        let item = store.take(id(n), "ann", at(second), at(second + 9)).await.unwrap().expect("free");
        let skipped = Some(Skip { reason: "not_now", anew: true, deed: deed("item.skipped", second) });
        store.put_back(id(n), "ann", item.fence, skipped).await.unwrap().expect("it is hers");
    };
    let told = async |view: View, who: &'static str, second, limit| {
        let items = store.skipped(&view, who, at(second), limit).await.unwrap();
        items.into_iter().map(|item| item.upload).collect::<Vec<_>>()
    };
    assert_eq!(told(all(), "ann", 20, 9).await, []);
    skips(2, 20).await;
    skips(1, 21).await;
    assert_eq!(told(all(), "ann", 22, 9).await, [id(2), id(1)]);
    assert_eq!(told(all(), "ann", 22, 1).await, [id(2)]);
    for other in ["bob", "an"] {
        assert_eq!(told(all(), other, 22, 9).await, [], "{other}");
    }
    assert_eq!(told(View { media_type: Some("video/".into()), ..all() }, "ann", 22, 9).await, []);
    skips(2, 22).await;
    assert_eq!(told(all(), "ann", 23, 9).await, [id(1), id(2)], "round and round");
    // Not while somebody else looks at it, and not what another person is to decide.
    let item = store.take(id(1), "bob", at(23), at(30)).await.unwrap().expect("free");
    assert_eq!(told(all(), "ann", 29, 9).await, [id(2)]);
    assert_eq!(told(all(), "ann", 30, 9).await, [id(1), id(2)]);
    let kept = Becomes { status: Status::Open, not_by: vec!["bob".into(), "ann".into()], ..waits() };
    store.rule(&item, &ruling(Kind::Approve, None), &kept, deed("ruling.made", 29)).await.unwrap().unwrap();
    assert_eq!(told(all(), "ann", 30, 9).await, [id(2)]);
}
