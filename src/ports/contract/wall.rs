//! The suite of the wall, whose adapter is a store too.

use super::samples::{at, tenant};
use crate::{
    ports::{
        Store, Wall,
        accounts::{Deed, Tenants},
        store::Stale,
        streams::{Change, NewStream, Sign, StreamKey, Unwritten},
        wall::{Hand, StreamPlace, StreamRuling, StreamView, TAKEN_BACK},
    },
    upload::{Because, Standing, StreamId},
};
use std::sync::Arc;

#[macro_export]
macro_rules! wall_contract {
    ($make:path) => {
        $crate::contract_cases! { wall, $make;
            open_streams_are_those_of_the_tenants
            the_worst_streams_come_first_page_by_page
            a_cut_by_hand_takes_the_watch_away_and_stays
            of_two_who_cut_one_is_told_the_other_was_first
            a_clearing_that_knows_of_no_cut_lifts_none
            the_last_hand_is_taken_back_while_it_is_the_last
        }
    };
}

pub(crate) fn id(n: u8) -> StreamId {
    StreamId::new(at(i64::from(n)), &[n; 10])
}

pub(crate) async fn open<S: Store>(store: &S, n: u8, tenant_name: &str) {
    let new = NewStream {
        id: id(n),
        tenant: tenant(tenant_name),
        external_id: Some(format!("camera-{n}")),
        key: StreamKey { hash: [n; 32], expires_at: at(9_000) },
        tuning: "{}".into(),
        queued: false,
        source: None,
        actor: "key:k1".into(),
        at: at(i64::from(n)),
    };
    assert!(store.open_stream(&new, 100).await.unwrap());
}

fn ruling(n: u8, hand: Hand) -> StreamRuling {
    StreamRuling {
        stream: id(n),
        number: 0,
        hand,
        reason: "nudity".into(),
        note: "why".into(),
        by: "ann".into(),
        at: at(20),
        stood: None,
    }
}

fn deed(second: i64) -> Deed<'static> {
    Deed { actor: "user:ann", action: "stream.ruled", at: at(second) }
}

pub async fn open_streams_are_those_of_the_tenants<S: Store + Wall>(store: Arc<S>) {
    for (n, name) in [(1, "acme"), (2, "globex"), (3, "acme")] {
        open(&*store, n, name).await;
    }
    store.close_stream(&tenant("acme"), id(1), "key:k1", at(9)).await.unwrap();
    let ids = async |view: StreamView| {
        let found = store.open_streams(&view, None, at(10), 10).await.unwrap();
        found.into_iter().map(|open| open.stream.id).collect::<Vec<_>>()
    };
    let all = || StreamView::from(Tenants::All);
    assert_eq!(ids(all()).await, [id(3), id(2)]);
    let globex = Tenants::These([tenant("globex")].into());
    assert_eq!(ids(globex.clone().into()).await, [id(2)]);
    assert!(ids(Tenants::These([].into()).into()).await.is_empty());
    assert_eq!(store.open_streams(&all(), None, at(10), 1).await.unwrap().len(), 1);
    // Of what one may see, what one asks for.
    let of = |name: &str| Some(tenant(name));
    assert_eq!(ids(StreamView { tenant: of("acme"), ..all() }).await, [id(3)]);
    assert!(ids(StreamView { tenant: of("acme"), ..StreamView::from(globex) }).await.is_empty());
    let named = |text: &str| StreamView { named: Some(text.to_owned()), ..all() };
    for (text, expected) in
        [("camera-3", vec![id(3)]), ("AMERA", vec![id(3), id(2)]), ("camera-1", vec![]), ("%", vec![])]
    {
        assert_eq!(ids(named(text)).await, expected, "{text}");
    }
}

