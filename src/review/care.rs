//! How much of what is hard to look at somebody may see in a day: a pause is offered, and then it is due. Pure.

use crate::ports::care::{Exposure, Level};
use std::time::Duration;

/// Of one level; nothing is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limit {
    pub views: Option<u32>,
    pub time: Option<Duration>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Limits {
    /// The share of a limit at which a pause is offered.
    pub offer: f32,
    pub low: Limit,
    pub medium: Limit,
    pub high: Limit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    None,
    /// Much of this was seen today.
    Offered(Level),
    /// Enough for today.
    Due(Level),
}

impl Limits {
    fn of(&self, level: Level) -> Limit {
        match level {
            Level::Low => self.low,
            Level::Medium => self.medium,
            Level::High => self.high,
        }
    }

    /// The hardest level counts first. What was lifted is still offered, and never due.
    pub fn rest(&self, exposure: &Exposure) -> Rest {
        let shares = Level::ALL.into_iter().rev().map(|level| (level, self.share(exposure, level)));
        let worst = |least: f32| shares.clone().find(|(_, share)| *share >= least).map(|(level, _)| level);
        match (worst(1.0), worst(self.offer)) {
            (Some(level), _) if !exposure.lifted => Rest::Due(level),
            (_, Some(level)) => Rest::Offered(level),
            _ => Rest::None,
        }
    }

    /// How much of the limit is used up; 1 is all.
    fn share(&self, exposure: &Exposure, level: Level) -> f32 {
        let (limit, seen) = (self.of(level), exposure.at(level));
        let views = limit.views.map_or(0.0, |most| seen.views as f32 / most.max(1) as f32);
        let time = limit.time.map_or(0.0, |most| seen.seconds as f32 / most.as_secs_f32().max(1.0));
        views.max(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::care::Seen;

    #[test]
    fn a_pause_is_offered_then_due_and_can_be_lifted() {
        let high = Limit { views: Some(10), time: Some(Duration::from_secs(600)) };
        let limits = Limits { offer: 0.75, high, ..Limits::default() };
        let seen = |views, seconds| Exposure { high: Seen { views, seconds }, ..Exposure::default() };
        let rest = |views, seconds| limits.rest(&seen(views, seconds));
        assert_eq!(rest(7, 0), Rest::None);
        assert_eq!(rest(8, 0), Rest::Offered(Level::High));
        assert_eq!(rest(0, 450), Rest::Offered(Level::High));
        assert_eq!(rest(10, 0), Rest::Due(Level::High));
        assert_eq!(rest(1, 600), Rest::Due(Level::High));
        assert_eq!(limits.rest(&Exposure { lifted: true, ..seen(99, 9_999) }), Rest::Offered(Level::High));
        let much = Seen { views: 9_999, seconds: 99_999 };
        assert_eq!(limits.rest(&Exposure { low: much, medium: much, ..Exposure::default() }), Rest::None);
    }
}
