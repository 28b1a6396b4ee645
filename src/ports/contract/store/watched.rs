//! Samples of streams and their episodes.

use crate::{
    ports::{
        Wall,
        accounts::Deed,
        contract::samples::{at, tenant},
        store::Store,
        streams::{
            Change, Counts, Episode, EpisodeRuling, EpisodeState, Evidence, Last, NewStream, Sign, StreamKey,
            Watch,
        },
    },
    upload::{Because, Standing, StreamId},
};
use std::collections::BTreeMap;

/// Open streams of a tenant.
pub(super) const MOST: u32 = 100;

pub(super) fn id(n: u8) -> StreamId {
    StreamId::new(at(i64::from(n)), &[n; 10])
}

pub(super) fn key(n: u8) -> StreamKey {
    StreamKey { hash: [n; 32], expires_at: at(1000 + i64::from(n)) }
}

pub(super) fn new(n: u8) -> NewStream {
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

pub(super) fn sign(until: i64) -> Sign {
    let counts = Counts { judged: 5, skipped: 4, failed: 3, late: 2, lost: 1 };
    let last = Last { posted: Some(u64::MAX), fed: None };
    Sign { until: at(until), watched_until: Some(at(until + 5)), counts, last }
}

pub(super) async fn watched(store: &impl Store, n: u8, now: i64) -> Watch {
    assert!(store.open_stream(&new(n), MOST).await.expect("open"));
    let watch = store.watch_stream(id(n), "p1", at(now), at(now + 5)).await.expect("watch");
    watch.expect("nobody watches a new stream")
}

pub(super) fn change(standing: Standing, because: Because, now: i64, episode: Option<Episode>) -> Change {
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

pub(super) fn episode(n: u8, number: u32, state: EpisodeState) -> Episode {
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

/// By u1, under the first fence.
pub(super) async fn ruled(store: &(impl Store + Wall), n: u8, second: i64) {
    let (now, until) = (at(second - 1), at(second + 9));
    let known = store.take_episode((id(n), 1), "u1", now, until).await.unwrap().expect("it is free");
    let ruling =
        EpisodeRuling { said: "confirmed".into(), note: String::new(), by: "u1".into(), at: at(second) };
    let deed = Deed { actor: "user:u1", action: "episode.ruled", at: at(second) };
    assert!(store.rule_episode(&known, &ruling, deed).await.unwrap());
}