pub async fn the_worst_streams_come_first_page_by_page<S: Store + Wall>(store: Arc<S>) {
    for n in 1..=5 {
        open(&*store, n, "acme").await;
    }
    // The third and the fifth pass for as long as somebody watches, the second is cut, and the others are new.
    for n in [3, 5] {
        let watch = store.watch_stream(id(n), "w1", at(10), at(40)).await.unwrap().unwrap();
        let sign = Sign {
            until: at(40),
            watched_until: Some(at(30)),
            counts: Default::default(),
            last: Default::default(),
        };
        let passes = Change {
            standing: Standing::Pass,
            because: Because::Clean,
            told: true,
            scores: Default::default(),
            sequence: None,
            sign,
            episode: None,
            at: at(11),
        };
        store.change_stream(&watch, &passes).await.unwrap().unwrap();
    }
    assert_eq!(store.rule_stream(&ruling(2, Hand::Cut), None, deed(20)).await.unwrap(), Ok(1));
    let view = StreamView::from(Tenants::All);
    let pages = async |now: i64| {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = store.open_streams(&view, after, at(now), 2).await.unwrap();
            let Some(last) = page.last() else { return pages };
            let place = StreamPlace::of(&last.stream, at(now));
            assert_eq!(place.to_string().parse::<StreamPlace>().unwrap(), place);
            after = Some(place);
            pages.push(page.iter().map(|open| open.stream.id).collect::<Vec<_>>());
        }
    };
    assert_eq!(pages(30).await, [vec![id(2), id(4)], vec![id(1), id(5)], vec![id(3)]]);
    assert_eq!(pages(31).await, [vec![id(2), id(5)], vec![id(4), id(3)], vec![id(1)]], "nobody watches");
    for damaged in ["", "cut", "cut.", "seen.0"] {
        assert!(damaged.parse::<StreamPlace>().is_err(), "{damaged}");
    }
}

pub async fn a_cut_by_hand_takes_the_watch_away_and_stays<S: Store + Wall>(store: Arc<S>) {
    open(&*store, 1, "acme").await;
    let watch = store.watch_stream(id(1), "w1", at(10), at(40)).await.unwrap().unwrap();
    assert_eq!(store.rule_stream(&ruling(1, Hand::Cut), None, deed(20)).await.unwrap(), Ok(1));
    let stream = store.stream(id(1)).await.unwrap().unwrap();
    assert_eq!((stream.standing, stream.because, stream.since), (Standing::Cut, Because::Person, at(20)));
    // Who watched it does not know, and writes nothing any more.
    let sign =
        Sign { until: at(60), watched_until: None, counts: Default::default(), last: Default::default() };
    assert_eq!(store.sign_stream(id(1), watch.fence, &sign).await.unwrap(), Err(Stale));
    let better = Change {
        standing: Standing::Pass,
        because: Because::Clean,
        told: true,
        scores: Default::default(),
        sequence: None,
        sign,
        episode: None,
        at: at(21),
    };
    assert_eq!(store.change_stream(&watch, &better).await.unwrap(), Err(Unwritten::Stale));
    // The next one knows.
    let next = store.watch_stream(id(1), "w2", at(22), at(60)).await.unwrap().unwrap();
    assert_eq!((next.stream.standing, next.stream.because), (Standing::Cut, Because::Person));
    assert_eq!(store.rule_stream(&ruling(1, Hand::Clear), None, deed(30)).await.unwrap(), Ok(2));
    let stream = store.stream(id(1)).await.unwrap().unwrap();
    assert_eq!((stream.standing, stream.holder.as_deref()), (Standing::Pass, None));
    // A pass that nobody watches over is none.
    assert_eq!(stream.seen_at(at(31)).0, Standing::Warn);
    let told = store.stream_rulings(id(1), 9).await.unwrap();
    assert_eq!(
        told.iter().map(|one| (one.number, one.hand)).collect::<Vec<_>>(),
        [(2, Hand::Clear), (1, Hand::Cut)]
    );
    let stood = Some(Standing::Warn);
    assert_eq!(told[1], StreamRuling { number: 1, stood, ..ruling(1, Hand::Cut) });
    assert_eq!(told[0].stood, Some(Standing::Cut));
    let events = store.outbox(0, 9).await.unwrap();
    assert_eq!(events.iter().map(|e| e.kind.as_str()).collect::<Vec<_>>(), ["stream.cut", "stream.cleared"]);
    assert!(events[0].body.contains("\"because\":\"nudity\"") && events[0].tenant == tenant("acme"));
    let log = store.audit(0, 20).await.unwrap();
    let ruled: Vec<_> = log.iter().filter(|line| line.action == "stream.ruled").collect();
    assert!(
        ruled.len() == 2 && ruled[0].actor == "user:ann" && !ruled[0].detail.contains("why"),
        "{ruled:?}"
    );
}

