use crate::{
    ports::{
        Wall,
        accounts::{Deed, Tenants},
        contract::samples::{at, tenant},
        store::{Stale, Store},
        streams::{
            Change, Counts, Episode, EpisodeRuling, EpisodeState, Evidence, Last, NewStream, Pull, PullState,
            PullTrouble, Sign, StreamKey, Watch,
        },
        wall::Hand,
        wall::StreamRuling,
    },
    upload::{Because, Standing, StreamId},
};
use std::{collections::BTreeMap, sync::Arc};

/// Open streams of a tenant.
const MOST: u32 = 100;

fn id(n: u8) -> StreamId {
    StreamId::new(at(i64::from(n)), &[n; 10])
}

fn key(n: u8) -> StreamKey {
    StreamKey { hash: [n; 32], expires_at: at(1000 + i64::from(n)) }
}

fn new(n: u8) -> NewStream {
    NewStream {
        id: id(n),
        tenant: tenant("acme"),
        external_id: Some(format!("camera {n}")),
        key: key(n),
        tuning: r#"{"hits":2}"#.to_owned(),
        queued: n > 100,
        source: (n > 50 && n < 100).then(|| format!("rtmp://example.com/live/{n}").into()),
        actor: "key:k1".to_owned(),
        at: at(i64::from(n)),
    }
}

fn sign(until: i64) -> Sign {
    let counts = Counts { judged: 5, skipped: 4, failed: 3, late: 2, lost: 1 };
    let last = Last { posted: Some(u64::MAX), fed: None };
    Sign { until: at(until), watched_until: Some(at(until + 5)), counts, last }
}

async fn watched(store: &impl Store, n: u8, now: i64) -> Watch {
    assert!(store.open_stream(&new(n), MOST).await.expect("open"));
    let watch = store.watch_stream(id(n), "p1", at(now), at(now + 5)).await.expect("watch");
    watch.expect("nobody watches a new stream")
}

fn change(standing: Standing, because: Because, now: i64, episode: Option<Episode>) -> Change {
    let scores = BTreeMap::from([("tiny.red".to_owned(), 0.875)]);
    Change {
        standing,
        because,
        told: true,
        scores,
        sequence: Some(17),
        sign: sign(now + 5),
        episode,
        at: at(now),
    }
}

fn episode(n: u8, number: u32, state: EpisodeState) -> Episode {
    let scores = BTreeMap::from([("tiny.red".to_owned(), 0.875)]);
    let evidence = Evidence {
        key: format!("{}/{number}-1", id(n)),
        media_type: "image/jpeg".to_owned(),
        sequence: 17,
        came_at: at(20),
        captured_at: None,
        scores: scores.clone(),
    };
    Episode {
        stream: id(n),
        tenant: tenant("acme"),
        number,
        state,
        began_at: at(20),
        ended_at: (state != EpisodeState::Open).then(|| at(30)),
        worst: Standing::Cut,
        because: Because::Bad,
        scores,
        evidence: vec![evidence],
        ruling: None,
        fence: 0,
        holder: None,
        held_until: None,
    }
}

