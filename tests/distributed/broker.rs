//! A plain client of the broker, which knows nothing of Lazaret but names.

use crate::wait::until;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{
        BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions, QueueDeclareOptions,
    },
    types::FieldTable,
};
use serde_json::Value;

pub struct Plain {
    pub channel: Channel,
    _connection: Connection,
}

/// A queue of the backend's own, bound to the events.
const EVENTS: &str = "backend.events";

impl Plain {
    pub async fn connect(url: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Self { channel, _connection: connection }
    }

    pub async fn submit(&self, body: &Value) {
        let properties = BasicProperties::default().with_content_type("application/json".into());
        let bytes = body.to_string().into_bytes();
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let publish = self.channel.basic_publish(
            "lazaret".into(),
            "upload.submitted".into(),
            options,
            &bytes,
            properties,
        );
        let confirmed = publish.await.unwrap().await.unwrap();
        assert!(confirmed.is_ack() && confirmed.take_message().is_none(), "some queue has it");
    }

    /// From now on events are kept for [`Plain::event`].
    pub async fn listen(&self) {
        let (options, none) =
            (QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() }, FieldTable::default);
        self.channel.queue_declare(EVENTS.into(), options, none()).await.unwrap();
        let bound = self.channel.queue_bind(
            EVENTS.into(),
            "lazaret".into(),
            "upload.published".into(),
            QueueBindOptions::default(),
            none(),
        );
        bound.await.unwrap();
        let bound = self.channel.queue_bind(
            EVENTS.into(),
            "lazaret".into(),
            "upload.quarantined".into(),
            QueueBindOptions::default(),
            none(),
        );
        bound.await.unwrap();
    }

    /// The next event, with the id of its message.
    pub async fn event(&self) -> (String, Value) {
        until("an event comes", async || {
            let got = self.channel.basic_get(EVENTS.into(), BasicGetOptions { no_ack: true }).await.unwrap();
            let message = got.ok_or("none")?.delivery;
            let id = message.properties.message_id().clone().unwrap().to_string();
            Ok::<_, &str>((id, serde_json::from_slice(&message.data).unwrap()))
        })
        .await
    }
}
