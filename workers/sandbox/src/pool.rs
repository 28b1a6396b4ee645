use crate::layers::Confinement;
use crate::picture::Budget;
use crate::process::{Process, Spawner, Wall};
use crate::protocol::{FromChild, ToChild};
use crate::session::Session;
use crate::trouble::Trouble;
use lazaret_report::Unavailable;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How children are started and what each may use.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// The executable that links the decoders.
    pub child: PathBuf,
    /// Children at most, at least 1. More files than that wait their turn.
    pub size: usize,
    /// Wall clock time of one request. Time in which the child waits for the service is not counted.
    pub wall: Duration,
    /// Processor time of one request, rounded up to whole seconds.
    pub cpu: Duration,
    /// Address space of a child.
    pub memory_bytes: u64,
    /// Longest rendition. (Frames are bounded by what was asked for.)
    pub max_output_bytes: u64,
    /// Files after which a child is replaced by a fresh one.
    pub max_jobs_per_child: u32,
    /// What a child does where the kernel cannot confine it.
    pub confinement: Confinement,
    pub setup: ChildSetup,
}

/// What a child is told once, before it sees a hostile byte.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChildSetup {
    /// The mark for watermarks: `lazaret_watermark::MarkSpec` as JSON. The service links no decoder, so it does not
    /// know that type; a mark that cannot be prepared makes the child unavailable, with the reason.
    #[serde(default)]
    pub mark: Option<serde_json::Value>,
    /// What renditions may decode.
    #[serde(default)]
    pub budget: Budget,
}

/// The children. Clones share them; they start when first needed, stay warm, and die with the last clone.
#[derive(Debug, Clone)]
pub struct Pool {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: PoolConfig,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Process>>,
    spawner: OnceLock<Spawner>,
}

/// A child lent to one file, with its place in the pool.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) process: Process,
    pub(crate) pool: Arc<Shared>,
    place: OwnedSemaphorePermit,
}

impl Pool {
    pub fn new(config: PoolConfig) -> Self {
        let places = Arc::new(Semaphore::new(config.size.max(1)));
        Self { shared: Arc::new(Shared { config, places, idle: Mutex::default(), spawner: OnceLock::new() }) }
    }

    /// Leases a child for one file, waiting for one to be free. `input` is opened anew, read-only, for the child;
    /// nothing of it is read yet. The error means that no child can be had at all, and is no fault of the file.
    pub async fn open(&self, input: &File, size: u64, media_type: &str) -> Result<Session, Unavailable> {
        // Its own open file: the child shares no offset with us, and cannot write even if we can.
        let file = File::open(format!("/proc/self/fd/{}", input.as_raw_fd()))
            .map_err(|e| self.shared.unavailable(format!("cannot open the file again for reading: {e}")))?;
        let message = ToChild::Open { size, media_type: media_type.to_owned() };
        let mut refusal = String::new();
        // A warm child may have died in its sleep, so one failure is no news; two are.
        for _ in 0..2 {
            let mut lease = self.shared.lease().await?;
            match lease.open(&message, &file).await {
                Ok(()) => return Ok(Session::new(lease)),
                Err(trouble) => refusal = trouble.to_string(),
            }
        }
        Err(self.shared.unavailable(format!("takes no file: {refusal}")))
    }

    /// Whether a child can be had, for health checks: its version.
    pub async fn check(&self) -> Result<String, Unavailable> {
        let lease = self.shared.lease().await?;
        let version = lease.process.version.clone();
        lease.give_back();
        Ok(version)
    }

    /// Files that would not wait for a child at this moment.
    pub fn free(&self) -> usize {
        self.shared.places.available_permits()
    }

    /// The process ids of the children that wait for work.
    pub fn idle(&self) -> Vec<u32> {
        self.shared.idle().iter().filter_map(Process::id).collect()
    }
}

impl Shared {
    pub(crate) fn unavailable(&self, why: impl Into<String>) -> Unavailable {
        let name = self.config.child.file_name().unwrap_or_default();
        Unavailable::new(name.to_string_lossy(), why)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Process>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn lease(self: &Arc<Self>) -> Result<Lease, Unavailable> {
        let places = Arc::clone(&self.places);
        let place = places.acquire_owned().await.map_err(|_| self.unavailable("the pool is closed"))?;
        let process = match self.take_idle() {
            Some(process) => process,
            None => self.start(&self.config).await?,
        };
        Ok(Lease { process, pool: Arc::clone(self), place })
    }

    /// A new child, set up and confined.
    pub(crate) async fn start(&self, config: &PoolConfig) -> Result<Process, Unavailable> {
        self.spawner()?.spawn(config).await.map_err(|why| self.unavailable(why))
    }

    fn take_idle(&self) -> Option<Process> {
        let mut idle = self.idle();
        std::iter::from_fn(|| idle.pop()).find_map(|mut process| process.is_alive().then_some(process))
    }

    fn spawner(&self) -> Result<&Spawner, Unavailable> {
        if let Some(spawner) = self.spawner.get() {
            return Ok(spawner);
        }
        let spawner =
            Spawner::start().map_err(|e| self.unavailable(format!("cannot start a thread: {e}")))?;
        Ok(self.spawner.get_or_init(|| spawner))
    }
}

impl Lease {
    async fn open(&mut self, message: &ToChild, file: &File) -> Result<(), Trouble> {
        let mut wall = Wall(self.pool.config.wall);
        self.process.jobs += 1;
        self.process.tell(message, Some(file.as_fd()), &mut wall).await?;
        match self.process.hear(&mut wall).await? {
            (FromChild::Opened, 0) => Ok(()),
            (other, _) => Err(Trouble::Protocol(format!("{} in answer to a file", other.name()))),
        }
    }

    /// Puts a child that is idle and in step back, unless it has served long enough. A lease that is dropped instead
    /// kills its child.
    pub(crate) fn give_back(self) {
        let Self { process, pool, place } = self;
        if process.jobs < pool.config.max_jobs_per_child {
            pool.idle().push(process);
        }
        drop(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Confinement;

    /// [`Pool::open`] opens each file again for reading; were that forgotten, the child would not go on.
    #[tokio::test]
    async fn a_file_that_could_be_written_to_ends_the_child() {
        let deps = std::env::current_exe().unwrap();
        let pool = Pool::new(PoolConfig {
            child: deps.parent().unwrap().parent().unwrap().join("examples/misbehave"),
            size: 1,
            wall: Duration::from_secs(20),
            cpu: Duration::from_secs(20),
            memory_bytes: 1 << 30,
            max_output_bytes: 1 << 20,
            max_jobs_per_child: 100,
            confinement: Confinement::Enforced,
            setup: ChildSetup::default(),
        });
        let file = tempfile::NamedTempFile::new().unwrap();
        let message = ToChild::Open { size: 0, media_type: "text/plain".to_owned() };
        for (opened, taken) in [
            (File::open(file.path()).unwrap(), true),
            (File::options().read(true).write(true).open(file.path()).unwrap(), false),
            (File::options().append(true).open(file.path()).unwrap(), false),
        ] {
            let mut lease = pool.shared.lease().await.unwrap();
            let told = lease.open(&message, &opened).await.map_err(|trouble| trouble.code().to_owned());
            assert_eq!(told, if taken { Ok(()) } else { Err("child.crashed".to_owned()) });
        }
    }
}
