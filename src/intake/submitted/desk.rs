//! Takes messages from the inbox, each in a task of its own, so that one that is slow or spoiled holds up no other. One of
//! a tenant that has its share in hand goes on in the slow lane, so that nobody's many hold up another's first.

use super::{
    Line, Refusal, SOURCE_FAILED, SOURCE_MISSING, Submission,
    seats::{Seats, Turn},
    take::{Taken, Taking},
    understand,
};
use crate::{
    Task,
    intake::{accept::Door, source::Fetching},
    ports::{Clock, Inbox, Random, Result, inbox::Letter, publisher::Lane},
};
use jiff::Timestamp;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone)]
pub struct Options {
    /// Messages worked on at a time; of one tenant, and of the slow lane, half of them.
    pub prefetch: usize,
    /// Tries of a message that fails for what does not pass by itself.
    pub attempts: u64,
    /// Tries of a message whose object is not there: its notice may be faster than its store.
    pub missing: u64,
    /// The pause after the first try; it doubles with each one more.
    pub retry: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// How long one message may wait for its turn. Then it goes to the end of its line, for a broker does not wait for ever.
    pub hold: Duration,
    /// How long one message may take from its turn on.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prefetch: 32,
            attempts: 10,
            missing: 5,
            retry: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            hold: Duration::from_secs(600),
            patience: Duration::from_secs(900),
        }
    }
}

pub struct Desk {
    pub inbox: Arc<dyn Inbox>,
    pub fetching: Fetching,
    pub door: Door,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub options: Options,
    /// Told what is taken.
    pub line: Arc<Line>,
}

/// How a message is answered.
enum Answer {
    Ack,
    Again(String),
    Bury(Refusal),
}

/// Where a message stood in line, and since when.
struct Stood {
    lane: Lane,
    at: Option<Timestamp>,
    again: bool,
    gone: CancellationToken,
}

/// How far a message came.
enum Came {
    Taken(Taken),
    /// Its tenants have their share in hand, or its turn did not come: to the end of this line.
    Back(Lane),
    /// The desk was closed before its turn, or the broker has it again.
    Late,
}

/// Shared by the tasks of all messages.
struct Shared {
    taking: Taking,
    seats: Seats,
    line: Arc<Line>,
    options: Options,
}

impl Desk {
    /// What is not answered by the end of the grace comes again.
    pub fn start(self) -> Task {
        Task::start("taking submissions", |stop| self.run(stop))
    }

    async fn run(self, stop: CancellationToken) {
        let Self { inbox, fetching, door, clock, random, options, line } = self;
        let (first, longest) = (options.retry, options.longest);
        let taking = Taking { fetching, door, clock, random };
        let seats = Seats::new(options.prefetch);
        let shared = Arc::new(Shared { taking, seats, line, options });
        let (mut tasks, mut pause) = (JoinSet::new(), first);
        loop {
            while tasks.try_join_next().is_some() {}
            // Whoever has no seat yet is no more than the inbox lets out.
            let received = tokio::select! {
                () = stop.cancelled() => break,
                received = inbox.receive() => received,
            };
            match received {
                Ok(letter) => {
                    pause = first;
                    tasks.spawn(Arc::clone(&shared).answer(letter));
                }
                Err(error) => {
                    tracing::error!(%error, "the inbox gave no message");
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(pause) => {}
                    }
                    pause = (pause * 2).min(longest);
                }
            }
        }
        shared.seats.close();
        while tasks.join_next().await.is_some() {}
    }
}

