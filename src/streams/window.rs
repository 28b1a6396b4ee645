//! Recent frames to a decision. Pure: it is told what was seen, and when. Only judged frames move it towards `pass`: one
//! that was skipped, lost or could not be judged never comes here.

use super::rules::{Grade, Rules};
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
    pub const CLEAN: Self = Self { standing: Standing::Pass, because: Because::Clean };
}

#[derive(Debug, Clone)]
pub struct Window {
    rules: Rules,
    /// The newest last; never more than `rules.window`.
    recent: VecDeque<Grade>,
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
        // Being unwatched is this window's own to say.
        let content = if content.because == Because::Unwatched { State::CLEAN } else { content };
        Self { rules, recent, content, clean: 0, clean_since: None, watched: None, now }
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// A frame that came at `came` was judged.
    pub fn judged(&mut self, grade: Grade, came: Timestamp) -> State {
        self.tick(came);
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
            None if self.is_calm() && self.content.because != Because::Person => self.content = State::CLEAN,
            _ => {}
        }
        self.state()
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
            None if self.content.standing == Standing::Pass => State::UNWATCHED,
            _ => self.content,
        }
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