pub async fn a_stream_is_opened_rekeyed_and_closed<S: Store>(store: Arc<S>) {
    let (acme, globex) = (tenant("acme"), tenant("globex"));
    assert!(store.open_stream(&new(1), MOST).await.unwrap());
    store.open_stream(&new(1), MOST).await.expect_err("an id is one stream's");
    let stream = store.stream(id(1)).await.unwrap().unwrap();
    assert_eq!((stream.key.clone(), stream.tuning.as_str()), (key(1), r#"{"hits":2}"#));
    assert_eq!(stream.seen_at(at(1)), (Standing::Warn, Because::Unwatched), "never a pass from nothing");
    assert_eq!((stream.external_id.as_deref(), stream.opened_at), (Some("camera 1"), at(1)));
    assert_eq!(store.stream(id(2)).await.unwrap(), None);

    assert!(!store.rotate_stream_key(&globex, id(1), &key(9), "key:k2", at(2)).await.unwrap());
    assert!(store.rotate_stream_key(&acme, id(1), &key(7), "key:k1", at(3)).await.unwrap());
    assert_eq!(store.stream(id(1)).await.unwrap().unwrap().key, key(7));

    assert!(!store.close_stream(&globex, id(1), "key:k2", at(4)).await.unwrap());
    assert!(store.close_stream(&acme, id(1), "key:k1", at(5)).await.unwrap());
    assert!(!store.close_stream(&acme, id(1), "key:k1", at(6)).await.unwrap());
    assert!(!store.rotate_stream_key(&acme, id(1), &key(8), "key:k1", at(6)).await.unwrap());
    assert_eq!(store.stream(id(1)).await.unwrap().unwrap().closed_at, Some(at(5)), "the record stays");
    assert_eq!(store.watch_stream(id(1), "p1", at(7), at(9)).await.unwrap(), None);
    let log: Vec<_> = store.audit(0, 10).await.unwrap().into_iter().map(|line| line.action).collect();
    assert_eq!(log, ["stream.opened", "stream.rekeyed", "stream.closed"]);
}

pub async fn one_at_a_time_watches_a_stream<S: Store>(store: Arc<S>) {
    let first = watched(&*store, 1, 10).await;
    assert_eq!((first.fence, first.stream.holder.as_deref()), (1, Some("p1")));
    assert_eq!(store.watch_stream(id(1), "p2", at(14), at(19)).await.unwrap(), None);
    assert_eq!(store.sign_stream(id(1), 1, &sign(20)).await.unwrap(), Ok(()));
    let row = store.stream(id(1)).await.unwrap().unwrap();
    assert_eq!(
        (row.counts, row.watched_until, row.held_until),
        (sign(20).counts, Some(at(25)), Some(at(20)))
    );
    assert_eq!(store.watch_stream(id(1), "p2", at(19), at(24)).await.unwrap(), None, "it was renewed");
    // It ran out, and nobody took it: still good.
    assert_eq!(store.sign_stream(id(1), 1, &sign(20)).await.unwrap(), Ok(()));
    let second = store.watch_stream(id(1), "p2", at(20), at(25)).await.unwrap().unwrap();
    assert_eq!(second.fence, 2);
    assert_eq!(second.stream.counts, sign(20).counts, "what was counted goes with it");
    assert_eq!(second.stream.last, sign(20).last, "and so does what came last");
    assert_eq!(store.sign_stream(id(1), 1, &sign(40)).await.unwrap(), Err(Stale));
    let cut = change(Standing::Cut, Because::Bad, 21, None);
    assert_eq!(store.change_stream(&first, &cut).await.unwrap(), Err(Stale));
    assert!(store.outbox(0, 9).await.unwrap().is_empty(), "and tells nobody");
    store.leave_stream(id(1), 1, &sign(30)).await.unwrap();
    assert_eq!(store.watch_stream(id(1), "p3", at(22), at(27)).await.unwrap(), None, "not its to leave");
    let last = Last { posted: None, fed: Some(7) };
    store.leave_stream(id(1), 2, &Sign { last, ..sign(30) }).await.unwrap();
    assert_eq!(store.stream(id(1)).await.unwrap().unwrap().last, last);
    assert_eq!(store.sign_stream(id(1), 2, &sign(40)).await.unwrap(), Err(Stale), "it was left");
    assert_eq!(store.watch_stream(id(1), "p3", at(22), at(27)).await.unwrap().unwrap().fence, 3);
    assert!(store.close_stream(&tenant("acme"), id(1), "key:k1", at(23)).await.unwrap());
    assert_eq!(store.sign_stream(id(1), 3, &sign(40)).await.unwrap(), Err(Stale), "it is closed");
}

pub async fn a_streams_change_shows_everywhere_at_once<S: Store>(store: Arc<S>) {
    let watch = watched(&*store, 1, 10).await;
    let open = episode(1, 1, EpisodeState::Open);
    let cut = change(Standing::Cut, Because::Bad, 20, Some(open.clone()));
    assert_eq!(store.change_stream(&watch, &cut).await.unwrap(), Ok(()));
    let row = store.stream(id(1)).await.unwrap().unwrap();
    assert_eq!((row.standing, row.because, row.since, row.episode), (Standing::Cut, Because::Bad, at(20), 1));
    assert_eq!(store.episode(id(1), 1).await.unwrap(), Some(open));
    // Only what else stands there.
    let quiet = Change { told: false, ..change(Standing::Cut, Because::Bad, 25, None) };
    assert_eq!(store.change_stream(&watch, &quiet).await.unwrap(), Ok(()));
    assert_eq!(store.stream(id(1)).await.unwrap().unwrap().since, at(20), "it stands so since then");
    let over = episode(1, 1, EpisodeState::InReview);
    let clear = change(Standing::Pass, Because::Clean, 30, Some(over.clone()));
    assert_eq!(store.change_stream(&watch, &clear).await.unwrap(), Ok(()));
    let row = store.stream(id(1)).await.unwrap().unwrap();
    assert_eq!(row.seen_at(at(40)), (Standing::Pass, Because::Clean));
    assert_eq!(
        row.seen_at(at(41)),
        (Standing::Warn, Because::Unwatched),
        "what was judged holds for a while"
    );

    let told = store.outbox(0, 9).await.unwrap();
    let kinds: Vec<_> = told.iter().map(|entry| (entry.kind.as_str(), entry.upload)).collect();
    assert_eq!(kinds, [("stream.cut", id(1).subject()), ("stream.cleared", id(1).subject())]);
    let body: serde_json::Value = serde_json::from_str(&told[0].body).unwrap();
    assert_eq!(
        (&body["decision"], &body["reason"], &body["episode"]),
        (&"cut".into(), &"bad".into(), &1.into())
    );
    assert_eq!((&body["external_id"], &body["scores"]["tiny.red"]), (&"camera 1".into(), &0.875.into()));
    let log = store.audit(0, 9).await.unwrap();
    assert_eq!((log[1].action.as_str(), log[1].actor.as_str()), ("stream.cut", "watcher:p1"));
    assert_eq!(store.audit_verify().await.unwrap(), Ok(3));
    // Webhooks hear of it as of anything.
    let handed = told.iter().map(|entry| crate::ports::store::Handed {
        sequence: entry.sequence,
        webhooks: vec!["a".to_owned()],
    });
    store.outbox_handed_on(&handed.collect::<Vec<_>>(), at(31)).await.unwrap();
    assert_eq!(store.calls_due(at(40), 9).await.unwrap().len(), 1, "in order");
}

pub async fn episodes_are_listed_and_end_with_their_stream<S: Store>(store: Arc<S>) {
    let (acme, globex) = (tenant("acme"), tenant("globex"));
    for n in [1, 2] {
        let watch = watched(&*store, n, 10).await;
        for number in [1, 2] {
            let state = if number == 1 { EpisodeState::InReview } else { EpisodeState::Open };
            let cut = change(Standing::Cut, Because::Bad, 20, Some(episode(n, number, state)));
            assert_eq!(store.change_stream(&watch, &cut).await.unwrap(), Ok(()));
        }
    }
    let list = async |state, before| {
        let all = store.episodes(&acme, state, before, 10).await.unwrap();
        all.into_iter().map(|episode| (episode.stream, episode.number)).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None).await, [(id(2), 2), (id(2), 1), (id(1), 2), (id(1), 1)]);
    assert_eq!(list(None, Some((id(2), 1))).await, [(id(1), 2), (id(1), 1)]);
    assert_eq!(list(Some(EpisodeState::Open), None).await, [(id(2), 2), (id(1), 2)]);
    assert_eq!(store.episodes(&acme, None, None, 1).await.unwrap().len(), 1);
    assert!(store.episodes(&globex, None, None, 10).await.unwrap().is_empty());
    assert!(store.close_stream(&acme, id(1), "key:k1", at(50)).await.unwrap());
    assert_eq!(list(Some(EpisodeState::Open), None).await, [(id(2), 2)]);
    let ended = store.episode(id(1), 2).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.ended_at), (EpisodeState::InReview, Some(at(50))));
    assert_eq!(store.episode(id(1), 3).await.unwrap(), None);
}

