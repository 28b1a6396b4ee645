//! The moment an upload becomes ours: its bytes durable first, then its row.

use super::spool::Spooled;
use crate::{
    http::{Api, Problem, codes},
    ports::{
        PortError,
        blobs::Zone,
        store::{Accepted, NewUpload},
    },
    upload::{State, UploadId},
};

pub struct Receipt {
    pub id: UploadId,
    pub state: State,
    /// The Idempotency-Key had been used for the same upload.
    pub replay: bool,
}

/// Runs to its end even where the caller is gone meanwhile: a blob without a row, or a row nobody was woken for, is
/// not left behind by a lost connection.
pub async fn accept(api: Api, new: NewUpload, spooled: Spooled) -> Result<Receipt, Problem> {
    let task = tokio::spawn(async move { commit(&api, &new, &spooled).await });
    task.await.unwrap_or_else(|error| {
        Err(Problem::internal(
            PortError::new(crate::ports::Kind::Fail, "accepting was cut short").because(error),
        ))
    })
}

async fn commit(api: &Api, new: &NewUpload, spooled: &Spooled) -> Result<Receipt, Problem> {
    let held = new.id.to_string();
    api.blobs.put(Zone::Held, &held, &spooled.file).await?;
    match api.store.accept(new).await {
        Ok(Accepted::New) => Ok(ours(api, new)),
        Ok(Accepted::Repeat(first)) => {
            drop_held(api, &held).await;
            Ok(Receipt { id: first.id, state: first.state, replay: true })
        }
        Ok(Accepted::Conflict(_)) => {
            drop_held(api, &held).await;
            let detail = "this key stands for an upload of other bytes or another name; choose a new key";
            Err(Problem::new(codes::IDEMPOTENCY_CONFLICT, detail))
        }
        // The commit may have gone through and only its answer been lost. Bytes are removed where the store says that
        // it did not; where it cannot say, they stay for the sweeper to judge.
        Err(error) => match api.store.upload(&new.tenant, new.id).await {
            Ok(Some(_)) => Ok(ours(api, new)),
            Ok(None) => {
                drop_held(api, &held).await;
                Err(error.into())
            }
            Err(_) => Err(error.into()),
        },
    }
}

fn ours(api: &Api, new: &NewUpload) -> Receipt {
    api.queue.wake();
    api.metrics.accepted(new.size);
    Receipt { id: new.id, state: State::Received, replay: false }
}

/// The sweeper finds what cannot be removed now.
async fn drop_held(api: &Api, key: &str) {
    if let Err(error) = api.blobs.remove(Zone::Held, key).await {
        tracing::warn!(upload.id = key, %error, "bytes that no upload needs stay until the next sweep");
    }
}