pub async fn of_two_who_cut_one_is_told_the_other_was_first<S: Store + Wall>(store: Arc<S>) {
    open(&*store, 1, "acme").await;
    let (cut, clear) = (ruling(1, Hand::Cut), ruling(1, Hand::Clear));
    let (one, two) =
        tokio::join!(store.rule_stream(&cut, None, deed(20)), store.rule_stream(&cut, None, deed(20)));
    let mut both = [one.unwrap(), two.unwrap()];
    both.sort_by_key(Result::is_err);
    assert_eq!(both, [Ok(1), Err(Stale)]);
    assert_eq!(store.rule_stream(&clear, None, deed(21)).await.unwrap(), Ok(2));
    assert_eq!(store.rule_stream(&clear, None, deed(22)).await.unwrap(), Err(Stale), "it passes already");
    store.close_stream(&tenant("acme"), id(1), "key:k1", at(23)).await.unwrap();
    assert_eq!(store.rule_stream(&cut, None, deed(24)).await.unwrap(), Err(Stale), "it is over");
    assert_eq!(
        store.rule_stream(&ruling(9, Hand::Cut), None, deed(24)).await.unwrap(),
        Err(Stale),
        "there is none"
    );
}

pub async fn a_clearing_that_knows_of_no_cut_lifts_none<S: Store + Wall>(store: Arc<S>) {
    open(&*store, 1, "acme").await;
    let seen = async || {
        let found = store.open_streams(&StreamView::from(Tenants::All), None, at(10), 9).await.unwrap();
        found.into_iter().map(|open| (open.stream.standing, open.ruled)).collect::<Vec<_>>()
    };
    assert_eq!(seen().await, [(Standing::Warn, 0)]);
    assert_eq!(store.rule_stream(&ruling(1, Hand::Cut), Some(0), deed(20)).await.unwrap(), Ok(1));
    // Whoever saw it warned of sends this a moment later.
    let clear = ruling(1, Hand::Clear);
    assert_eq!(store.rule_stream(&clear, Some(0), deed(21)).await.unwrap(), Err(Stale));
    assert_eq!(seen().await, [(Standing::Cut, 1)]);
    assert_eq!(store.outbox(0, 9).await.unwrap().len(), 1, "nothing of it is told");
    assert_eq!(store.rule_stream(&clear, Some(1), deed(22)).await.unwrap(), Ok(2));
    assert_eq!(seen().await, [(Standing::Pass, 2)]);
}

pub async fn the_last_hand_is_taken_back_while_it_is_the_last<S: Store + Wall>(store: Arc<S>) {
    open(&*store, 1, "acme").await;
    open(&*store, 2, "acme").await;
    let last = async |who: &'static str, since| store.last_hand(who, at(since)).await.unwrap();
    assert_eq!(last("ann", 0).await, None);
    assert_eq!(store.rule_stream(&ruling(1, Hand::Cut), None, deed(20)).await.unwrap(), Ok(1));
    let cut = last("ann", 19).await.expect("she cut it");
    assert_eq!((cut.stream, cut.number, cut.undo()), (id(1), 1, Some(Hand::Clear)));
    assert_eq!((last("ann", 20).await, last("bob", 0).await), (None, None), "too long ago, or another's");
    let back = StreamRuling { reason: TAKEN_BACK.into(), ..ruling(1, Hand::Clear) };
    assert_eq!(store.rule_stream(&back, Some(7), deed(21)).await.unwrap(), Err(Stale), "not the last one");
    assert_eq!(store.stream(id(1)).await.unwrap().unwrap().standing, Standing::Cut);
    assert_eq!(store.rule_stream(&back, Some(1), deed(21)).await.unwrap(), Ok(2));
    assert_eq!(last("ann", 0).await.expect("hers").undo(), None, "what takes back is not taken back");
    // A clearing of what was cut is taken back by a cut, one of what was not by nothing.
    let clears = |n| ruling(n, Hand::Clear);
    store.rule_stream(&ruling(1, Hand::Cut), None, deed(22)).await.unwrap().unwrap();
    store.rule_stream(&clears(1), None, deed(23)).await.unwrap().unwrap();
    assert_eq!(last("ann", 22).await.expect("hers").undo(), Some(Hand::Cut));
    store.rule_stream(&clears(2), None, deed(24)).await.unwrap().unwrap();
    assert_eq!(last("ann", 23).await.expect("hers").undo(), None);
    store.close_stream(&tenant("acme"), id(2), "key:k1", at(25)).await.unwrap();
    assert_eq!(last("ann", 22).await.expect("hers").stream, id(1), "of streams that are open");
}
