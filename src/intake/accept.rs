//! The moment an upload becomes ours: its bytes durable first, then its row.

use super::spool::Spooled;
use crate::{
    events::Settled,
    http::{Api, Problem, codes},
    ports::{
        Blobs, Kind, PortError, Queue, Store,
        blobs::Zone,
        store::{Accepted, NewUpload},
    },
    telemetry::Metrics,
    upload::{State, UploadId},
};
use std::sync::Arc;

/// What an upload goes through, whichever way it came.
#[derive(Clone)]
pub struct Door {
    pub store: Arc<dyn Store>,
    pub blobs: Arc<dyn Blobs>,
    pub queue: Arc<dyn Queue>,
    pub settled: Settled,
    pub metrics: Arc<Metrics>,
}

pub struct Receipt {
    pub id: UploadId,
    pub state: State,
    /// The Idempotency-Key, or the sender's own id, had been used for the same upload.
    pub replay: bool,
}

/// Why an upload did not become ours.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// That upload has the Idempotency-Key, or the sender's own id, and is another.
    #[error("the key or id stands for the upload {0}, which has other bytes or another name")]
    Conflict(UploadId),
    #[error(transparent)]
    Failed(#[from] PortError),
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Failed(error) => error.into(),
            Refused::Conflict(_) => {
                let detail = "this key or external_id stands for an upload of other bytes or another name; choose a new one";
                Self::new(codes::IDEMPOTENCY_CONFLICT, detail)
            }
        }
    }
}

impl From<&Api> for Door {
    fn from(api: &Api) -> Self {
        Self {
            store: Arc::clone(&api.store),
            blobs: Arc::clone(&api.blobs),
            queue: Arc::clone(&api.queue),
            settled: api.settled.clone(),
            metrics: Arc::clone(&api.metrics),
        }
    }
}

/// Runs to its end even where the caller is gone meanwhile: a blob without a row, or a row nobody was woken for, is
/// not left behind by a lost connection.
pub async fn accept(door: Door, new: NewUpload, spooled: Spooled) -> Result<Receipt, Refused> {
    let task = tokio::spawn(async move { commit(&door, &new, &spooled).await });
    task.await.unwrap_or_else(|error| {
        Err(PortError::new(Kind::Fail, "accepting was cut short").because(error).into())
    })
}

async fn commit(door: &Door, new: &NewUpload, spooled: &Spooled) -> Result<Receipt, Refused> {
    let held = new.id.to_string();
    door.blobs.put(Zone::Held, &held, &spooled.file).await?;
    match door.store.accept(new).await {
        Ok(Accepted::New) => Ok(ours(door, new)),
        Ok(Accepted::Repeat(first)) => {
            drop_held(door, &held).await;
            Ok(Receipt { id: first.id, state: first.state, replay: true })
        }
        Ok(Accepted::Conflict(other)) => {
            drop_held(door, &held).await;
            Err(Refused::Conflict(other))
        }
        // The commit may have gone through and only its answer been lost, or go through yet. Bytes are removed where the
        // store has refused it; else they stay for the sweeper to judge.
        Err(error) => match door.store.upload(&new.tenant, new.id).await {
            Ok(Some(_)) => Ok(ours(door, new)),
            Ok(None) if error.kind != Kind::Retry => {
                drop_held(door, &held).await;
                Err(error.into())
            }
            Ok(None) | Err(_) => Err(error.into()),
        },
    }
}

fn ours(door: &Door, new: &NewUpload) -> Receipt {
    door.queue.wake();
    door.settled.outbox().notify_one();
    door.metrics.accepted(new.size);
    Receipt { id: new.id, state: State::Received, replay: false }
}

/// The sweeper finds what cannot be removed now.
async fn drop_held(door: &Door, key: &str) {
    if let Err(error) = door.blobs.remove(Zone::Held, key).await {
        tracing::warn!(upload.id = key, %error, "bytes that no upload needs stay until the next sweep");
    }
}
