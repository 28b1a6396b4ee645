//! Publishing with confirms: all of a batch in flight, then all of its confirms awaited.

use super::{
    link::Link,
    trouble::{self, asked},
};
use crate::ports::{Kind, PortError, Result};
use futures_util::future::{MaybeDone, maybe_done};
use lapin::{
    BasicProperties, Channel, Confirmation, PublisherConfirm,
    message::BasicReturnMessage,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use std::{
    future::poll_fn,
    pin::Pin,
    sync::{self, Arc, PoisonError},
    task::Poll,
    time::Duration,
};
use tokio::{
    sync::{Mutex, oneshot},
    time::timeout,
};

/// For a whole batch. A broker that is short of memory or disk keeps confirms back.
const CONFIRM: Duration = Duration::from_secs(30);

pub(super) struct Parcel<'a> {
    pub exchange: &'a str,
    pub key: &'a str,
    pub body: &'a [u8],
    pub properties: BasicProperties,
    /// An error where no queue takes it.
    pub must_arrive: bool,
}

/// A message that goes from one queue to another, and must arrive.
#[derive(Clone)]
pub(super) struct Moved {
    pub exchange: &'static str,
    pub key: &'static str,
    pub body: Arc<Vec<u8>>,
    pub properties: BasicProperties,
}

impl Moved {
    fn parcel(&self) -> Parcel<'_> {
        let Self { exchange, key, body, properties } = self;
        Parcel { exchange, key, body, properties: properties.clone(), must_arrive: true }
    }
}

pub(super) struct Sender {
    link: Arc<Link>,
    /// One batch at a time: lapin gives a returned message to whichever confirm comes next, so only a channel with no
    /// strangers on it can tell whose it is.
    channel: Mutex<Option<Channel>>,
    /// What wants to move while others have the channel: whoever gets it next takes all of them along.
    moving: sync::Mutex<Vec<(Moved, oneshot::Sender<Result<()>>)>>,
}

impl Sender {
    pub fn new(link: Arc<Link>) -> Self {
        Self { link, channel: Mutex::default(), moving: sync::Mutex::default() }
    }

    /// The account that we publish with.
    pub fn user(&self) -> &str {
        self.link.user()
    }

