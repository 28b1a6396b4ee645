//! Recent frames to a decision. Pure: it is told what was seen, and when. Only judged frames move it towards `pass`: one
//! that was skipped or lost never comes here, and one that could not be judged moves it only away from it.

use super::rules::{Grade, Rules};
use super::unseen::Kinds;
use crate::upload::{Because, Standing};
use jiff::Timestamp;
use std::{collections::VecDeque, time::Duration};

/// How a stream stands, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    pub standing: Standing,
    pub because: Because,
}

impl State {
    /// Of a stream of which nobody can say anything.
    pub const UNWATCHED: Self = Self { standing: Standing::Warn, because: Because::Unwatched };
    /// Of one most of whose frames cannot be judged.
    pub const UNDECODABLE: Self = Self { standing: Standing::Warn, because: Because::Undecodable };
    /// Of one that holds more than is looked at.
    pub const UNSEEN: Self = Self { standing: Standing::Warn, because: Because::Unseen };
    pub const CLEAN: Self = Self { standing: Standing::Pass, because: Because::Clean };
}

/// What became of frames that were looked at, and of those that came with them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    /// No pictures, too large, damaged.
    pub failed: u32,
    /// Not judged for an engine's trouble.
    pub blind: u32,
    /// Judged, or whole and not to be judged.
    pub fine: u32,
}

impl Look {
    pub const FAILED: Self = Self { failed: 1, blind: 0, fine: 0 };
    pub const BLIND: Self = Self { failed: 0, blind: 1, fine: 0 };
    const FINE: Self = Self { failed: 0, blind: 0, fine: 1 };

    fn and(self, other: Self) -> Self {
        Self {
            failed: self.failed.saturating_add(other.failed),
            blind: self.blind.saturating_add(other.blind),
            fine: self.fine.saturating_add(other.fine),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Window {
    rules: Rules,
    /// The newest last; never more than `rules.window`.
    recent: VecDeque<Grade>,
    /// The same of what was looked at, judged or not.
    looks: VecDeque<Look>,
    /// What came since the last of them.
    beside: Look,
    /// Too many of them failed, and not few enough since.
    spoiled: bool,
    /// There is more in it than is looked at.
    unseen: bool,
    /// What the judged frames say, whether somebody watches or not.
    content: State,
    /// Clean frames in a row, with no gap in which nobody watched, and when the first of them came.
    clean: usize,
    clean_since: Option<Timestamp>,
    /// When the last frame came that was judged; `None` where nobody watches.
    watched: Option<Timestamp>,
    /// The latest time it was told of: it never goes back.
    now: Timestamp,
}

impl Window {
    /// Begins unwatched. `content` is what was known of the stream before: of a new one, that it is clean.
    pub fn new(rules: Rules, content: State, now: Timestamp) -> Self {
        let recent = VecDeque::with_capacity(rules.window);
        let looks = VecDeque::with_capacity(rules.window);
        let spoiled = content.because == Because::Undecodable;
        // How well it is watched is this window's own to say.
        let content = if content.because.is_of_frames() { content } else { State::CLEAN };
        let beside = Look::default();
        let (clean, clean_since, watched, unseen) = (0, None, None, false);
        Self { rules, recent, looks, beside, spoiled, unseen, content, clean, clean_since, watched, now }
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// A frame that came at `came` was judged.
    pub fn judged(&mut self, grade: Grade, came: Timestamp) -> State {
        self.tick(came);
        self.looked(Look::FINE);
        let seen = self.watched.map_or(came, |before| before.max(came));
        // One that waited too long for its judge says nothing of now.
        self.watched = Some(seen).filter(|at| elapsed(*at, self.now) <= self.rules.deadline);
        if self.recent.len() == self.rules.window {
            self.recent.pop_front();
        }
        self.recent.push_back(grade);
        if grade == Grade::Clean {
            self.clean += 1;
            self.clean_since.get_or_insert(self.now);
        } else {
            self.broken();
        }
        match self.found(grade) {
            // What is cut stays cut for the reason that cut it.
            Some(state) if state.standing > self.content.standing => self.content = state,
            // What a person cut, a person clears.
            None if self.is_calm() && !self.spoiled && self.content.because != Because::Person => {
                self.content = State::CLEAN;
            }
            _ => {}
        }
        self.state()
    }

    /// A frame could not be judged.
    pub fn failed(&mut self, look: Look, now: Timestamp) -> State {
        self.looked(look);
        self.tick(now)
    }

    /// This came too, with the frame that is looked at next.
    pub fn beside(&mut self, look: Look) {
        self.beside = self.beside.and(look);
    }

    /// What there is in it that is not looked at.
    pub fn holds_more(&mut self, unseen: Kinds) {
        self.unseen = unseen.are_beyond(self.rules.tolerate);
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Timestamp) -> State {
        self.now = self.now.max(now);
        let since = |at: Timestamp| elapsed(at, self.now);
        if self.watched.is_some_and(|at| since(at) > self.rules.deadline) {
            self.watched = None;
            self.broken();
        }
        self.state()
    }

    /// Never better than what is known: without somebody who watches there is no `pass`.
    pub fn state(&self) -> State {
        match self.watched {
            _ if self.content.standing > Standing::Pass => self.content,
            None => State::UNWATCHED,
            Some(_) if self.spoiled && self.sum().blind > self.sum().failed => State::UNWATCHED,
            Some(_) if self.spoiled => State::UNDECODABLE,
            Some(_) if self.unseen => State::UNSEEN,
            Some(_) => self.content,
        }
    }

    fn looked(&mut self, look: Look) {
        if self.looks.len() == self.rules.window {
            self.looks.pop_front();
        }
        self.looks.push_back(look.and(std::mem::take(&mut self.beside)));
        let Look { failed, blind, fine } = self.sum();
        let bad = f64::from(failed) + f64::from(blind);
        let most = f64::from(self.rules.spoiled) * (bad + f64::from(fine));
        if bad > most {
            self.spoiled = true;
        } else if self.looks.len() == self.rules.window && bad <= most / 2.0 {
            self.spoiled = false;
        }
    }

    fn sum(&self) -> Look {
        self.looks.iter().fold(Look::default(), |all, look| all.and(*look))
    }

    /// What the judged frames say: the state but for who watches.
    pub fn content(&self) -> State {
        self.content
    }

    pub fn watched_at(&self) -> Option<Timestamp> {
        self.watched
    }

    fn found(&self, newest: Grade) -> Option<State> {
        let enough = |at_least| self.count(at_least) >= self.rules.hits;
        let (standing, because) = match newest {
            Grade::Certain => (Standing::Cut, Because::Certain),
            _ if enough(Grade::Bad) => (Standing::Cut, Because::Bad),
            _ if enough(Grade::Near) => (Standing::Warn, Because::Suspicious),
            _ => return None,
        };
        Some(State { standing, because })
    }

    fn broken(&mut self) {
        (self.clean, self.clean_since) = (0, None);
    }

    fn count(&self, at_least: Grade) -> usize {
        self.recent.iter().filter(|grade| **grade >= at_least).count()
    }

    /// The window is full of clean frames, and they came over a long enough while.
    fn is_calm(&self) -> bool {
        self.clean >= self.rules.window
            && self.clean_since.is_some_and(|since| elapsed(since, self.now) >= self.rules.calm)
    }
}

fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests;
