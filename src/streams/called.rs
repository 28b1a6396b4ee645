//! When the hooks of streams were called last. Pure: never two calls of one stream at a time, and no more than are worth it.

use crate::upload::StreamId;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;

/// Encoders that lost their connection try again within seconds, as often as they are ended. More than all tries of one call
/// take, and few enough calls for a server that cannot end anything; what is cut is cut for viewers all the while.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// What was called within [`AGAIN`] by this process.
#[derive(Debug, Default)]
pub(super) struct Called(HashMap<StreamId, Call>);

#[derive(Debug)]
struct Call {
    /// When it was made. `None`: the stream was cut anew meanwhile, and the next frame is one too many.
    at: Option<Timestamp>,
    /// It has not ended.
    is_out: bool,
}

impl Call {
    fn is_enough(&self, now: Timestamp) -> bool {
        let since = self.at.map(|at| now.duration_since(at));
        // A clock that was set back makes nobody wait for it.
        self.is_out || since.is_some_and(|since| !since.is_negative() && since < AGAIN)
    }
}

impl Called {
    /// The stream was cut: is its hook to be called now? Where a call is out, it is with the first frame that comes after it.
    pub(super) fn cut(&mut self, id: StreamId, now: Timestamp) -> bool {
        match self.0.get_mut(&id).filter(|call| call.is_out) {
            Some(call) => {
                call.at = None;
                false
            }
            None => self.make(id, now),
        }
    }

    /// A frame came although the stream is cut: is its hook to be called again?
    pub(super) fn goes_on(&mut self, id: StreamId, now: Timestamp) -> bool {
        let is_enough = self.0.get(&id).is_some_and(|call| call.is_enough(now));
        !is_enough && self.make(id, now)
    }

    /// The call has ended, whatever came of it.
    pub(super) fn ended(&mut self, id: StreamId) {
        if let Some(call) = self.0.get_mut(&id) {
            call.is_out = false;
        }
    }

    fn make(&mut self, id: StreamId, now: Timestamp) -> bool {
        self.0.retain(|_, call| call.is_enough(now));
        self.0.insert(id, Call { at: Some(now), is_out: true });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn id(n: u8) -> StreamId {
        StreamId::new(at(0), &[n; 10])
    }

    #[test]
    fn who_goes_on_is_called_out_again_after_a_while_and_not_before() {
        let mut called = Called::default();
        assert!(called.cut(id(1), at(0)));
        called.ended(id(1));
        assert!(!called.goes_on(id(1), at(29)));
        assert!(called.goes_on(id(1), at(30)));
        called.ended(id(1));
        assert!(!called.goes_on(id(1), at(59)) && called.goes_on(id(1), at(60)));
        called.ended(id(1));
        // Another cut does not wait, and counts.
        assert!(called.cut(id(1), at(61)));
        called.ended(id(1));
        assert!(!called.goes_on(id(1), at(90)) && called.goes_on(id(1), at(91)));
    }

    #[test]
    fn of_what_was_cut_elsewhere_the_first_frame_is_one_too_many() {
        assert!(Called::default().goes_on(id(1), at(0)));
    }

    #[test]
    fn one_stream_has_one_call_at_a_time() {
        let mut called = Called::default();
        assert!(called.cut(id(1), at(0)) && called.cut(id(2), at(0)));
        assert!(!called.goes_on(id(1), at(100)), "it is out still");
        // It may have ended whoever was there before that.
        assert!(!called.cut(id(1), at(101)));
        called.ended(id(1));
        assert!(called.goes_on(id(1), at(102)));
    }

    #[test]
    fn a_clock_that_was_set_back_holds_up_no_call() {
        let mut called = Called::default();
        assert!(called.cut(id(1), at(3600)));
        called.ended(id(1));
        assert!(called.goes_on(id(1), at(0)));
    }

    #[test]
    fn streams_that_were_called_long_ago_are_forgotten() {
        let mut called = Called::default();
        for n in 0..100 {
            assert!(called.cut(id(n), at(i64::from(n))));
            called.ended(id(n));
        }
        assert_eq!(called.0.len(), 30);
    }
}