    /// Publishes all in order, each durable at its queues where it is `Ok`.
    pub async fn send(&self, parcels: &[Parcel<'_>]) -> Vec<Result<()>> {
        if parcels.is_empty() {
            return Vec::new();
        }
        self.send_on(&mut *self.channel.lock().await, parcels).await
    }

    async fn send_on(&self, slot: &mut Option<Channel>, parcels: &[Parcel<'_>]) -> Vec<Result<()>> {
        // Taken out, so that whoever is cancelled half-way leaves no confirms behind on a channel that others use.
        let channel = match self.ready(slot.take()).await {
            Ok(channel) => channel,
            Err(error) => return same(&error, parcels.len()),
        };
        let Ok(answers) = timeout(CONFIRM, all(&channel, parcels)).await else {
            return same(&trouble::silent("it should have confirmed a message"), parcels.len());
        };
        if answers.iter().all(std::result::Result::is_ok) {
            *slot = Some(channel);
        }
        let results = judge(parcels, answers);
        if results.iter().any(|result| matches!(result, Err((_, Doubt::Topology)))) {
            self.link.doubt().await;
            *slot = None;
        }
        results.into_iter().map(|result| result.map_err(|(error, _)| error)).collect()
    }

    /// Many that are moved at the same time share their confirms.
    pub async fn move_one(&self, moved: Moved) -> Result<()> {
        let (told, mut outcome) = oneshot::channel();
        self.moving().push((moved, told));
        let mut slot = self.channel.lock().await;
        if let Ok(outcome) = outcome.try_recv() {
            return outcome;
        }
        let (all, told): (Vec<_>, Vec<_>) = std::mem::take(&mut *self.moving()).into_iter().unzip();
        let parcels: Vec<_> = all.iter().map(Moved::parcel).collect();
        let results = self.send_on(&mut slot, &parcels).await;
        for (told, result) in told.into_iter().zip(results) {
            // Whoever was cancelled does not hear it.
            let _ = told.send(result);
        }
        // Nothing, where another took it along and was cancelled half-way.
        outcome
            .try_recv()
            .unwrap_or_else(|_| Err(PortError::new(Kind::Retry, "a message's confirm was lost")))
    }

    /// Nothing here can panic half-way through a change.
    fn moving(&self) -> sync::MutexGuard<'_, Vec<(Moved, oneshot::Sender<Result<()>>)>> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ready(&self, last: Option<Channel>) -> Result<Channel> {
        if let Some(channel) = last.filter(|channel| channel.status().connected()) {
            return Ok(channel);
        }
        let channel = self.link.channel().await?;
        asked("asking for confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(channel)
    }
}

fn same(error: &PortError, times: usize) -> Vec<Result<()>> {
    (0..times).map(|_| Err(PortError::new(error.kind, error.to_string()))).collect()
}

type Started<F> = Pin<Box<MaybeDone<F>>>;

/// Each is begun before the first is waited for, in order: a publish hands its frames over at its first poll.
async fn all(channel: &Channel, parcels: &[Parcel<'_>]) -> Vec<lapin::Result<Confirmation>> {
    let mut started: Vec<Started<_>> =
        parcels.iter().map(|parcel| Box::pin(maybe_done(begin(channel, parcel)))).collect();
    poll_fn(|cx| {
        for publish in &mut started {
            let _ = publish.as_mut().poll(cx);
        }
        Poll::Ready(())
    })
    .await;
    let mut confirms = Vec::with_capacity(parcels.len());
    for mut publish in started {
        publish.as_mut().await;
        confirms.push(publish.as_mut().take_output());
    }
    let mut answers = Vec::with_capacity(parcels.len());
    for confirm in confirms {
        answers.push(match confirm {
            Some(Ok(confirm)) => confirm.await,
            Some(Err(error)) => Err(error),
            None => Err(lapin::ErrorKind::FutureCompleted.into()),
        });
    }
    answers
}

async fn begin(channel: &Channel, parcel: &Parcel<'_>) -> lapin::Result<PublisherConfirm> {
    let options = BasicPublishOptions { mandatory: parcel.must_arrive, ..BasicPublishOptions::default() };
    let properties = parcel.properties.clone();
    channel.basic_publish(parcel.exchange.into(), parcel.key.into(), options, parcel.body, properties).await
}

/// What an error says about the exchanges and queues.
enum Doubt {
    Nothing,
    Topology,
}

fn judge(
    parcels: &[Parcel<'_>],
    answers: Vec<lapin::Result<Confirmation>>,
) -> Vec<std::result::Result<(), (PortError, Doubt)>> {
    let mut returned = Vec::new();
    let kept: Vec<_> = answers
        .into_iter()
        .map(|answer| {
            answer.map(|confirmation| {
                let kept = confirmation.is_ack();
                returned.extend(confirmation.take_message());
                kept
            })
        })
        .collect();
    let judged = parcels.iter().zip(kept).map(|(parcel, kept)| match kept {
        Ok(true) if returned.iter().any(|message| is(parcel, message)) => Err((
            PortError::new(
                Kind::Retry,
                format!(
                    "no queue takes what is published to {} with the key {}",
                    parcel.exchange, parcel.key
                ),
            ),
            Doubt::Topology,
        )),
        Ok(true) => Ok(()),
        Ok(false) => Err((PortError::new(Kind::Retry, "the broker did not keep a message"), Doubt::Nothing)),
        Err(error) => {
            let gone = matches!(trouble::said(&error), Some((trouble::NOT_FOUND, _)));
            let doubt = if gone { Doubt::Topology } else { Doubt::Nothing };
            Err((trouble::lost("publishing", error), doubt))
        }
    });
    judged.collect()
}

fn is(parcel: &Parcel<'_>, message: &BasicReturnMessage) -> bool {
    message.exchange.as_str() == parcel.exchange
        && message.routing_key.as_str() == parcel.key
        && message.properties.message_id() == parcel.properties.message_id()
}
