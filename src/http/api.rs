//! What the calls need, handed in by the composition root.

use crate::{
    delivery::{Kept, Signer},
    events::Settled,
    intake::{source::Fetching, submitted::Line},
    ports::{Blobs, Clock, Direct, Queue, Random, Store},
    streams::Front,
    telemetry::Metrics,
};
use async_trait::async_trait;
use serde::Serialize;
use std::{sync::Arc, time::Duration};

/// Copies share everything.
#[derive(Clone)]
pub struct Api {
    pub store: Arc<dyn Store>,
    pub blobs: Arc<dyn Blobs>,
    pub queue: Arc<dyn Queue>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub settled: Settled,
    pub limits: Limits,
    pub signer: Arc<Signer>,
    pub kept: Arc<Kept>,
    pub remote: Remote,
    pub streams: Arc<Front>,
    pub readiness: Arc<dyn Readiness>,
    pub metrics: Arc<Metrics>,
    /// What is submitted through a broker, where this process takes it.
    pub line: Option<Arc<Line>>,
}

/// What is there only where the bytes lie in a bucket.
#[derive(Clone)]
pub struct Remote {
    /// Uploads that senders put into the bucket by themselves.
    pub direct: Option<Arc<dyn Direct>>,
    /// How long the URL of a direct upload is good.
    pub direct_term: Duration,
    /// Uploads by reference.
    pub fetching: Option<Fetching>,
    /// Viewers are sent to the bucket, with a URL that is good for so long; else the bytes go through here.
    pub redirect: Option<Duration>,
}

impl Default for Remote {
    fn default() -> Self {
        Self { direct: None, direct_term: Duration::from_secs(3600), fetching: None, redirect: None }
    }
}

#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest upload, in bytes.
    pub max_upload_bytes: u64,
    /// Bytes of disk that uploads must leave free.
    pub reserve_bytes: u64,
    /// Longest `?wait=`.
    pub max_wait: Duration,
    /// How often a waiting call reads the store by itself, for what other processes settle.
    pub wait_poll: Duration,
    /// An upload whose sender is silent for this long is given up.
    pub body_idle: Duration,
    /// Longest `expires_in` of a signed URL.
    pub max_url_age: Duration,
    /// `expires_in` where none is asked for.
    pub default_url_age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_upload_bytes: 1 << 30,
            reserve_bytes: 256 << 20,
            max_wait: Duration::from_secs(60),
            wait_poll: Duration::from_secs(2),
            body_idle: Duration::from_secs(30),
            max_url_age: Duration::from_secs(7 * 24 * 3600),
            default_url_age: Duration::from_secs(600),
        }
    }
}

/// The name of the part that scans. All other parts are needed to accept uploads too.
pub const WORKER: &str = "worker";
/// The name of the part that judges frames, in a process that does not scan as well.
pub const STREAMS: &str = "streams";
/// The name of the broker. While it is away, what is accepted waits in the store.
pub const BROKER: &str = "broker";

/// Is the process fit for work? Answered by the composition root, which knows the parts.
#[async_trait]
pub trait Readiness: Send + Sync + 'static {
    /// Every part, ready or not.
    async fn report(&self) -> Vec<Component>;
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Component {
    /// `store`, `blobs`, `antivirus`, …
    pub name: String,
    pub ready: bool,
    /// What is wrong and what to do, where it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