/// A process that died must not leave a stream passing, nor one that the broker feeds unread.
pub async fn deserted_streams_are_found<S: Store>(store: Arc<S>) {
    let passing = watched(&*store, 1, 10).await;
    let clean = change(Standing::Pass, Because::Clean, 11, None);
    assert_eq!(store.change_stream(&passing, &clean).await.unwrap(), Ok(()));
    watched(&*store, 2, 10).await;
    assert!(store.open_stream(&new(101), MOST).await.unwrap());
    assert_eq!(store.deserted_streams(at(12), 9).await.unwrap(), [id(101)], "the broker feeds it");
    let mut found = store.deserted_streams(at(16), 9).await.unwrap();
    found.sort();
    assert_eq!(found, [id(1), id(101)], "one that warns already warns on");
    assert_eq!(store.deserted_streams(at(16), 1).await.unwrap().len(), 1);
    store.close_stream(&tenant("acme"), id(101), "key:k1", at(17)).await.unwrap();
    assert_eq!(store.deserted_streams(at(18), 9).await.unwrap(), [id(1)]);
    assert!(store.open_stream(&new(51), MOST).await.unwrap());
    assert!(store.deserted_streams(at(18), 9).await.unwrap().contains(&id(51)), "its frames are fetched");
}

pub async fn how_it_goes_with_a_source_is_its_watchers_to_say<S: Store>(store: Arc<S>) {
    let watch = watched(&*store, 51, 10).await;
    let source = watch.stream.source.clone().unwrap();
    assert_eq!(source.reveal(), "rtmp://example.com/live/51");
    assert!(!format!("{:?}", watch.stream).contains("live/51"), "it may hold a secret");
    let trouble = PullTrouble { code: "source.stalled".to_owned(), detail: "nothing came".to_owned() };
    let pull = Pull { state: PullState::Waiting, trouble: Some(trouble), failures: 2, since: at(11) };
    assert_eq!(store.pulled_stream(id(51), watch.fence, &pull).await.unwrap(), Ok(()));
    let row = store.stream(id(51)).await.unwrap().unwrap();
    assert_eq!((row.pull.as_ref(), row.source.as_ref()), (Some(&pull), Some(&source)));
    let reading = Pull { state: PullState::Reading, trouble: None, failures: 0, since: at(16) };
    let sealed = crate::ports::streams::Source::from("sealed".to_owned());
    assert!(!store.reseal_source(id(51), &sealed, &source).await.unwrap(), "it is another");
    assert!(store.reseal_source(id(51), &source, &sealed).await.unwrap());
    let next = store.watch_stream(id(51), "p2", at(16), at(21)).await.unwrap().unwrap();
    assert_eq!(next.stream.source, Some(sealed));
    assert_eq!(store.pulled_stream(id(51), watch.fence, &reading).await.unwrap(), Err(Stale));
    assert_eq!(next.stream.pull, Some(pull), "it goes with the watch");
}

