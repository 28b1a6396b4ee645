//! Queues consumed for as long as somebody may want their messages, over every loss of the connection.

use super::{
    link::Link,
    message::Message,
    send::Sender,
    trouble::{self, asked},
};
use crate::ports::Result;
use async_trait::async_trait;
use futures_util::{
    StreamExt,
    stream::{self, SelectAll},
};
use lapin::{
    Channel, Consumer,
    options::{BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A consumer that lived this long was sound; the next loss begins with the shortest pause.
const SOUND: Duration = Duration::from_secs(10);
/// While one message may lie untaken, it is looked for such messages so often.
const LOOKS: u32 = 8;

#[async_trait]
pub(super) trait Arrivals: Send + Sync + 'static {
    async fn arrived(&self, message: Message);
    /// What came and was not taken is the broker's again.
    fn lost(&self);
    /// What came before then and nobody takes, to be given back. None where whatever comes is taken at once.
    fn untaken(&self, _before: Instant) -> Vec<Message> {
        Vec::new()
    }
}

pub(super) struct Feed {
    pub link: Arc<Link>,
    pub sender: Arc<Sender>,
    pub queues: &'static [&'static str],
    /// Of each queue; bounds what is unanswered.
    pub prefetch: u16,
    /// For which a message may lie here untaken.
    pub hold: Duration,
}

/// Begins with the first receiver, ends when dropped.
#[derive(Default)]
pub(super) struct Pump(OnceLock<JoinHandle<()>>);

impl Pump {
    /// `begin` says what to consume, and who takes it.
    pub fn runs<A: Arrivals>(&self, begin: impl FnOnce() -> (Feed, Arc<A>)) {
        self.0.get_or_init(|| {
            let (feed, arrivals) = begin();
            tokio::spawn(async move { feed.run(&*arrivals).await })
        });
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        if let Some(task) = self.0.get() {
            task.abort();
        }
    }
}

type Deliveries = stream::BoxStream<'static, Option<(&'static str, lapin::Result<lapin::message::Delivery>)>>;

impl Feed {
    async fn run(&self, arrivals: &impl Arrivals) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let began = Instant::now();
            match self.open().await {
                Ok((channel, deliveries)) => {
                    self.pass(deliveries, arrivals).await;
                    arrivals.lost();
                    drop(channel);
                    // The queue itself may be what went away.
                    self.link.doubt().await;
                }
                // The link says it.
                Err(error) => debug!(%error, "not consuming"),
            }
            if began.elapsed() > SOUND {
                pause = SHORTEST_PAUSE;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn open(&self) -> Result<(Channel, SelectAll<Deliveries>)> {
        let channel = self.link.channel().await?;
        asked("setting the prefetch", channel.basic_qos(self.prefetch, BasicQosOptions::default())).await?;
        let mut deliveries = SelectAll::new();
        for queue in self.queues {
            let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
            let consumer: Consumer =
                asked("consuming", channel.basic_consume((*queue).into(), "".into(), options, none)).await?;
            // The end of one is the end of all: the other queue alone would go on, and this one stand still.
            let ended = stream::once(async { None });
            deliveries.push(consumer.map(move |next| Some((*queue, next))).chain(ended).boxed());
        }
        Ok((channel, deliveries))
    }

    /// Until the channel ends.
    async fn pass(&self, mut deliveries: SelectAll<Deliveries>, arrivals: &impl Arrivals) {
        let gone = CancellationToken::new();
        let _ended = gone.clone().drop_guard();
        let mut looks = tokio::time::interval((self.hold / LOOKS).max(SHORTEST_PAUSE));
        loop {
            let next = tokio::select! {
                next = deliveries.next() => next,
                now = looks.tick() => {
                    if let Some(before) = now.checked_sub(self.hold) {
                        give_back(arrivals.untaken(before));
                    }
                    continue;
                }
            };
            match next {
                Some(Some((queue, Ok(delivery)))) => {
                    let message = Message::new(delivery, queue, Arc::clone(&self.sender), gone.clone());
                    if message.still().is_zero() {
                        arrivals.arrived(message).await;
                    } else if let Err(error) = message.wait_on().await {
                        debug!(queue, %error, "a delayed message goes back");
                    }
                }
                Some(Some((queue, Err(error)))) => {
                    let said = trouble::said(&error).map(|(code, text)| format!("{code} {text}"));
                    warn!(
                        queue,
                        error = said.unwrap_or_else(|| error.to_string()),
                        "the broker ended a consumer"
                    );
                    return;
                }
                Some(None) | None => return,
            }
        }
    }
}

/// All at once, so that they share their confirms. Given back by dropping them each would have one delivery less.
fn give_back(messages: Vec<Message>) {
    for message in messages {
        tokio::spawn(async move {
            let queue = message.queue;
            if let Err(error) = message.stand_in(queue).await {
                debug!(queue, %error, "a message that nobody took goes back by itself");
            }
        });
    }
}
