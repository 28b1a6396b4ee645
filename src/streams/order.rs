//! Frames in the order in which they were taken. A publisher's numbers are its own word: they tell what was lost on the
//! way and what comes too late, and nothing else. When a frame came is the service's to say.

/// What the number of a frame tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It is newer than all before; so many between were lost.
    Next { lost: u64 },
    /// A newer one was here before. It is not judged.
    Late,
}

/// Of one source: a connection, a queue, or the calls that post single frames.
#[derive(Debug, Clone, Default)]
pub struct Order {
    last: Option<u64>,
}

impl Order {
    /// Goes on after this number.
    pub fn after(last: Option<u64>) -> Self {
        Self { last }
    }

    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// A frame without a number is the next one. Number 0 begins anew, as an encoder does that was started again.
    pub fn arrives(&mut self, sequence: Option<u64>) -> (u64, Arrival) {
        let next = self.last.map_or(0, |last| last.saturating_add(1));
        let number = sequence.unwrap_or(next);
        let arrival = match self.last {
            Some(last) if number != 0 && number <= last => Arrival::Late,
            Some(last) if number > last => Arrival::Next { lost: number - last - 1 },
            _ => Arrival::Next { lost: 0 },
        };
        if arrival != Arrival::Late {
            self.last = Some(number);
        }
        (number, arrival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_lost_and_what_goes_back_is_late() {
        let mut order = Order::default();
        let next = |lost| Arrival::Next { lost };
        for (sent, number, arrival) in [
            (Some(7), 7, next(0)),
            (Some(8), 8, next(0)),
            (Some(8), 8, Arrival::Late),
            (Some(3), 3, Arrival::Late),
            (None, 9, next(0)),
            (Some(20), 20, next(10)),
            (Some(0), 0, next(0)),
            (Some(1), 1, next(0)),
            (Some(u64::MAX), u64::MAX, next(u64::MAX - 2)),
            (Some(5), 5, Arrival::Late),
            (None, u64::MAX, Arrival::Late),
            (Some(0), 0, next(0)),
        ] {
            assert_eq!(order.arrives(sent), (number, arrival), "{sent:?}");
        }
    }
}