pub async fn an_episode_is_ruled_on_once_by_who_holds_it<S: Store + Wall>(store: Arc<S>) {
    for (n, worst) in [(1, Standing::Warn), (2, Standing::Cut)] {
        let watch = watched(&*store, n, 10).await;
        let over = Episode { worst, ..episode(n, 1, EpisodeState::InReview) };
        let cut = change(Standing::Cut, Because::Bad, 20, Some(over));
        assert_eq!(store.change_stream(&watch, &cut).await.unwrap(), Ok(()));
    }
    let list = async |tenants: &Tenants| {
        let all = store.episodes_in_review(tenants, 10).await.unwrap();
        all.into_iter().map(|episode| episode.stream).collect::<Vec<_>>()
    };
    let these = |name: &str| Tenants::These([tenant(name)].into());
    assert_eq!(list(&Tenants::All).await, [id(2), id(1)], "the worst first");
    assert_eq!(list(&these("acme")).await, [id(2), id(1)]);
    assert!(list(&these("globex")).await.is_empty() && list(&Tenants::These([].into())).await.is_empty());
    let known = store.episode(id(2), 1).await.unwrap().unwrap();
    let ruling = EpisodeRuling { said: "confirmed".into(), note: "seen".into(), by: "u1".into(), at: at(40) };
    let deed = || Deed { actor: "user:u1", action: "episode.ruled", at: at(40) };
    assert!(!store.rule_episode(&known, &ruling, deed()).await.unwrap(), "nobody holds it");
    let taken = store.take_episode((id(2), 1), "u1", at(31), at(41)).await.unwrap().expect("it is free");
    assert_eq!((taken.fence, taken.holder.as_deref(), taken.held_until), (1, Some("u1"), Some(at(41))));
    assert_eq!(store.take_episode((id(2), 1), "u2", at(32), at(42)).await.unwrap(), None, "u1 has it");
    let kept = store.take_episode((id(2), 1), "u1", at(32), at(42)).await.unwrap().expect("it is u1's");
    assert_eq!(kept.fence, 1, "who takes it again goes on");
    assert_eq!(store.keep_episode((id(2), 1), "u1", 1, at(43)).await.unwrap(), Ok(()));
    assert_eq!(store.keep_episode((id(2), 1), "u2", 1, at(99)).await.unwrap(), Err(Stale));
    // Left, it is anybody's at once; run out, from then on.
    store.leave_episode((id(2), 1), "u1", 1).await.unwrap();
    let other = store.take_episode((id(2), 1), "u2", at(33), at(35)).await.unwrap().expect("it was left");
    assert_eq!(other.fence, 2);
    assert!(!store.rule_episode(&taken, &ruling, deed()).await.unwrap(), "the fence is an old one");
    assert_eq!(store.take_episode((id(2), 1), "u1", at(34), at(44)).await.unwrap(), None);
    let known = store.take_episode((id(2), 1), "u1", at(35), at(45)).await.unwrap().expect("it ran out");
    assert!(store.rule_episode(&known, &ruling, deed()).await.unwrap());
    assert!(!store.rule_episode(&known, &ruling, deed()).await.unwrap(), "once");
    assert_eq!(store.take_episode((id(2), 1), "u2", at(50), at(60)).await.unwrap(), None, "it is ruled on");
    let ruled = store.episode(id(2), 1).await.unwrap().unwrap();
    assert_eq!((ruled.holder, ruled.held_until), (None, None));
    assert_eq!((ruled.state, ruled.ruling), (EpisodeState::Ruled, Some(ruling)));
    assert_eq!(list(&Tenants::All).await, [id(1)]);
    let log = store.audit(0, 20).await.unwrap();
    assert_eq!(log.iter().filter(|line| line.action == "episode.ruled").count(), 1);
}

