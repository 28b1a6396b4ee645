//! Episodes: listed, ruled on by who holds them, taken back.

use super::watched::{change, episode, id, ruled, watched};
use crate::{
    ports::{
        Wall,
        accounts::{Deed, Tenants},
        contract::samples::{at, tenant},
        store::{Stale, Store},
        streams::{Episode, EpisodeRuling, EpisodeState, Unwritten},
    },
    upload::{Because, Standing},
};
use std::sync::Arc;

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

/// A person rules on an episode while its watcher goes on with it: what was seen since is not lost in what is settled.
pub async fn what_was_ruled_on_takes_nothing_more_in<S: Store + Wall>(store: Arc<S>) {
    let watch = watched(&*store, 1, 10).await;
    let over = change(Standing::Pass, Because::Clean, 20, Some(episode(1, 1, EpisodeState::InReview)));
    assert_eq!(store.change_stream(&watch, &over).await.unwrap(), Ok(()));
    ruled(&*store, 1, 40).await;
    let known = store.episode(id(1), 1).await.unwrap();
    let lines = store.audit(0, 20).await.unwrap().len();
    for state in [EpisodeState::Open, EpisodeState::InReview] {
        let on = change(Standing::Cut, Because::Bad, 41, Some(episode(1, 1, state)));
        assert_eq!(store.change_stream(&watch, &on).await.unwrap(), Err(Unwritten::Ruled), "{state:?}");
    }
    let row = store.stream(id(1)).await.unwrap().unwrap();
    assert_eq!((row.standing, row.since), (Standing::Pass, at(20)), "all of it or nothing");
    assert_eq!(store.episode(id(1), 1).await.unwrap(), known);
    assert_eq!(
        (store.outbox(0, 9).await.unwrap().len(), store.audit(0, 20).await.unwrap().len()),
        (1, lines)
    );
    let own = change(Standing::Cut, Because::Bad, 41, Some(episode(1, 2, EpisodeState::Open)));
    assert_eq!(store.change_stream(&watch, &own).await.unwrap(), Ok(()), "the watch is good still");
    assert_eq!(store.stream(id(1)).await.unwrap().unwrap().episode, 2);
}

/// The same the other way round: nobody rules on frames that they have not seen.
pub async fn what_goes_on_is_not_ruled_on_by_who_saw_its_beginning<S: Store + Wall>(store: Arc<S>) {
    let watch = watched(&*store, 1, 10).await;
    let stands = async |now, state| {
        let next = change(Standing::Cut, Because::Bad, now, Some(episode(1, 1, state)));
        assert_eq!(store.change_stream(&watch, &next).await.unwrap(), Ok(()));
    };
    stands(20, EpisodeState::Open).await;
    stands(21, EpisodeState::InReview).await;
    let of = (id(1), 1);
    let seen = store.take_episode(of, "u1", at(31), at(99)).await.unwrap().expect("it is free");
    stands(40, EpisodeState::Open).await;
    let row = store.episode(id(1), 1).await.unwrap().unwrap();
    assert_eq!((row.fence, row.holder, row.held_until), (seen.fence + 1, None, None));
    stands(41, EpisodeState::Open).await;
    stands(42, EpisodeState::InReview).await;
    assert_eq!(store.keep_episode(of, "u1", seen.fence, at(99)).await.unwrap(), Err(Stale));
    let ruling = EpisodeRuling { said: "mistaken".into(), note: String::new(), by: "u1".into(), at: at(43) };
    let deed = || Deed { actor: "user:u1", action: "episode.ruled", at: at(43) };
    assert!(!store.rule_episode(&seen, &ruling, deed()).await.unwrap());
    let again = store.take_episode(of, "u1", at(44), at(99)).await.unwrap().expect("it is free");
    assert_eq!(again.fence, seen.fence + 2);
    assert!(store.rule_episode(&again, &ruling, deed()).await.unwrap());
}
