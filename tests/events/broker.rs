//! A broker that confirms what the test lets it confirm, and remembers what reached it.

use async_trait::async_trait;
use lazaret::{
    events::{Relay, relay::Options, webhook::Webhooks},
    ports::{Clock, Kind, PortError, Publisher, Result, publisher::Message},
    telemetry::Metrics,
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::world::World;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Confirmed,
    /// It never got there.
    Lost,
    /// It got there, and nobody learns of it.
    Unconfirmed,
}

/// What reached the broker, and whether it said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    pub message: Message,
    pub confirmed: bool,
}

type Judge = Box<dyn FnMut(&Message) -> Fate + Send>;

pub struct Broker {
    pub arrivals: Mutex<Vec<Arrival>>,
    /// Messages a call.
    pub calls: Mutex<Vec<usize>>,
    judge: Mutex<Judge>,
    /// Of every call.
    pub delay: Mutex<Duration>,
}

impl Broker {
    pub fn new(judge: impl FnMut(&Message) -> Fate + Send + 'static) -> Arc<Self> {
        Arc::new(Self {
            arrivals: Mutex::default(),
            calls: Mutex::default(),
            judge: Mutex::new(Box::new(judge)),
            delay: Mutex::default(),
        })
    }

    pub fn good() -> Arc<Self> {
        Self::new(|_| Fate::Confirmed)
    }

    /// From now on it is like this.
    pub fn becomes(&self, judge: impl FnMut(&Message) -> Fate + Send + 'static) {
        *self.judge.lock().unwrap() = Box::new(judge);
    }

    pub fn messages(&self) -> Vec<Message> {
        self.arrivals.lock().unwrap().iter().map(|arrival| arrival.message.clone()).collect()
    }
}

#[async_trait]
impl Publisher for Broker {
    async fn publish(&self, messages: &[Message]) -> Vec<Result<()>> {
        self.calls.lock().unwrap().push(messages.len());
        let delay = *self.delay.lock().unwrap();
        tokio::time::sleep(delay).await;
        let judged = messages.iter().map(|message| {
            let fate = (self.judge.lock().unwrap())(message);
            if fate != Fate::Lost {
                let confirmed = fate == Fate::Confirmed;
                self.arrivals.lock().unwrap().push(Arrival { message: message.clone(), confirmed });
            }
            match fate {
                Fate::Confirmed => Ok(()),
                _ => Err(PortError::new(Kind::Retry, "not confirmed")),
            }
        });
        judged.collect()
    }
}

pub fn quick(holder: &str) -> Options {
    let moment = Duration::from_millis(5);
    Options { busy: moment, idle: 4 * moment, trouble: 4 * moment, ..Options::new(holder) }
}

pub fn relay(
    world: &World,
    publisher: Option<Arc<dyn Publisher>>,
    clock: Arc<dyn Clock>,
    options: Options,
) -> Relay {
    Relay {
        store: world.store.clone(),
        publisher,
        webhooks: Arc::new(Webhooks::default()),
        clock,
        metrics: Arc::new(Metrics::new()),
        bell: Arc::default(),
        calls: Arc::default(),
        options,
    }
}