pub async fn the_last_word_on_an_episode_is_taken_back_in_time_by_who_said_it<S: Store + Wall>(
    store: Arc<S>,
) {
    for n in [1, 2] {
        let watch = watched(&*store, n, 10).await;
        let cut = change(Standing::Cut, Because::Bad, 20, Some(episode(n, 1, EpisodeState::InReview)));
        assert_eq!(store.change_stream(&watch, &cut).await.unwrap(), Ok(()));
    }
    let said = async |n, second| {
        let known =
            store.take_episode((id(n), 1), "u1", at(second), at(second + 9)).await.unwrap().expect("free");
        let ruling =
            EpisodeRuling { said: "confirmed".into(), note: "seen".into(), by: "u1".into(), at: at(second) };
        let deed = Deed { actor: "user:u1", action: "episode.ruled", at: at(second) };
        assert!(store.rule_episode(&known, &ruling, deed).await.unwrap());
        known.fence
    };
    let last = async |who: &'static str, since| {
        let last = store.last_ruled_episode(who, at(since)).await.unwrap();
        last.map(|episode| episode.stream)
    };
    let undo = async |n, fence, who: &'static str, since| {
        let deed = Deed { actor: "user:u1", action: "episode.undone", at: at(50) };
        store.undo_episode((id(n), 1), fence, who, at(since), at(60), deed).await.unwrap()
    };
    assert_eq!(last("u1", 0).await, None);
    let first = said(1, 30).await;
    let second = said(2, 40).await;
    assert_eq!((last("u1", 0).await, last("u1", 40).await, last("u2", 0).await), (Some(id(2)), None, None));
    assert!(!undo(2, second, "u2", 0).await, "another's");
    assert!(!undo(2, second, "u1", 40).await, "too late");
    assert!(!undo(2, second + 1, "u1", 0).await, "not this word");
    assert!(undo(2, second, "u1", 39).await);
    assert!(!undo(2, second, "u1", 39).await, "once");
    let back = store.episode(id(2), 1).await.unwrap().unwrap();
    assert_eq!((back.state, back.ruling, back.fence), (EpisodeState::InReview, None, second + 1));
    assert_eq!((back.holder.as_deref(), back.held_until), (Some("u1"), Some(at(60))));
    assert_eq!(last("u1", 0).await, Some(id(1)));
    let again = said(2, 55).await;
    assert!(again == second + 1 && undo(1, first, "u1", 0).await, "each by itself");
    let log = store.audit(0, 30).await.unwrap();
    let undone: Vec<_> = log.iter().filter(|line| line.action == "episode.undone").collect();
    assert!(undone.len() == 2 && undone[0].detail.contains("acme"), "{undone:?}");
}