impl Shared {
    async fn answer(self: Arc<Self>, letter: Letter) {
        let Letter { body, content_type, user, at, redelivered, failures, lane, gone, receipt } = letter;
        let stood = Stood { lane, at, again: redelivered > 0, gone };
        let read = {
            let shared = Arc::clone(&self);
            // In a task of its own, so that a panic is that message's trouble.
            tokio::spawn(
                async move { shared.read(&body, content_type.as_deref(), user.as_deref(), stood).await },
            )
        };
        let taken = match read.await {
            Ok(Came::Taken(taken)) => taken,
            Ok(Came::Back(line)) => {
                self.taking.door.metrics.submission("moved");
                return told(receipt.stand_in(line).await);
            }
            Ok(Came::Late) => return,
            Err(panic) => Taken::Failed(format!("working on the message broke off: {panic}")),
        };
        // What only waited is as good as new.
        let failed = matches!(taken, Taken::Missing(_) | Taken::Failed(_));
        let failures = failures.saturating_add(failed.into());
        let answer = match taken {
            Taken::Done => Answer::Ack,
            Taken::Refused(refusal) => Answer::Bury(refusal),
            Taken::Missing(detail) if failures >= self.options.missing => {
                Answer::Bury(Refusal::new(SOURCE_MISSING, detail))
            }
            Taken::Failed(detail) if failures >= self.options.attempts => {
                Answer::Bury(Refusal::new(SOURCE_FAILED, detail))
            }
            Taken::Missing(detail) | Taken::Failed(detail) | Taken::Wait(detail) => Answer::Again(detail),
        };
        told(match answer {
            Answer::Ack => {
                self.taking.door.metrics.submission("done");
                receipt.ack().await
            }
            Answer::Again(error) => {
                self.taking.door.metrics.submission("delayed");
                tracing::warn!(error, submission.failures = failures, "a submission waits");
                receipt.nack(self.pause(redelivered), failures).await
            }
            Answer::Bury(Refusal { code, detail }) => {
                self.taking.door.metrics.submission("buried");
                tracing::warn!(code, detail, "a submission is refused; see `lazaret dead list`");
                receipt.bury(code, &detail).await
            }
        });
    }

    /// To its end, once it is its turn. Whose it is is known before anything is fetched.
    async fn read(
        &self,
        body: &[u8],
        content_type: Option<&str>,
        user: Option<&str>,
        Stood { lane, at, again, gone }: Stood,
    ) -> Came {
        let submissions = match understand(body, content_type) {
            Ok(submissions) => submissions,
            Err(refusal) => return Came::Taken(Taken::Refused(refusal)),
        };
        let now = self.taking.clock.now();
        let at =
            at.or_else(|| submissions.iter().filter_map(|submission| submission.at).min()).unwrap_or(now);
        // Another machine's clock may be ahead of this one's.
        let _in_hand = self.line.take(lane, at.min(now), again);
        let tenants = submissions.iter().filter_map(|submission| self.taking.tenant(submission, user));
        let tenants = tenants.cloned().collect();
        let turn = tokio::time::timeout(self.options.hold, self.seats.take(&tenants, lane));
        let turn = tokio::select! {
            // Or with each new connection as many more would wait.
            () = gone.cancelled() => return Came::Late,
            turn = turn => turn,
        };
        let _seat = match turn {
            Ok(Turn::Now(seat)) => seat,
            Ok(Turn::Above) => return Came::Back(Lane::Bulk),
            Ok(Turn::Closed) => return Came::Late,
            Err(_) => return Came::Back(lane),
        };
        let taken = tokio::time::timeout(self.options.patience, self.take(submissions, user)).await;
        Came::Taken(taken.unwrap_or_else(|_| Taken::Wait("the message took too long".to_owned())))
    }

    /// All that one message submits. What has to wait goes over what is refused: the message comes again, and what was
    /// accepted of it is known by then.
    async fn take(&self, submissions: Vec<Submission>, user: Option<&str>) -> Taken {
        let mut all = Taken::Done;
        for submission in submissions {
            all = all.and(self.taking.take(submission, user).await);
        }
        all
    }

    fn pause(&self, redelivered: u64) -> Duration {
        let doublings = u32::try_from(redelivered).unwrap_or(u32::MAX).min(16);
        self.options.retry.saturating_mul(1 << doublings).min(self.options.longest)
    }
}

fn told(answered: Result<()>) {
    if let Err(error) = answered {
        tracing::error!(%error, "a message could not be answered; it will come again");
    }
}
