//! One submission to its end: fetched, held and accepted, as an upload over HTTP is.

use super::{Refusal, SOURCE_EMPTY, SOURCE_FORBIDDEN, SOURCE_MISMATCH, SOURCE_TOO_LARGE, Submission};
use crate::{
    intake::{
        accept::{self, Door, Refused},
        source::{FetchError, Fetching},
    },
    ports::{Clock, Kind, PortError, Random, store::NewUpload},
    upload::{TenantId, UploadId, filename},
};
use std::sync::Arc;

pub(super) struct Taking {
    pub(super) fetching: Fetching,
    pub(super) door: Door,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

/// What became of a submission. In the order of what counts for a message that has several.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Accepted, now or before.
    Done,
    /// It never will be.
    Refused(Refusal),
    /// The object is not there, yet.
    Missing(String),
    /// It may be this submission's own fault.
    Failed(String),
    /// Trouble of the store or of S3, which passes.
    Wait(String),
}

impl Taken {
    pub(super) fn and(self, other: Self) -> Self {
        let weight = |taken: &Self| match taken {
            Self::Done => 0,
            Self::Refused(_) => 1,
            Self::Missing(_) => 2,
            Self::Failed(_) => 3,
            Self::Wait(_) => 4,
        };
        if weight(&other) > weight(&self) { other } else { self }
    }
}

impl Taking {
    pub(super) async fn take(&self, submission: Submission, user: Option<&str>) -> Taken {
        self.accept(submission, user).await.unwrap_or_else(|why| why)
    }

    async fn accept(&self, submission: Submission, user: Option<&str>) -> Result<Taken, Taken> {
        let object = &submission.object;
        let Some(tenant) = self.tenant(&submission, user).cloned() else {
            let place = format!("s3://{}/{}", object.bucket, object.key);
            let sender =
                user.map_or("a sender without user_id".to_owned(), |user| format!("the user {user:?}"));
            let detail = format!("{place} from {sender} is nobody's by intake.sources");
            return Err(Taken::Refused(Refusal::new(SOURCE_FORBIDDEN, detail)));
        };
        if self.is_known(&tenant, &submission).await.map_err(wait)? {
            return Ok(Taken::Done);
        }
        let (size, sha256) = (submission.size, submission.sha256.as_deref());
        let spooled = self.fetching.fetch(&tenant, object, size, sha256).await.map_err(not_fetched)?;
        if spooled.size == 0 {
            return Err(Taken::Refused(Refusal::new(SOURCE_EMPTY, "the object holds no bytes")));
        }
        let (at, mut random) = (self.clock.now(), [0; 10]);
        self.random.fill(&mut random).map_err(wait)?;
        let new = NewUpload {
            id: UploadId::new(at, &random),
            actor: user.map_or("queue".to_owned(), |user| format!("queue:{user}")),
            tenant,
            filename: submission.filename.map(|name| filename::kept(&name).to_owned()),
            declared: submission.media_type,
            size: spooled.size,
            sha256: crate::hex(&spooled.hashes.sha256),
            idempotency_key: Some(submission.key),
            external_id: submission.external_id,
            uploader: submission.uploader,
            at,
        };
        match accept::accept(self.door.clone(), new, spooled).await {
            Ok(_) => Ok(Taken::Done),
            Err(Refused::Failed(error)) => Err(wait(error)),
            // Known by now: another message with this id was faster, as it might have been before this one was fetched.
            Err(Refused::Conflict(upload)) => {
                tracing::warn!(upload.id = %upload, "an id was submitted again for other bytes; the first ones count");
                Ok(Taken::Done)
            }
        }
    }

    /// Whose it is, by `intake.sources`.
    pub(super) fn tenant(&self, submission: &Submission, user: Option<&str>) -> Option<&TenantId> {
        let object = &submission.object;
        self.fetching.rules.tenant_of(&object.bucket, &object.key, user)
    }

    async fn is_known(&self, tenant: &TenantId, submission: &Submission) -> Result<bool, PortError> {
        let store = &self.door.store;
        if let Some(id) = &submission.external_id
            && store.by_external_id(tenant, id).await?.is_some()
        {
            return Ok(true);
        }
        Ok(store.by_idempotency_key(tenant, &submission.key).await?.is_some())
    }
}

fn wait(error: PortError) -> Taken {
    Taken::Wait(error.to_string())
}

fn not_fetched(error: FetchError) -> Taken {
    let refused = |code, detail| Taken::Refused(Refusal::new(code, detail));
    let detail = error.to_string();
    match error {
        FetchError::Forbidden => refused(SOURCE_FORBIDDEN, detail),
        FetchError::TooLarge { .. } => refused(SOURCE_TOO_LARGE, detail),
        FetchError::Mismatch(_) => refused(SOURCE_MISMATCH, detail),
        FetchError::Missing => Taken::Missing(detail),
        // A name that the store does not take, a key without the right to it.
        FetchError::Port(error) if error.kind == Kind::Fail => Taken::Failed(detail),
        FetchError::Port(_) => Taken::Wait(detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_message_with_several_what_has_to_wait_counts_most() {
        let refused = || Taken::Refused(Refusal::new(SOURCE_EMPTY, ""));
        let wait = || Taken::Wait(String::new());
        assert_eq!(Taken::Done.and(refused()), refused());
        assert_eq!(refused().and(wait()).and(Taken::Missing(String::new())), wait());
        assert_eq!(refused().and(Taken::Done), refused());
    }
}
