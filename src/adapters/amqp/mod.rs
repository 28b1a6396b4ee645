//! RabbitMQ 3.10 or later as queue, inbox, publisher and keeper of dead letters.
//!
//! What is declared at start, and again after every reconnect. All of it is durable; every queue is a quorum queue that
//! hands its dead letters on at least once, which asks for `overflow: reject-publish`.
//!
//! | exchange | kind | takes |
//! |---|---|---|
//! | `lazaret` | topic | `upload.submitted` from backends; the events, such as `upload.published`, for whoever binds a queue |
//! | `lazaret.work` | direct | `work.main` and `work.bulk`: ids of uploads, from the outbox alone |
//! | `lazaret.dead` | fanout | what could not be worked on |
//! | `lazaret.retry.1s`, `.5s`, `.30s`, `.2m`, `.10m` | fanout | what is to come again later; its routing key is the queue it came from |
//!
//! | queue | bound to | what is in it | its dead letters |
//! |---|---|---|---|
//! | `lazaret.uploads` | `lazaret`, `upload.submitted` | submissions as they came: the inbox | `lazaret.dead`, after `queue.delivery_limit` |
//! | `lazaret.uploads.bulk` | nothing | submissions of tenants that had their share in hand: the inbox's slow lane | `lazaret.dead`, after `queue.delivery_limit` |
//! | `lazaret.work`, `lazaret.work.bulk` | `lazaret.work`, `work.main`, `work.bulk` | ids of uploads as text: the two lanes of the queue | `lazaret.dead`, after `queue.delivery_limit` |
//! | `lazaret.retry.*` | its exchange | messages that wait for their step to pass | back to the queue they came from, when it has passed |
//! | `lazaret.dead` | `lazaret.dead` | dead letters, until somebody redrives them | none |
//!
//! Beside these, for each live stream that is opened with a queue, `stream.frame.<id>` and `stream.frame.<id>.dropped`: see
//! [`FrameQueues`].
//!
//! Headers of our own: `x-lazaret-code`, `x-lazaret-detail` and `x-lazaret-queue` on what was buried, `x-lazaret-retries`
//! on what came again (how often), `x-lazaret-failures` (how many of its tries failed, where others only waited),
//! `x-lazaret-still-ms` on what has to wait for another step, `x-lazaret-user` for whom the broker vouched before we passed a
//! message on. Those that steer are believed only on messages signed by our own account.
//!
//! There are two connections: a broker short of memory or disk stops the one that publishes, and the acknowledgements on
//! the other go on making room. Neither is recovered by lapin itself: whoever needs a channel and finds the connection
//! gone dials anew, [`link`] paces them, and consumers wait meanwhile. What is unconfirmed then is an error, and what is
//! unacknowledged comes again.

mod consume;
mod dead;
mod frames;
mod inbox;
mod lanes;
mod link;
mod message;
mod options;
mod publisher;
mod queue;
mod retry;
mod send;
mod shelf;
mod topology;
mod trouble;

pub use dead::Dead;
pub use frames::{FrameQueues, KEY as STREAM_KEY};
pub use inbox::Submitted;
pub use options::Options;
pub use publisher::Outgoing;
pub use queue::WorkQueue;
pub use topology::INBOX;

use crate::ports::Result;
use link::Link;
use send::Sender;
use std::{fmt, sync::Arc, time::Duration};

/// Who asks for the health of a process does not wait as long as a message may.
const HEALTHY: Duration = Duration::from_secs(5);

pub struct Amqp {
    reading: Arc<Link>,
    writing: Arc<Link>,
    queue: Arc<WorkQueue>,
    inbox: Arc<Submitted>,
    publisher: Arc<Outgoing>,
    dead: Arc<Dead>,
    frames: Arc<FrameQueues>,
}

impl Amqp {
    /// Connects, and declares and checks what is in the tables above. Errors are one line that names the setting: a wrong
    /// URL or password, a missing vhost, nobody there, a queue that exists with other arguments. Nothing is consumed
    /// before somebody receives.
    pub async fn connect(options: Options) -> Result<Arc<Self>> {
        let target = options.target()?;
        let reading = Link::new(target.clone(), format!("{} reads", options.name), options.delivery_limit);
        let writing = Link::new(target, format!("{} writes", options.name), options.delivery_limit);
        reading.channel().await?;
        writing.channel().await?;
        let sender = || Arc::new(Sender::new(Arc::clone(&writing)));
        let answers = sender();
        Ok(Arc::new(Self {
            queue: Arc::new(WorkQueue::new(Arc::clone(&reading), Arc::clone(&answers), &options)),
            inbox: Arc::new(Submitted::new(Arc::clone(&reading), Arc::clone(&answers), &options)),
            publisher: Arc::new(Outgoing::new(sender(), options.name)),
            dead: Arc::new(Dead::new(Arc::clone(&reading), answers)),
            frames: Arc::new(FrameQueues::new(Arc::clone(&reading))),
            reading,
            writing,
        }))
    }

    pub fn queue(&self) -> Arc<WorkQueue> {
        Arc::clone(&self.queue)
    }

    pub fn inbox(&self) -> Arc<Submitted> {
        Arc::clone(&self.inbox)
    }

    pub fn publisher(&self) -> Arc<Outgoing> {
        Arc::clone(&self.publisher)
    }

    pub fn dead_letters(&self) -> Arc<Dead> {
        Arc::clone(&self.dead)
    }

    pub fn frames(&self) -> Arc<FrameQueues> {
        Arc::clone(&self.frames)
    }

    /// Whether the broker answers and takes messages; dials where the connection is gone. The error is for people.
    pub async fn health(&self) -> std::result::Result<(), String> {
        let answered = tokio::time::timeout(HEALTHY, self.answers()).await;
        answered.unwrap_or_else(|_| Err(format!("no answer within {} s", HEALTHY.as_secs())))
    }

    async fn answers(&self) -> std::result::Result<(), String> {
        for link in [&self.reading, &self.writing] {
            link.ping().await.map_err(|error| error.to_string())?;
        }
        if self.writing.blocked().await {
            return Err("the broker takes no messages: it is short of memory or disk".to_owned());
        }
        Ok(())
    }

    /// Messages that wait in each queue, without those that some process has unacknowledged.
    pub async fn depth(&self) -> Result<Vec<(&'static str, u32)>> {
        let channel = self.reading.channel().await?;
        let mut depths = Vec::new();
        for queue in topology::queues() {
            depths.push((queue, topology::ready(&channel, queue).await?));
        }
        Ok(depths)
    }
}

impl fmt::Debug for Amqp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Amqp").field(&self.reading.place()).finish()
    }
}
