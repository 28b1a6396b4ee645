//! Frames on the live wall, as what they are to who looks at them: each stream is a view, which goes on for as long as its
//! frames are asked for.

use super::desk::{Desk, Result};
use crate::{
    access::Person,
    ports::care::{Level, Subject},
    upload::{Standing, StreamId},
};
use jiff::Timestamp;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Views of which it is known when they were written last. Beyond these each frame is written.
const KNOWN: usize = 4_096;

type Views = HashMap<(String, StreamId), (Timestamp, Level)>;

/// When each view was written last, and how hard it was: frames come every second, and the store hears of them less often.
#[derive(Clone, Default)]
pub struct Watching(Arc<Mutex<Views>>);

enum Said {
    Lately,
    Begin,
    /// It has become harder to look at than when the view began.
    Harder,
}

impl Watching {
    fn say(&self, who: &str, stream: StreamId, level: Level, now: Timestamp, every: Duration) -> Said {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN {
            known.retain(|_, (at, _)| *at + every > now);
        }
        let key = (who.to_owned(), stream);
        let said = match known.get(&key) {
            Some((_, before)) if level > *before => Said::Harder,
            Some((at, _)) if *at <= now && *at + every > now => return Said::Lately,
            _ => Said::Begin,
        };
        // What is milder by now is still the view that it was, for as long as it goes on.
        let level = known.get(&key).map_or(level, |(_, before)| level.max(*before));
        if known.len() < KNOWN || known.contains_key(&key) {
            known.insert(key, (now, level));
        }
        said
    }
}

impl Desk {
    /// A frame is shown to this person, who is not due a rest; it counts.
    pub async fn watches(&self, person: &Person, stream: StreamId, standing: Standing) -> Result<()> {
        self.rested(&person.user).await?;
        let level = match standing {
            Standing::Cut => Level::High,
            Standing::Warn => Level::Medium,
            Standing::Pass => Level::Low,
        };
        let (who, subject, now) = (&person.user.id, Subject::Stream(stream), self.clock.now());
        match self.watching.say(who, stream, level, now, self.lease / 3) {
            Said::Lately => return Ok(()),
            Said::Harder => self.care.looked(who, subject, now).await?,
            Said::Begin => {}
        }
        self.care.looks(who, subject, level, now, self.gap()).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_written_now_and_then_and_when_it_becomes_harder() {
        let (watching, every) = (Watching::default(), Duration::from_secs(10));
        let stream = StreamId::new(Timestamp::UNIX_EPOCH, &[7; 10]);
        let say = |who: &str, level, second| {
            let now = Timestamp::from_second(second).unwrap();
            match watching.say(who, stream, level, now, every) {
                Said::Lately => "lately",
                Said::Begin => "begin",
                Said::Harder => "harder",
            }
        };
        assert_eq!(say("ann", Level::Low, 0), "begin");
        assert_eq!(say("ann", Level::Low, 9), "lately");
        assert_eq!(say("bob", Level::Low, 9), "begin");
        assert_eq!(say("ann", Level::High, 9), "harder");
        assert_eq!(say("ann", Level::Low, 12), "lately");
        assert_eq!(say("ann", Level::High, 13), "lately", "it is the same view still");
        assert_eq!(say("ann", Level::High, 19), "begin");
        for n in 0..2 * KNOWN as i64 {
            say(&n.to_string(), Level::Low, 20);
        }
        assert!(watching.0.lock().unwrap().len() <= KNOWN);
        assert_eq!(say("new", Level::Low, 20), "begin");
        assert_eq!(say("new", Level::Low, 40), "begin");
        assert!(watching.0.lock().unwrap().len() <= 2, "what is over goes");
    }
}
