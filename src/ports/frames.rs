//! Frames of live streams on their way through a broker. They are perishable: what nobody takes in time is gone.

use super::Result;
use crate::upload::StreamId;
use async_trait::async_trait;
use bytes::Bytes;

#[async_trait]
pub trait Frames: Send + Sync + 'static {
    /// Begins to take a stream's frames, from now on.
    async fn feed(&self, stream: StreamId) -> Result<Box<dyn Feed>>;
    /// No frames of the stream are taken any more, by anybody. Not an error where none were.
    async fn close(&self, stream: StreamId) -> Result<()>;
}

/// The frames of one stream, until it is dropped.
#[async_trait]
pub trait Feed: Send {
    /// The next one, waiting for it. After an error there is none: begin again.
    async fn next(&mut self) -> Result<Parcel>;
}

/// A frame as the broker gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    pub body: Bytes,
    /// The stream's key, as its sender presents it.
    pub key: Option<String>,
    /// Nobody took it in time: it is here to be counted, at some later time. Of what was dropped some never comes.
    pub is_dropped: bool,
}
