//! When a call that failed is made again.

use std::time::Duration;

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

/// Pauses after the first call that failed, the second, and so on; after the last one the call is given up.
#[derive(Debug, Clone)]
pub struct Schedule(pub Vec<Duration>);

impl Default for Schedule {
    /// Standard Webhooks' own, over some three days.
    fn default() -> Self {
        let first = [Duration::from_secs(5), minutes(5), minutes(30)];
        let hours = [2, 5, 10, 14, 20, 24].map(|hours| minutes(60 * hours));
        Self(first.into_iter().chain(hours).collect())
    }
}

/// The longest Retry-After that is honoured.
const LONGEST: Duration = minutes(60 * 24);

impl Schedule {
    /// The pause after `attempts` calls in vain before this one. `jitter` is any number: up to a tenth is added by it,
    /// so that what failed together does not come back together. `asked` is what the receiver wants.
    pub(super) fn after(&self, attempts: u32, jitter: u16, asked: Option<Duration>) -> Option<Duration> {
        let pause = *self.0.get(usize::try_from(attempts).ok()?)?;
        let pause = pause + pause / 10 * u32::from(jitter) / u32::from(u16::MAX);
        Some(asked.map_or(pause, |asked| pause.max(asked.min(LONGEST))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_and_what_the_receiver_asks_for_counts_within_bounds() {
        let schedule = Schedule::default();
        let after = |attempts| schedule.after(attempts, 0, None).map(|pause| pause.as_secs());
        assert_eq!(after(0), Some(5));
        assert_eq!(after(1), Some(300));
        assert_eq!(after(8), Some(24 * 3600));
        assert_eq!(after(9), None);
        let jittered = schedule.after(1, u16::MAX, None).unwrap();
        assert_eq!(jittered, Duration::from_secs(330));
        let asked = |secs| schedule.after(0, 0, Some(Duration::from_secs(secs))).unwrap().as_secs();
        assert_eq!((asked(1), asked(60), asked(10_000_000)), (5, 60, 24 * 3600));
    }
}
