//! Which lane is next.

use crate::ports::publisher::Lane;

/// Of so many messages one is from the slow lane, where both wait.
const BULK_SHARE: u32 = 4;

#[derive(Default)]
pub(super) struct Turns {
    /// Taken from the main lane while the other one waited.
    passed_over: u32,
}

impl Turns {
    /// `None` where nothing waits.
    pub fn next(&mut self, main_waits: bool, bulk_waits: bool) -> Option<Lane> {
        match (main_waits, bulk_waits) {
            (false, false) => None,
            (true, false) => Some(Lane::Main),
            (true, true) if self.passed_over + 1 < BULK_SHARE => {
                self.passed_over += 1;
                Some(Lane::Main)
            }
            (_, true) => {
                self.passed_over = 0;
                Some(Lane::Bulk)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_four_is_bulk_where_both_wait() {
        let mut turns = Turns::default();
        let lanes: Vec<_> = (0..8).map(|_| turns.next(true, true) == Some(Lane::Bulk)).collect();
        assert_eq!(lanes, [false, false, false, true, false, false, false, true]);
    }

    #[test]
    fn a_lane_alone_does_not_wait_for_the_other() {
        let mut turns = Turns::default();
        assert_eq!(turns.next(false, false), None);
        for _ in 0..10 {
            assert_eq!(turns.next(false, true), Some(Lane::Bulk));
            assert_eq!(turns.next(true, false), Some(Lane::Main));
        }
    }
}
