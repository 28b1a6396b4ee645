//! What is over of streams, and is erased.

use super::watched::{MOST, change, episode, id, new, ruled, sign, watched};
use crate::{
    ports::{
        Reviews, Wall,
        accounts::Deed,
        contract::samples::{at, tenant},
        reviews::AuditFilter,
        store::Store,
        streams::{EpisodeRuling, EpisodeState, NewStream},
        wall::{Hand, StreamRuling},
    },
    upload::{Because, Standing},
};
use std::sync::Arc;

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

pub async fn what_is_condemned_is_not_taken_back_and_names_no_frames<S: Store + Wall>(store: Arc<S>) {
    for n in [1, 2] {
        let watch = watched(&*store, n, 10).await;
        let over = change(Standing::Cut, Because::Bad, 20, Some(episode(n, 1, EpisodeState::InReview)));
        assert_eq!(store.change_stream(&watch, &over).await.unwrap(), Ok(()));
    }
    let condemn = async |n, before| store.condemn_episode((id(n), 1), at(before)).await.unwrap();
    assert!(!condemn(1, 99).await, "nobody has ruled on it");
    let undo = async |n| {
        let (fence, deed) = (1, Deed { actor: "user:u1", action: "episode.undone", at: at(45) });
        store.undo_episode((id(n), 1), fence, "u1", at(0), at(99), deed).await.unwrap()
    };
    for n in [1, 2] {
        ruled(&*store, n, 40).await;
    }
    assert!(!condemn(1, 40).await, "not yet");
    assert!(undo(2).await);
    assert!(!condemn(2, 99).await, "it was taken back in time");
    let back = store.episode(id(2), 1).await.unwrap().unwrap();
    assert_eq!(back.evidence.len(), 1, "and has its frames");
    assert!(condemn(1, 41).await && condemn(1, 41).await, "as often as it is asked");
    assert!(!undo(1).await);
    let row = store.episode(id(1), 1).await.unwrap().unwrap();
    assert_eq!((row.state, row.evidence.len()), (EpisodeState::Ruled, 0));
    assert_eq!(store.last_ruled_episode("u1", at(0)).await.unwrap(), None);
    let found = store.ruled_episodes(at(41), 9).await.unwrap();
    assert_eq!(found.len(), 1, "after a crash it is found again");
    assert!(store.erase_episode((id(1), 1), at(41), at(90)).await.unwrap());
    assert!(!condemn(1, 99).await, "it is gone");
}

/// The stream's own row is gone, and its lines stay: whose they were is known still.
pub async fn what_the_log_says_of_a_stream_that_was_erased_its_tenants_people_see<S: Store + Reviews>(
    store: Arc<S>,
) {
    for (n, name) in [(1, "acme"), (2, "globex"), (3, "acme")] {
        assert!(store.open_stream(&NewStream { tenant: tenant(name), ..new(n) }, MOST).await.unwrap());
    }
    let seen = async |tenants: &str, queues: &str| {
        let sight = Some((tenants.parse().unwrap(), queues.parse().unwrap()));
        let filter = AuditFilter { sight, limit: 50, ..AuditFilter::default() };
        let lines = store.audit_find(&filter).await.unwrap();
        let mut seen: Vec<_> = lines.into_iter().map(|line| (line.subject, line.action)).collect();
        seen.sort();
        seen
    };
    let line = |n, action: &str| (id(n).to_string(), action.to_owned());
    for n in [1, 2] {
        assert!(
            store
                .close_stream(&tenant(if n == 1 { "acme" } else { "globex" }), id(n), "key:k1", at(50))
                .await
                .unwrap()
        );
        assert!(store.erase_stream(id(n), at(51), at(90)).await.unwrap());
    }
    let of = |n| ["stream.closed", "stream.erased", "stream.opened"].map(|action| line(n, action)).to_vec();
    let open = vec![line(3, "stream.opened")];
    assert_eq!(seen("acme", "*").await, [of(1), open.clone()].concat());
    assert_eq!(seen("globex", "stream").await, of(2));
    assert_eq!(seen("*", "stream,image").await, [of(1), of(2), open].concat());
    assert!(seen("initech", "*").await.is_empty() && seen("acme", "image").await.is_empty());
}
