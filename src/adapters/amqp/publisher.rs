//! The outbox's way out.

use super::{
    send::{Parcel, Sender},
    topology::{EVENTS, WORK_EXCHANGE, lane_key},
    trouble::short,
};
use crate::ports::{
    Clock, Publisher, Result,
    clock::SystemClock,
    publisher::{Message, Route},
};
use async_trait::async_trait;
use lapin::BasicProperties;
use std::sync::Arc;

pub(super) const PERSISTENT: u8 = 2;

pub struct Outgoing {
    sender: Arc<Sender>,
    name: String,
}

impl Outgoing {
    pub(super) fn new(sender: Arc<Sender>, name: String) -> Self {
        Self { sender, name }
    }

    fn parcel<'a>(&self, message: &'a Message) -> Result<Parcel<'a>> {
        let (exchange, key) = match &message.route {
            Route::Work(lane) => (WORK_EXCHANGE, lane_key(*lane)),
            Route::Event(key) => (EVENTS, key.as_str()),
        };
        short("the routing key", key)?;
        short("the message's id", &message.id)?;
        let seconds = u64::try_from(SystemClock.now().as_second()).unwrap_or(0);
        let properties = BasicProperties::default()
            .with_message_id(message.id.as_str().into())
            .with_content_type(message.content_type.into())
            .with_app_id(self.name.as_str().into())
            .with_timestamp(seconds)
            .with_delivery_mode(PERSISTENT);
        Ok(Parcel { exchange, key, body: &message.body, properties, must_arrive: message.must_arrive })
    }
}

#[async_trait]
impl Publisher for Outgoing {
    async fn publish(&self, messages: &[Message]) -> Vec<Result<()>> {
        let mut parcels = Vec::with_capacity(messages.len());
        let fit: Vec<_> =
            messages.iter().map(|message| self.parcel(message).map(|parcel| parcels.push(parcel))).collect();
        let mut sent = self.sender.send(&parcels).await.into_iter();
        // `sent` has one for each that fits.
        fit.into_iter().map(|fit| fit.and_then(|()| sent.next().unwrap_or(Ok(())))).collect()
    }
}
