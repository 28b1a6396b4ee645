//! Workers: claim, examine, judge, publish, settle.

use super::{
    Examination, Examine, Judge, Policies, Sheet, digest,
    examine::Subject,
    publish::{Publisher, Recipe, Withheld},
    sweep::SHEET,
};
use crate::{
    events::Settled,
    ports::{
        Blobs, Clock, Kind, PortError, Queue, Store,
        blobs::Zone,
        queue::{Delivery, Ticket},
        store::{Lease, Settlement, Stale},
    },
    sabotage::{self, Hole},
    telemetry::metrics::Metrics,
    upload::{Check, CheckResult, Decision, Plan, UploadId, Verdict, film::SheetDetail, verdict::Examined},
};
use jiff::Timestamp;
use lazaret_report::{Coverage, Unavailable};
use std::{
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{io::AsyncWriteExt, sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// Everything that a worker needs. Shared by all workers of the process.
pub struct Work {
    pub store: Arc<dyn Store>,
    pub queue: Arc<dyn Queue>,
    pub blobs: Arc<dyn Blobs>,
    pub clock: Arc<dyn Clock>,
    pub policies: Policies,
    pub examiner: Arc<dyn Examine>,
    pub recipe: Recipe,
    pub settled: Settled,
    pub metrics: Arc<Metrics>,
    /// The worker's name in leases and in the audit log.
    pub name: String,
    pub lease: Duration,
    pub attempts: u32,
    pub retry: Duration,
    /// Work that takes longer is acknowledged to the queue: the lease keeps it from then on.
    pub ack_within: Duration,
}

/// A number of workers, until they are told to stop.
pub struct Workers {
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

/// How often it is noted how much of a copy is made.
const NOTED_EVERY: Duration = Duration::from_secs(1);
/// How often giving an upload back is tried.
const RELEASES: u32 = 10;

/// How a scan that was begun ended without a verdict.
#[derive(Debug, thiserror::Error)]
enum Unfinished {
    /// An engine's trouble: it costs no attempt.
    #[error(transparent)]
    Waits(#[from] Unavailable),
    /// Counts as an attempt.
    #[error(transparent)]
    Failed(#[from] PortError),
    /// Somebody else has the upload now, or it is erased.
    #[error("the lease was lost")]
    Lost,
}

impl Workers {
    pub fn start(work: Arc<Work>, count: usize) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for _ in 0..count.max(1) {
            tasks.spawn(run(Arc::clone(&work), stop.clone()));
        }
        Self { tasks, stop }
    }

    /// Takes no new work, and waits up to `grace` for what is in flight; what is not done by then keeps its lease and is
    /// found again when that runs out.
    pub async fn drain(mut self, grace: Duration) {
        self.stop.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all).await.is_err() {
            tracing::warn!("work in flight did not end in time; it will be taken up again");
        }
    }
}

async fn run(work: Arc<Work>, stop: CancellationToken) {
    loop {
        let received = tokio::select! {
            () = stop.cancelled() => return,
            received = work.queue.receive() => received,
        };
        let delivery = match received {
            Ok(delivery) => delivery,
            Err(error) => {
                tracing::error!(%error, "the queue gave no work");
                pause(&stop, work.retry).await;
                continue;
            }
        };
        if let Err(error) = work.serve(delivery).await {
            tracing::error!(%error, "a message could not be answered; it will come again");
        }
    }
}

async fn pause(stop: &CancellationToken, term: Duration) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(term) => {}
    }
}

impl Work {
    /// One message, answered when what it asks for is durable. As long as the upload is not settled, some message of it is
    /// left, or its lease is.
    async fn serve(self: &Arc<Self>, delivery: Delivery) -> Result<(), PortError> {
        let Delivery { upload: id, ticket } = delivery;
        if sabotage::opens(Hole::Ack) {
            ticket.ack().await?;
            if let Some(lease) = self.store.claim(id, &self.name, self.clock.now(), self.lease).await? {
                Arc::clone(self).take(lease, &AtomicBool::new(false)).await;
            }
            return Ok(());
        }
        let lease = match self.store.claim(id, &self.name, self.clock.now(), self.lease).await {
            Ok(Some(lease)) => lease,
            Ok(None) => return self.answer(id, ticket).await,
            Err(error) => {
                tracing::error!(%error, upload.id = %id, "an upload could not be claimed");
                return ticket.nack(self.retry).await;
            }
        };
        let gone = AtomicBool::new(false);
        let mut taken = std::pin::pin!(Arc::clone(self).take(lease, &gone));
        let settled = tokio::select! {
            settled = &mut taken => settled,
            () = tokio::time::sleep(self.ack_within) => {
                gone.store(true, Ordering::Relaxed);
                // A message that could not be acknowledged comes again; the scan goes on all the same.
                let acked = ticket.ack().await;
                taken.await;
                return acked;
            }
        };
        if settled { ticket.ack().await } else { self.answer(id, ticket).await }
    }

    /// Nothing can be done about the upload just now: if ever, then when it is due again.
    async fn answer(&self, id: UploadId, ticket: Box<dyn Ticket>) -> Result<(), PortError> {
        match self.store.due_again(id).await {
            // Settled or erased: the message has done its duty.
            Ok(None) => ticket.ack().await,
            Ok(Some(due)) => ticket.nack(self.until(due)).await,
            Err(error) => {
                tracing::error!(%error, upload.id = %id, "it cannot be told when an upload is due again");
                ticket.nack(self.retry).await
            }
        }
    }

    fn until(&self, due: Timestamp) -> Duration {
        Duration::try_from(due.duration_since(self.clock.now())).unwrap_or(Duration::ZERO)
    }

    /// One claimed upload to its end. True for a verdict; else it is back where it waits, or somebody else's. Where its
    /// message is `gone` by then, it is announced anew with the same commit.
    async fn take(self: Arc<Self>, lease: Lease, gone: &AtomicBool) -> bool {
        let id = lease.upload.id;
        self.metrics.scans_in_flight.inc();
        // In a task of its own, so that a panic is that upload's trouble and not the worker's.
        let mut scan = tokio::spawn({
            let (work, lease) = (Arc::clone(&self), lease.clone());
            async move { work.scan(&lease).await }
        });
        let ended = tokio::select! {
            ended = &mut scan => ended.unwrap_or_else(|panic| {
                Err(PortError::new(Kind::Fail, format!("the scan broke off: {panic}")).into())
            }),
            () = self.keep(&lease) => {
                scan.abort();
                Err(Unfinished::Lost)
            }
        };
        self.metrics.scans_in_flight.dec();
        let Err(unfinished) = ended else {
            self.settled.notify(id);
            return true;
        };
        let (delay, waiting_for) = match &unfinished {
            Unfinished::Lost => {
                tracing::info!(upload.id = %id, "the upload was taken over or erased");
                return false;
            }
            Unfinished::Waits(trouble) => {
                tracing::info!(upload.id = %id, %trouble, "an upload waits");
                (self.retry, Some(trouble.to_string()))
            }
            // A full disk or a busy store is no fault of the upload either.
            Unfinished::Failed(error) if error.kind != Kind::Fail => {
                tracing::warn!(upload.id = %id, %error, "an upload waits");
                (self.retry, Some(error.to_string()))
            }
            Unfinished::Failed(error) => {
                tracing::warn!(upload.id = %id, upload.attempts = lease.upload.attempts, %error, "a scan failed");
                (self.retry * lease.upload.attempts.clamp(1, 10), None)
            }
        };
        self.give_back(&lease, delay, waiting_for.as_deref(), gone).await;
        false
    }

    /// A store that cannot write just now, on a full disk say, is asked again; at worst the lease runs out.
    async fn give_back(&self, lease: &Lease, delay: Duration, waiting_for: Option<&str>, gone: &AtomicBool) {
        for _ in 0..RELEASES {
            let (due, anew) = (self.clock.now() + delay, gone.load(Ordering::Relaxed));
            match self.store.release(lease, due, waiting_for, anew).await {
                Ok(Ok(())) => {
                    if anew {
                        self.settled.outbox().notify_one();
                    }
                    return;
                }
                Ok(Err(Stale)) => return,
                Err(error) => {
                    tracing::error!(upload.id = %lease.upload.id, %error, "an upload could not be given back");
                }
            }
            tokio::time::sleep(self.retry).await;
        }
    }

    /// Renews the lease; ends when it is lost.
    async fn keep(&self, lease: &Lease) {
        loop {
            tokio::time::sleep(self.lease / 3).await;
            let until = self.clock.now() + self.lease;
            match self.store.extend(lease, until).await {
                Ok(Ok(())) => {}
                Ok(Err(Stale)) if sabotage::opens(Hole::Fencing) => {}
                Ok(Err(Stale)) => return,
                Err(error) => tracing::warn!(upload.id = %lease.upload.id, %error, "a lease was not renewed"),
            }
        }
    }

    async fn scan(&self, lease: &Lease) -> Result<(), Unfinished> {
        let upload = &lease.upload;
        let policy = self.policies.of(&upload.tenant, lease.policy).await;
        if upload.attempts > self.attempts {
            let why = format!("{} scans failed, or ended with their worker", upload.attempts - 1);
            // A policy that does not compile any more is one of the things that fail, and judges nothing here.
            let version = policy.map_or_else(|_| self.policies.default_version(), |p| p.version().clone());
            let verdict = Verdict::gave_up(unexamined(lease, "scan_failed", &why), version);
            return self.settle(lease, verdict, Vec::new()).await;
        }
        let policy = policy?;
        let file = self.blobs.open(Zone::Held, &upload.id.to_string()).await?;
        let Some((file, sha256, size)) = measured(file).await? else {
            let lost = unexamined(lease, "io.missing", "its bytes are not in the held zone");
            return self.settle(lease, Verdict::gave_up(lost, policy.version().clone()), Vec::new()).await;
        };
        if (&sha256, size) != (&upload.sha256, upload.size) {
            let why = "its bytes are not those that were accepted";
            let spoiled = unexamined(lease, "io.corrupt", why);
            return self.settle(lease, Verdict::gave_up(spoiled, policy.version().clone()), Vec::new()).await;
        }
        let subject = Subject {
            file: &file,
            size,
            sha256: &sha256,
            declared: upload.declared.as_deref(),
            filename: upload.filename.as_deref(),
            judge: Some(Judge { policy: &policy, tenant: upload.tenant.as_str() }),
        };
        let Examination { examined, times, picture, film, sheet } = self.examiner.examine(&subject).await?;
        for (check, took) in times {
            self.metrics.checked(check, took);
        }
        let name = upload.filename.as_deref();
        let opinion = policy.judge(&examined, name, upload.tenant.as_str());
        let mut verdict = Verdict::reach(examined, opinion, policy.version().clone());
        if let Some(sheet) = sheet {
            verdict = verdict.with_sheet(self.keep_sheet(lease, &sheet).await?);
        }
        if verdict.decision() != Decision::Publish {
            return self.settle(lease, verdict, Vec::new()).await;
        }
        let (progress, watched) = watch::channel(String::new());
        let publisher = Publisher {
            engines: self.examiner.engines().clone(),
            blobs: Arc::clone(&self.blobs),
            recipe: self.recipe.clone(),
            progress,
        };
        let making = async {
            match (picture, film) {
                (Some((session, _)), _) => {
                    publisher.remade(upload.id, lease.fence, Check::Image, session).await
                }
                (None, Some(session)) => {
                    publisher.remade(upload.id, lease.fence, Check::Video, session).await
                }
                (None, None) => {
                    let media_type = verdict.examined().media_type.clone();
                    publisher.unlooked(upload.id, lease.fence, &media_type, &sha256, size, file).await
                }
            }
        };
        let made = self.noting(lease, watched, making).await;
        let renditions = match made {
            Ok(renditions) => renditions,
            Err(Withheld::Spoiled { reason, results }) => {
                return self.settle(lease, verdict.withheld(reason, results), Vec::new()).await;
            }
            Err(Withheld::Unavailable(trouble)) => return Err(trouble.into()),
            Err(Withheld::Port(error)) => return Err(error.into()),
        };
        let settled = self.settle(lease, verdict, renditions.clone()).await;
        match &settled {
            Err(Unfinished::Lost) => publisher.retract(&renditions).await,
            // What an earlier scan wrote and could not settle.
            Ok(()) if lease.fence > 1 => publisher.clear(upload.id, &renditions).await,
            // After any other error it may have been committed all the same; the sweeper knows.
            _ => {}
        }
        settled
    }

    /// Tells the store now and then how the copies come along.
    async fn noting<T>(
        &self,
        lease: &Lease,
        mut progress: watch::Receiver<String>,
        making: impl Future<Output = T>,
    ) -> T {
        let mut making = std::pin::pin!(making);
        loop {
            tokio::select! {
                made = &mut making => return made,
                () = tokio::time::sleep(NOTED_EVERY) => {
                    if progress.has_changed().unwrap_or(false) {
                        let busy_with = progress.borrow_and_update().clone();
                        // Who lost the lease learns it when it is renewed.
                        if let Err(error) = self.store.note(lease, &busy_with).await {
                            tracing::warn!(upload.id = %lease.upload.id, %error, "progress was not noted");
                        }
                    }
                }
            }
        }
    }

    /// Into the held zone, under a key of its own: another scan of the upload may be about to write its own.
    async fn keep_sheet(&self, lease: &Lease, sheet: &Sheet) -> Result<SheetDetail, PortError> {
        let key = format!("{}/{SHEET}/{}", lease.upload.id, lease.fence);
        let spool = self.blobs.spool().await?;
        let mut writer = tokio::fs::File::from_std(spool.try_clone()?);
        writer.write_all(&sheet.jpeg).await?;
        writer.flush().await?;
        let (sha256, _) = digest(&spool).await?;
        self.blobs.put(Zone::Held, &key, &spool).await?;
        Ok(sheet.detail(key, sha256))
    }

    async fn settle(
        &self,
        lease: &Lease,
        verdict: Verdict,
        renditions: Vec<crate::upload::rendition::Rendition>,
    ) -> Result<(), Unfinished> {
        let decision = verdict.decision();
        let settlement = Settlement { verdict: verdict.detail(), renditions, at: self.clock.now() };
        match self.store.settle(lease, &settlement).await? {
            Ok(()) => {
                self.metrics.settled(decision);
                tracing::info!(
                    upload.id = %lease.upload.id,
                    upload.tenant = %lease.upload.tenant,
                    verdict = %decision,
                    reasons = ?verdict.reasons(),
                    "an upload is settled"
                );
                Ok(())
            }
            Err(Stale) => Err(Unfinished::Lost),
        }
    }
}

async fn measured(file: Option<File>) -> Result<Option<(File, String, u64)>, PortError> {
    let Some(file) = file else { return Ok(None) };
    let (sha256, size) = digest(&file).await?;
    Ok(Some((file, sha256, size)))
}

/// What is left to say of a file that could not be examined.
fn unexamined(lease: &Lease, code: &str, why: &str) -> Examined {
    let media_type = "application/octet-stream".to_owned();
    let plan = Plan::new(&media_type, &[]);
    let failed = |check: Check| CheckResult {
        check,
        engine: None,
        outcome: crate::upload::Outcome::Looked(Coverage::failed(code, why)),
        findings: Vec::new(),
    };
    let mut results: Vec<CheckResult> =
        Check::ALL.into_iter().filter(|check| plan.requires(*check)).map(failed).collect();
    results.extend(plan.not_applicable());
    Examined {
        sha256: lease.upload.sha256.clone(),
        size: lease.upload.size,
        media_type,
        declared: lease.upload.declared.clone(),
        plan,
        results,
        labels: Default::default(),
        film: None,
        picture: None,
        perceptual_hash: None,
    }
}