/// A day of flapping, watched by one process: one row a stream, one an episode.
pub async fn a_day_on_one_stream_makes_no_rows<S: Store>(store: Arc<S>) {
    let watch = watched(&*store, 1, 10).await;
    for minute in 0..1440 {
        let now = 20 + minute * 60;
        assert_eq!(store.sign_stream(id(1), watch.fence, &sign(now)).await.unwrap(), Ok(()));
        if minute % 10 == 0 {
            let quiet = Change {
                told: false,
                ..change(Standing::Cut, Because::Bad, now, Some(episode(1, 1, EpisodeState::Open)))
            };
            assert_eq!(store.change_stream(&watch, &quiet).await.unwrap(), Ok(()));
        }
    }
    assert_eq!(store.episodes(&tenant("acme"), None, None, 100).await.unwrap().len(), 1);
    assert!(store.outbox(0, 9).await.unwrap().is_empty());
    assert_eq!(store.audit(0, 9).await.unwrap().len(), 1);
}

/// Events tell of every change; the log, which is never cut, of so many an hour, and says so.
pub async fn a_stream_that_flaps_fills_no_log<S: Store>(store: Arc<S>) {
    let watch = watched(&*store, 1, 10).await;
    let flap = async |now: i64| {
        let (standing, because) = match now % 2 {
            0 => (Standing::Warn, Because::Unwatched),
            _ => (Standing::Pass, Because::Clean),
        };
        let told = change(standing, because, now, None);
        assert_eq!(store.change_stream(&watch, &told).await.unwrap(), Ok(()));
    };
    for now in 100..300 {
        flap(now).await;
    }
    let log = async || store.audit(1, 1000).await.unwrap();
    assert_eq!((log().await.len(), store.outbox(0, 1000).await.unwrap().len()), (60, 200));
    let says = |line: &crate::ports::store::AuditLine| {
        let detail: serde_json::Value = serde_json::from_str(&line.detail).unwrap();
        detail["unlisted_until"].as_str().map(str::to_owned)
    };
    assert_eq!((says(&log().await[58]), says(&log().await[59])), (None, Some(at(100 + 3600).to_string())));
    flap(3699).await;
    assert_eq!(log().await.len(), 60);
    for now in 3700..3800 {
        flap(now).await;
    }
    assert_eq!(log().await.len(), 120, "an hour later it is listed again");
    assert_eq!(store.audit_verify().await.unwrap(), Ok(121));
}

