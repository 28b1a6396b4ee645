//! Rulings whose time has come, carried out. An approval is examined afresh and goes the way of every publish verdict:
//! copies made in the child, checked, written; the one difference is the [`Leave`] in the place of the proof.

use super::{
    Examination, Work, digest,
    examine::Subject,
    publish::{Publisher, Withheld},
};
use crate::{
    Task,
    ports::{
        Kind, PortError, Reviews,
        accounts::Deed,
        blobs::Zone,
        reviews::{CarriedOut, Ruling},
        store::{Stale, Upload},
    },
    upload::{Check, Decision, State, rendition::Rendition, ruling::Leave},
};
use lazaret_report::Unavailable;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Carries rulings out, one at a time: they are few. Beside them goes what no file is examined for, so that a takedown does
/// not wait until films are examined and encoded anew.
pub struct CarryOut {
    pub work: Arc<Work>,
    pub reviews: Arc<dyn Reviews>,
    /// How often it is looked for rulings that are due.
    pub poll: Duration,
    /// Of a ruling's lease, which is renewed for as long as the work on it takes; it ends where its process died.
    pub term: Duration,
}

/// Why a ruling was not carried out.
#[derive(Debug, thiserror::Error)]
enum Undone {
    /// It never will be: back to people, with the reason.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Waits(#[from] Unavailable),
    #[error(transparent)]
    Port(#[from] PortError),
}

/// What a task asks for.
#[derive(Debug, Clone, Copy)]
enum Which {
    Unexamined,
    All,
}

/// Attempts that end in the store's or the disk's trouble.
const ATTEMPTS: u64 = 8;

impl CarryOut {
    pub fn start(self) -> [Task; 2] {
        let this = Arc::new(self);
        [("carrying out takedowns", Which::Unexamined), ("carrying out rulings", Which::All)].map(
            |(what, which)| {
                let this = Arc::clone(&this);
                Task::start(what, move |stop| async move { this.run(which, stop).await })
            },
        )
    }

    async fn run(&self, which: Which, stop: CancellationToken) {
        loop {
            // What was begun is brought to its end.
            let done = self.one(which).await;
            if let Err(error) = &done {
                tracing::error!(%error, "rulings cannot be carried out just now");
            }
            if stop.is_cancelled() {
                return;
            }
            if !matches!(done, Ok(true)) {
                let _ = stop.run_until_cancelled(tokio::time::sleep(self.poll)).await;
            }
        }
    }

    /// True where there was one.
    async fn one(&self, which: Which) -> Result<bool, PortError> {
        let now = self.work.clock.now();
        let until = now + self.term;
        let due = match which {
            Which::Unexamined => self.reviews.due_unexamined(now, until).await?,
            Which::All => self.reviews.due_ruling(now, until).await?,
        };
        let Some(ruling) = due else { return Ok(false) };
        let done = match self.kept(&ruling, self.carry(&ruling)).await {
            Ok(done) => done,
            Err(Undone::Refused(why)) => CarriedOut::Failed(why),
            Err(Undone::Waits(trouble)) => return self.later(&ruling, &trouble.to_string()).await,
            Err(Undone::Port(error)) if error.kind != Kind::Fail || ruling.fence < ATTEMPTS => {
                return self.later(&ruling, &error.to_string()).await;
            }
            Err(Undone::Port(error)) => CarriedOut::Failed(error.to_string()),
        };
        self.commit(&ruling, done).await?;
        Ok(true)
    }

