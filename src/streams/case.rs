//! What is kept of an episode: when, how bad, and a bounded number of frames. Pure; the frames' bytes are written by whoever
//! asks.

use super::{rules::Grade, window::State};
use crate::{
    ports::streams::{Episode, EpisodeState, Evidence},
    upload::{StreamId, TenantId},
};
use jiff::Timestamp;
use std::{collections::BTreeMap, time::Duration};

/// An episode that begins so soon after the last goes on with it: what flaps is one item for a person, not hundreds.
const TOGETHER: Duration = Duration::from_secs(600);
/// The first frames stay, however bad later ones are.
const FIRST: usize = 3;
/// A frame takes another's place only where it is clearly worse.
const WORSE: f32 = 0.01;

/// An episode that goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub episode: Episode,
    /// Something was not written yet.
    pub dirty: bool,
    /// It goes on with one that was in review, which a person may rule on until it is written that it does: no frame is kept
    /// of it before.
    pub unsure: bool,
    /// How bad it was since it began or went on, and when that was.
    since: (State, Timestamp),
    most: usize,
}

/// What to do with a frame.
#[derive(Debug, Clone, PartialEq)]
pub enum Keep {
    No,
    Yes,
    /// And this, which was kept in its place, is not needed any more.
    Instead(Evidence),
}

impl Case {
    /// Goes on with `last`, which has the number `before` unless it was erased, or begins the next. `most` frames are kept.
    pub fn begin(
        (stream, tenant, before): (StreamId, &TenantId, u32),
        last: Option<Episode>,
        state: State,
        now: Timestamp,
        most: usize,
    ) -> Self {
        let goes_on = |episode: &Episode| match (episode.state, episode.ended_at) {
            (EpisodeState::Open, _) => true,
            (EpisodeState::InReview, Some(ended)) => {
                now.duration_since(ended) <= TOGETHER.try_into().unwrap_or_default()
            }
            _ => false,
        };
        let last = last.filter(goes_on);
        let unsure = last.as_ref().is_some_and(|last| last.state == EpisodeState::InReview);
        let episode = match last {
            Some(last) => Episode { state: EpisodeState::Open, ended_at: None, ..last },
            None => Episode {
                stream,
                tenant: tenant.clone(),
                number: before.saturating_add(1),
                state: EpisodeState::Open,
                began_at: now,
                ended_at: None,
                worst: state.standing,
                because: state.because,
                scores: BTreeMap::new(),
                evidence: Vec::new(),
                ruling: None,
                fence: 0,
                holder: None,
                held_until: None,
            },
        };
        let mut case = Self { episode, dirty: true, unsure, since: (state, now), most };
        case.stands(state);
        case
    }

    /// A person has ruled on what it was to go on with: what was seen since is an episode of its own.
    pub fn apart(self) -> Self {
        let (Episode { stream, tenant, number, ended_at, .. }, (state, at)) = (self.episode, self.since);
        let mut own = Self::begin((stream, &tenant, number), None, state, at, self.most);
        if let Some(ended) = ended_at {
            own.end(ended);
        }
        own
    }

    pub fn stands(&mut self, state: State) {
        if state.standing > self.since.0.standing {
            self.since.0 = state;
        }
        if state.standing > self.episode.worst {
            (self.episode.worst, self.episode.because) = (state.standing, state.because);
            self.dirty = true;
        }
    }

    /// Is a frame with these scores to be kept? If so, it goes in at once.
    pub fn saw(&mut self, grade: Grade, evidence: Evidence) -> Keep {
        if grade == Grade::Clean {
            return Keep::No;
        }
        for (label, score) in &evidence.scores {
            let worst = self.episode.scores.entry(label.clone()).or_insert(*score);
            if *score > *worst {
                *worst = *score;
                self.dirty = true;
            }
        }
        let all = &mut self.episode.evidence;
        if all.len() < self.most {
            all.push(evidence);
            self.dirty = true;
            return Keep::Yes;
        }
        let mildest = all.iter_mut().skip(FIRST).min_by(|a, b| top(a).total_cmp(&top(b)));
        match mildest {
            Some(kept) if top(&evidence) > top(kept) + WORSE => {
                self.dirty = true;
                Keep::Instead(std::mem::replace(kept, evidence))
            }
            _ => Keep::No,
        }
    }

    /// The frame that this was said of could not be written: what had its place before has it again.
    pub fn unkept(&mut self, key: &str, said: Keep) {
        let all = &mut self.episode.evidence;
        let Some(at) = all.iter().position(|kept| kept.key == key) else { return };
        match said {
            Keep::Instead(old) => all[at] = old,
            Keep::Yes | Keep::No => drop(all.remove(at)),
        }
    }

    pub fn end(&mut self, now: Timestamp) {
        (self.episode.state, self.episode.ended_at) = (EpisodeState::InReview, Some(now));
        self.dirty = true;
    }
}

