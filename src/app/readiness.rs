//! Which parts of this process are fit for work.

use crate::{
    adapters::amqp::Amqp,
    http::{
        Component, Readiness,
        api::{BROKER, STREAMS, WORKER},
    },
    pipeline::Engines,
    ports::{Blobs, Store},
    streams::Eyes,
};
use async_trait::async_trait;
use lazaret_report::Unavailable;
use std::sync::Arc;

pub(super) struct Parts {
    pub(super) store: Arc<dyn Store>,
    pub(super) blobs: Arc<dyn Blobs>,
    pub(super) broker: Option<Arc<Amqp>>,
    /// Of a process that scans.
    pub(super) engines: Option<Engines>,
    /// Of a process that watches streams and does not scan.
    pub(super) eyes: Option<Arc<Eyes>>,
}

#[async_trait]
impl Readiness for Parts {
    async fn report(&self) -> Vec<Component> {
        let component =
            |name: &str, why: Option<String>| Component { name: name.into(), ready: why.is_none(), why };
        let mut parts = vec![
            component("store", self.store.ping().await.err().map(|e| e.to_string())),
            component("blobs", self.blobs.free_bytes().await.err().map(|e| e.to_string())),
        ];
        if let Some(broker) = &self.broker {
            parts.push(component(BROKER, broker.health().await.err()));
        }
        let joined = |troubles: Vec<Unavailable>| {
            let all = troubles.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            Some(all).filter(|why| !why.is_empty())
        };
        if let Some(engines) = &self.engines {
            parts.push(component(WORKER, joined(engines.troubles().await)));
        }
        if let Some(eyes) = &self.eyes {
            parts.push(component(STREAMS, joined(eyes.troubles().await)));
        }
        parts
    }
}