pub async fn a_tenant_has_so_many_open_streams<S: Store>(store: Arc<S>) {
    let opened = async |n, who: &str| {
        store.open_stream(&NewStream { tenant: tenant(who), ..new(n) }, 2).await.unwrap()
    };
    assert!(opened(1, "acme").await && opened(2, "acme").await);
    assert!(!opened(3, "acme").await && opened(4, "globex").await);
    assert_eq!(store.stream(id(3)).await.unwrap(), None);
    assert!(store.close_stream(&tenant("acme"), id(1), "key:k1", at(9)).await.unwrap());
    assert!(opened(3, "acme").await && !opened(5, "acme").await);
    // Of those that are opened at the same time, no more.
    let many = (10..20).map(|n| {
        let store = Arc::clone(&store);
        async move { store.open_stream(&NewStream { tenant: tenant("initech"), ..new(n) }, 3).await.unwrap() }
    });
    let opened = futures_util::future::join_all(many).await;
    assert_eq!(opened.into_iter().filter(|opened| *opened).count(), 3);
}

pub async fn what_was_ruled_on_and_what_was_closed_is_erased_in_time<S: Store + Wall>(store: Arc<S>) {
    let acme = tenant("acme");
    // Of the first stream one episode was ruled on and one was not; the second has one that was; the third has none.
    for (n, last) in [(1, 2), (2, 1), (3, 0)] {
        let watch = watched(&*store, n, 10).await;
        for number in 1..=last {
            let seen = episode(n, number, EpisodeState::InReview);
            let cut = change(Standing::Cut, Because::Bad, 20, Some(seen));
            assert_eq!(store.change_stream(&watch, &cut).await.unwrap(), Ok(()));
        }
    }
    for n in [1, 2] {
        let known = store.take_episode((id(n), 1), "u1", at(31), at(41)).await.unwrap().expect("it is free");
        let ruling =
            EpisodeRuling { said: "mistaken".into(), note: String::new(), by: "u1".into(), at: at(40) };
        let deed = Deed { actor: "user:u1", action: "episode.ruled", at: at(40) };
        assert!(store.rule_episode(&known, &ruling, deed).await.unwrap());
    }
    let (stream, reason) = (id(3), "nudity".to_owned());
    let (note, by, hand) = ("why".to_owned(), "u1".to_owned(), Hand::Cut);
    let ruling = StreamRuling { stream, number: 0, hand, reason, note, by, at: at(40), stood: None };
    let deed = Deed { actor: "user:u1", action: "stream.ruled", at: at(40) };
    store.rule_stream(&ruling, None, deed).await.unwrap().expect("it is open");

    let ruled = async |before| {
        let all = store.ruled_episodes(at(before), 9).await.unwrap();
        all.into_iter().map(|episode| (episode.stream, episode.number)).collect::<Vec<_>>()
    };
    assert_eq!((ruled(40).await, ruled(41).await), (vec![], vec![(id(1), 1), (id(2), 1)]));
    assert_eq!(store.ruled_episodes(at(41), 1).await.unwrap().len(), 1);
    assert!(!store.erase_episode((id(1), 1), at(40), at(90)).await.unwrap(), "not yet");
    assert!(!store.erase_episode((id(1), 2), at(99), at(90)).await.unwrap(), "nobody has ruled on it");
    assert!(store.erase_episode((id(1), 1), at(41), at(90)).await.unwrap());
    assert!(!store.erase_episode((id(1), 1), at(41), at(90)).await.unwrap(), "once");
    assert_eq!(store.episode(id(1), 1).await.unwrap(), None);
    assert!(store.episode(id(1), 2).await.unwrap().is_some());
    assert_eq!(store.stream(id(1)).await.unwrap().unwrap().episode, 2, "the next one is the third");

    assert!(store.ended_streams(at(99), 9).await.unwrap().is_empty(), "all are open");
    assert!(!store.erase_stream(id(3), at(99), at(90)).await.unwrap());
    for n in 1..=3 {
        assert!(store.close_stream(&acme, id(n), "key:k1", at(50)).await.unwrap());
    }
    assert!(store.ended_streams(at(50), 9).await.unwrap().is_empty(), "not yet");
    assert_eq!(store.ended_streams(at(51), 9).await.unwrap(), [id(3)], "the others have episodes");
    for n in [1, 2] {
        assert!(!store.erase_stream(id(n), at(51), at(90)).await.unwrap(), "{n}");
    }
    assert!(!store.erase_stream(id(3), at(50), at(90)).await.unwrap(), "not yet");
    assert_eq!(store.stream_rulings(id(3), 9).await.unwrap().len(), 1, "what is not erased is whole");
    assert!(store.erase_stream(id(3), at(51), at(90)).await.unwrap());
    assert!(!store.erase_stream(id(3), at(51), at(90)).await.unwrap(), "once");
    assert_eq!(store.stream(id(3)).await.unwrap(), None);
    assert!(store.stream_rulings(id(3), 9).await.unwrap().is_empty());
    assert!(store.erase_episode((id(2), 1), at(41), at(91)).await.unwrap());
    assert_eq!(store.ended_streams(at(51), 9).await.unwrap(), [id(2)]);
    let log = store.audit(0, 100).await.unwrap();
    let gone: Vec<_> = log.iter().filter(|line| line.actor == "retention").collect();
    let actions: Vec<_> = gone.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(actions, ["episode.erased", "stream.erased", "episode.erased"]);
    assert!(gone.iter().all(|line| line.detail.contains("acme")), "{gone:?}");
    assert!(store.audit_verify().await.unwrap().is_ok());
}