fn top(evidence: &Evidence) -> f32 {
    evidence.scores.values().copied().fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload::{Because, Standing};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn evidence(n: u32, score: f32) -> Evidence {
        Evidence {
            key: format!("s/1-{n}"),
            media_type: "image/jpeg".into(),
            sequence: n.into(),
            came_at: at(n.into()),
            captured_at: None,
            scores: [("m.red".to_owned(), score)].into(),
        }
    }

    const CUT: State = State { standing: Standing::Cut, because: Because::Bad };
    const WARN: State = State { standing: Standing::Warn, because: Because::Suspicious };

    fn begun(last: Option<Episode>, now: i64) -> Case {
        let stream = StreamId::new(at(0), &[1; 10]);
        let before = last.as_ref().map_or(0, |last| last.number);
        Case::begin((stream, &"acme".parse().unwrap(), before), last, WARN, at(now), 5)
    }

    #[test]
    fn a_number_is_given_once_also_where_the_last_episode_was_erased() {
        let stream = StreamId::new(at(0), &[1; 10]);
        let case = Case::begin((stream, &"acme".parse().unwrap(), 7), None, WARN, at(0), 5);
        assert_eq!(case.episode.number, 8);
    }

    #[test]
    fn an_episode_keeps_its_first_frames_and_its_worst_and_never_more() {
        let mut case = begun(None, 0);
        assert_eq!(case.saw(Grade::Clean, evidence(0, 0.1)), Keep::No);
        let mut replaced = 0;
        for n in 1..100_000 {
            let score = 0.4 + f32::from(u16::try_from(n % 60).unwrap()) / 100.0;
            if let Keep::Instead(_) = case.saw(Grade::Bad, evidence(n, score)) {
                replaced += 1;
            }
        }
        let sequences: Vec<_> = case.episode.evidence.iter().map(|kept| kept.sequence).collect();
        assert_eq!((sequences.len(), &sequences[..3]), (5, &[1, 2, 3][..]));
        assert!(case.episode.evidence[3..].iter().all(|kept| top(kept) > 0.97));
        assert!(replaced < 120, "a day of bad frames writes few of them: {replaced}");
        assert_eq!(case.episode.scores["m.red"], 0.99);
        case.stands(CUT);
        case.stands(WARN);
        assert_eq!((case.episode.worst, case.episode.because), (Standing::Cut, Because::Bad));
    }

    #[test]
    fn a_frame_that_could_not_be_written_leaves_the_others_as_they_were() {
        let mut case = begun(None, 0);
        for n in 1..=4 {
            assert_eq!(case.saw(Grade::Bad, evidence(n, 0.8)), Keep::Yes);
        }
        let before = case.episode.evidence.clone();
        let said = case.saw(Grade::Bad, evidence(5, 0.7));
        case.unkept("s/1-5", said);
        assert_eq!(case.episode.evidence, before);
        assert_eq!(case.saw(Grade::Bad, evidence(6, 0.7)), Keep::Yes);
        let before = case.episode.evidence.clone();
        let said = case.saw(Grade::Bad, evidence(7, 0.9));
        assert_eq!(said, Keep::Instead(evidence(6, 0.7)));
        case.unkept("s/1-7", said);
        assert_eq!(case.episode.evidence, before, "the old one is not dropped");
    }

    #[test]
    fn what_was_to_go_on_with_an_episode_that_a_person_ruled_on_is_one_of_its_own() {
        let mut first = begun(None, 0);
        assert!(!first.unsure);
        first.stands(CUT);
        first.saw(Grade::Bad, evidence(1, 0.9));
        first.end(at(10));
        let mut on = begun(Some(first.episode), 20);
        assert!(on.unsure);
        let own = on.clone().apart();
        assert_eq!((own.episode.number, own.episode.worst, own.unsure), (2, Standing::Warn, false));
        assert_eq!((own.episode.began_at, own.episode.ended_at), (at(20), None));
        assert!(own.episode.evidence.is_empty() && own.episode.scores.is_empty() && own.dirty);
        on.stands(CUT);
        on.end(at(30));
        let own = on.apart().episode;
        assert_eq!((own.worst, own.state), (Standing::Cut, EpisodeState::InReview));
        assert_eq!((own.began_at, own.ended_at), (at(20), Some(at(30))));
        // Of a process that died: nobody can rule on it.
        assert!(!begun(Some(begun(None, 0).episode), 20).unsure);
    }

    #[test]
    fn what_flaps_is_one_episode_until_a_person_has_ruled() {
        let mut first = begun(None, 0);
        first.end(at(10));
        let again = begun(Some(first.episode.clone()), 600);
        assert_eq!((again.episode.number, again.episode.state), (1, EpisodeState::Open));
        assert_eq!((again.episode.began_at, again.episode.ended_at), (at(0), None));
        assert_eq!(begun(Some(first.episode.clone()), 700).episode.number, 2);
        let ruled = Episode { state: EpisodeState::Ruled, ..first.episode };
        assert_eq!(begun(Some(ruled), 20).episode.number, 2);
        let left = begun(None, 0).episode;
        assert_eq!(begun(Some(left), 9000).episode.number, 1, "of a process that died");
    }
}
