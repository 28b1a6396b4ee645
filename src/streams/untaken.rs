//! Streams that nobody watches and that this process could not take over. Pure: each is told of once for as long as it stays so.

use crate::upload::StreamId;
use std::collections::HashSet;

/// Streams that are remembered. Who was told of so many need not be told of more.
const MOST: usize = 1000;

/// What the last look left behind.
#[derive(Debug, Default)]
pub(super) struct Untaken {
    /// How many there were, those for which there is no place included.
    pub(super) count: u32,
    told: HashSet<StreamId>,
}

impl Untaken {
    /// It could not be taken over: is that to be told?
    pub(super) fn is_news(&mut self, id: StreamId) -> bool {
        self.told.len() < MOST && self.told.insert(id)
    }

    /// All that nobody watches are these. Whoever is not among them is watched by now, here or elsewhere, or closed.
    pub(super) fn found(&mut self, all: &[StreamId]) {
        self.told.retain(|id| all.contains(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u16) -> StreamId {
        let [a, b] = n.to_be_bytes();
        StreamId::new(jiff::Timestamp::UNIX_EPOCH, &[0, 0, 0, 0, 0, 0, 0, 0, a, b])
    }

    #[test]
    fn each_is_told_of_once_until_somebody_could_take_it() {
        let mut untaken = Untaken::default();
        assert!(untaken.is_news(id(1)) && untaken.is_news(id(2)));
        for _ in 0..3 {
            untaken.found(&[id(1), id(2), id(3)]);
            assert!(!untaken.is_news(id(1)) && !untaken.is_news(id(2)));
        }
        untaken.found(&[id(2)]);
        assert!(untaken.is_news(id(1)) && !untaken.is_news(id(2)));
    }

    #[test]
    fn no_more_are_remembered_than_anybody_reads_of() {
        let mut untaken = Untaken::default();
        let all: Vec<StreamId> = (0..5000).map(id).collect();
        for _ in 0..2 {
            untaken.found(&all);
            for id in &all {
                untaken.is_news(*id);
            }
        }
        assert_eq!(untaken.told.len(), MOST);
        // Once some are mended, of others it is told.
        untaken.found(&all[1..]);
        assert!(untaken.is_news(id(4999)) && !untaken.is_news(id(4998)));
    }
}
