//! Which parts of this process are fit for work.

use crate::{
    http::{Component, Readiness, api::WORKER},
    pipeline::Engines,
    ports::{Blobs, Store},
};
use async_trait::async_trait;
use std::sync::Arc;

pub(super) struct Parts {
    pub(super) store: Arc<dyn Store>,
    pub(super) blobs: Arc<dyn Blobs>,
    pub(super) engines: Engines,
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
        let troubles = self.engines.troubles().await;
        let worker = troubles.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        parts.push(component(WORKER, Some(worker).filter(|why| !why.is_empty())));
        parts
    }
}