pub async fn a_forgotten_stream_is_closed<S: Store>(store: Arc<S>) {
    // Its key ends at 1001, 1002 and 1003; on the third something was judged later.
    let seen = watched(&*store, 3, 10).await;
    assert_eq!(store.sign_stream(id(3), seen.fence, &sign(1500)).await.unwrap(), Ok(()));
    let left = watched(&*store, 1, 10).await;
    let open = change(Standing::Cut, Because::Bad, 20, Some(episode(1, 1, EpisodeState::Open)));
    assert_eq!(store.change_stream(&left, &open).await.unwrap(), Ok(()));
    watched(&*store, 2, 10).await;
    assert_eq!(store.close_forgotten_streams(at(1001), at(2000), 9).await.unwrap(), 0, "its key is good");
    assert_eq!(store.close_forgotten_streams(at(1400), at(2000), 1).await.unwrap(), 1);
    assert_eq!(store.close_forgotten_streams(at(1400), at(2000), 9).await.unwrap(), 1);
    assert_eq!(store.close_forgotten_streams(at(1400), at(2000), 9).await.unwrap(), 0, "once");
    let row = store.stream(id(1)).await.unwrap().unwrap();
    assert_eq!((row.closed_at, row.holder), (Some(at(2000)), None));
    let ended = store.episode(id(1), 1).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.ended_at), (EpisodeState::InReview, Some(at(2000))), "a person looks");
    assert!(store.stream(id(3)).await.unwrap().unwrap().is_open());
    let log = store.audit(0, 100).await.unwrap();
    let last = log.last().unwrap();
    assert_eq!((last.action.as_str(), last.actor.as_str()), ("stream.closed", "retention"));
}