    /// Renews the ruling's lease for as long as the work on it takes.
    async fn kept<T>(&self, ruling: &Ruling, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(self.term / 3) => {
                    let until = self.work.clock.now() + self.term;
                    // Who lost it learns that when it commits.
                    if let Err(error) = self.reviews.put_off(ruling, until).await {
                        tracing::warn!(upload.id = %ruling.upload, %error, "a ruling's lease was not renewed");
                    }
                }
            }
        }
    }

    async fn later(&self, ruling: &Ruling, why: &str) -> Result<bool, PortError> {
        tracing::warn!(upload.id = %ruling.upload, ruling.number, why, "a ruling waits");
        self.reviews.put_off(ruling, self.work.clock.now() + self.work.retry).await?;
        Ok(true)
    }

    async fn commit(&self, ruling: &Ruling, done: CarriedOut) -> Result<(), PortError> {
        let action = match done {
            CarriedOut::Failed(_) => "ruling.failed",
            _ => "ruling.carried_out",
        };
        let deed = Deed { actor: &self.work.name, action, at: self.work.clock.now() };
        let written: &[Rendition] = match &done {
            CarriedOut::Published(renditions) => renditions,
            _ => &[],
        };
        let publisher = self.publisher();
        match self.reviews.carried_out(ruling, &done, deed).await? {
            Ok(keys) => {
                // The row does not name them any more, so nothing reaches them; what stays is the sweeper's.
                for key in keys {
                    if let Err(error) = self.work.blobs.remove(Zone::Published, &key).await {
                        tracing::warn!(%error, key, "an unused copy is left for the sweeper");
                    }
                }
                self.work.settled.notify(ruling.upload);
                tracing::info!(upload.id = %ruling.upload, ruling.number, kind = %ruling.kind, action, "a ruling");
            }
            // Undone, erased, or somebody else's by now.
            Err(Stale) => {
                publisher.retract(written).await;
                let failed = CarriedOut::Failed("the upload is not as it was".into());
                if let Ok(Err(Stale)) = self.reviews.carried_out(ruling, &failed, deed).await {
                    tracing::info!(upload.id = %ruling.upload, ruling.number, "a ruling was taken over");
                }
            }
        }
        Ok(())
    }

    async fn carry(&self, ruling: &Ruling) -> Result<CarriedOut, Undone> {
        let Some(decision) = ruling.kind.decision() else { return Ok(CarriedOut::Stays) };
        let state = self.upload(ruling).await?.state;
        match (decision, state) {
            (Decision::Publish, State::Published) | (Decision::Quarantine, State::Quarantined) => {
                Ok(CarriedOut::Stays)
            }
            (Decision::Publish, _) => Ok(CarriedOut::Published(self.publish(ruling).await?)),
            (Decision::Quarantine, _) => Ok(CarriedOut::Quarantined),
            (Decision::Review, _) => Err(Undone::Refused("it decides nothing".into())),
        }
    }

    async fn publish(&self, ruling: &Ruling) -> Result<Vec<Rendition>, Undone> {
        let upload = self.upload(ruling).await?;
        let refused = |why: &str| Undone::Refused(why.to_owned());
        let file = self.work.blobs.open(Zone::Held, &upload.id.to_string()).await?;
        let file = file.ok_or_else(|| refused("its bytes are not in the held zone"))?;
        let (sha256, size) = digest(&file).await.map_err(PortError::from)?;
        if (&sha256, size) != (&upload.sha256, upload.size) {
            return Err(refused("its bytes are not those that were accepted"));
        }
        let subject = Subject {
            file: &file,
            size,
            sha256: &sha256,
            declared: upload.declared.as_deref(),
            filename: upload.filename.as_deref(),
            // A person has judged.
            judge: None,
        };
        let Examination { examined, picture, film, .. } = self.work.examiner.examine(&subject).await?;
        // Law 2: what is known of these bytes today, not what was known when somebody looked.
        let leave = Leave::over_examined(&examined, &ruling.overrides)
            .map_err(|forbidden| Undone::Refused(forbidden.to_string()))?;
        let media_type = examined.media_type;
        let fence = key_fence(ruling);
        let made = match (picture, film) {
            (Some((session, _)), _) => self.publisher().remade(upload.id, fence, Check::Image, session).await,
            (None, Some(session)) => self.publisher().remade(upload.id, fence, Check::Video, session).await,
            (None, None) if media_type.starts_with("image/") || media_type.starts_with("video/") => {
                return Err(refused("it is published as a copy, and none could be made of it"));
            }
            (None, None) => {
                self.publisher().approved(&leave, upload.id, fence, &media_type, &sha256, size, file).await
            }
        };
        match made {
            Ok(renditions) => Ok(renditions),
            Err(Withheld::Spoiled { reason, .. }) => Err(refused(reason)),
            Err(Withheld::Unavailable(trouble)) => Err(trouble.into()),
            Err(Withheld::Port(error)) => Err(error.into()),
        }
    }

    async fn upload(&self, ruling: &Ruling) -> Result<Upload, Undone> {
        let gone = || Undone::Refused("the upload is not there any more".into());
        let item = self.reviews.item(ruling.upload).await?.ok_or_else(gone)?;
        self.work.store.upload(&item.tenant, ruling.upload).await?.ok_or_else(gone)
    }

    fn publisher(&self) -> Publisher {
        Publisher {
            engines: self.work.examiner.engines().clone(),
            blobs: Arc::clone(&self.work.blobs),
            recipe: self.work.recipe.clone(),
            // Nobody waits for it with a page open.
            progress: watch::channel(String::new()).0,
        }
    }
}

/// Of the copies' keys: no two attempts write to the same, and no scan ever counts so far.
fn key_fence(ruling: &Ruling) -> u64 {
    1 << 40 | u64::from(ruling.number) << 16 | (ruling.fence & 0xffff)
}
