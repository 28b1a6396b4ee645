use super::watched::{MOST, change, episode, id, key, new, sign, watched};
use crate::{
    ports::{
        contract::samples::{at, tenant},
        store::{Stale, Store},
        streams::{Change, EpisodeState, Last, NewStream, Pull, PullState, PullTrouble, Sign, Unwritten},
    },
    upload::{Because, Standing},
};
use std::sync::Arc;

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
    assert_eq!(store.change_stream(&first, &cut).await.unwrap(), Err(Unwritten::Stale));
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

/// A process that died must not leave a stream passing, nor one that the broker feeds unread, nor an episode that goes on.
pub async fn deserted_streams_are_found<S: Store>(store: Arc<S>) {
    let passing = watched(&*store, 1, 10).await;
    let clean = change(Standing::Pass, Because::Clean, 11, None);
    assert_eq!(store.change_stream(&passing, &clean).await.unwrap(), Ok(()));
    watched(&*store, 2, 10).await;
    assert!(store.open_stream(&new(101), MOST).await.unwrap());
    assert_eq!(store.deserted_streams(at(12), 9).await.unwrap(), [id(101)], "the broker feeds it");
    let bad = watched(&*store, 3, 10).await;
    let seen = |state| change(Standing::Cut, Because::Bad, 11, Some(episode(3, 1, state)));
    assert_eq!(store.change_stream(&bad, &seen(EpisodeState::Open)).await.unwrap(), Ok(()));
    assert_eq!(store.deserted_streams(at(12), 9).await.unwrap(), [id(101)], "it is watched");
    let mut found = store.deserted_streams(at(16), 9).await.unwrap();
    found.sort();
    assert_eq!(found, [id(1), id(3), id(101)], "one that warns already warns on, but for its episode");
    assert_eq!(store.deserted_streams(at(16), 1).await.unwrap().len(), 1);
    store.leave_stream(id(3), bad.fence, &sign(16)).await.unwrap();
    assert!(store.deserted_streams(at(12), 9).await.unwrap().contains(&id(3)), "its episode goes on");
    let next = store.watch_stream(id(3), "p2", at(16), at(21)).await.unwrap().unwrap();
    assert!(!store.deserted_streams(at(16), 9).await.unwrap().contains(&id(3)), "somebody ends it");
    assert_eq!(store.change_stream(&next, &seen(EpisodeState::InReview)).await.unwrap(), Ok(()));
    store.leave_stream(id(3), next.fence, &sign(21)).await.unwrap();
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
