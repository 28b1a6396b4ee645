//! The life of an upload.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Announced for a direct upload; its bytes have not come.
    Awaiting,
    /// Durable, and waiting for a worker.
    Received,
    /// A worker holds its lease.
    Scanning,
    Published,
    InReview,
    Quarantined,
    /// Its bytes are gone; the record stays.
    Erased,
}

/// What moves an upload on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Completed,
    Claimed,
    /// The worker gave the upload back, or its lease ran out.
    Released,
    Decided(super::Decision),
    /// A person's ruling.
    Ruled(super::Decision),
    Erased,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an upload that is {from} cannot be {event:?}")]
pub struct InvalidTransition {
    pub from: State,
    pub event: Event,
}

impl State {
    pub const ALL: [Self; 7] = [
        Self::Awaiting,
        Self::Received,
        Self::Scanning,
        Self::Published,
        Self::InReview,
        Self::Quarantined,
        Self::Erased,
    ];

    pub fn apply(self, event: Event) -> Result<Self, InvalidTransition> {
        use super::Decision;
        match (self, event) {
            (Self::Awaiting, Event::Completed) => Ok(Self::Received),
            (Self::Received | Self::Scanning, Event::Claimed) => Ok(Self::Scanning),
            (Self::Scanning, Event::Released) => Ok(Self::Received),
            (Self::Scanning, Event::Decided(Decision::Publish)) => Ok(Self::Published),
            (Self::Scanning, Event::Decided(Decision::Review)) => Ok(Self::InReview),
            (Self::Scanning, Event::Decided(Decision::Quarantine)) => Ok(Self::Quarantined),
            (Self::InReview | Self::Quarantined, Event::Ruled(Decision::Publish)) => Ok(Self::Published),
            (Self::InReview | Self::Published, Event::Ruled(Decision::Quarantine)) => Ok(Self::Quarantined),
            (from, Event::Erased) if from != Self::Erased => Ok(Self::Erased),
            (from, event) => Err(InvalidTransition { from, event }),
        }
    }

    /// No machine work is left to do.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Published | Self::InReview | Self::Quarantined | Self::Erased)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Awaiting => "awaiting",
            Self::Received => "received",
            Self::Scanning => "scanning",
            Self::Published => "published",
            Self::InReview => "in_review",
            Self::Quarantined => "quarantined",
            Self::Erased => "erased",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, thiserror::Error)]
#[error(
    "no such state: {0:?}; states are awaiting, received, scanning, published, in_review, quarantined, erased"
)]
pub struct UnknownState(String);

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(s: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == s).ok_or_else(|| UnknownState(s.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload::Decision;

    #[test]
    fn only_the_drawn_transitions_exist() {
        let events = [
            Event::Completed,
            Event::Claimed,
            Event::Released,
            Event::Decided(Decision::Publish),
            Event::Decided(Decision::Review),
            Event::Decided(Decision::Quarantine),
            Event::Ruled(Decision::Publish),
            Event::Ruled(Decision::Review),
            Event::Ruled(Decision::Quarantine),
            Event::Erased,
        ];
        let drawn: Vec<String> = State::ALL
            .iter()
            .flat_map(|from| events.iter().map(move |event| (from, event)))
            .filter_map(|(from, event)| from.apply(*event).ok().map(|to| format!("{from}→{to}")))
            .collect();
        assert_eq!(
            drawn,
            [
                "awaiting→received",
                "awaiting→erased",
                "received→scanning",
                "received→erased",
                "scanning→scanning",
                "scanning→received",
                "scanning→published",
                "scanning→in_review",
                "scanning→quarantined",
                "scanning→erased",
                "published→quarantined",
                "published→erased",
                "in_review→published",
                "in_review→quarantined",
                "in_review→erased",
                "quarantined→published",
                "quarantined→erased",
            ]
        );
    }

    #[test]
    fn names_go_both_ways() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse::<State>().unwrap(), state);
        }
        assert!("Published".parse::<State>().is_err());
    }
}
