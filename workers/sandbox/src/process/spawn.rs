use super::{Process, Wall};
use crate::keeper::Keeper;
use crate::layers::Layers;
use crate::limits::Limits;
use crate::pool::PoolConfig;
use crate::protocol::{FromChild, HEAD_MAX, ToChild};
use crate::stderr::Tail;
use crate::trouble::Trouble;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Pair;
use std::process::Stdio;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

type Started = std::io::Result<(Child, Pair)>;

#[derive(Debug)]
pub(crate) struct Spawner(Keeper<Pair>);

impl Spawner {
    pub(crate) fn start() -> std::io::Result<Self> {
        Keeper::new(spawn).map(Self)
    }

    /// A child that is set up and ready. The error says what is wrong and what to do.
    pub(crate) async fn spawn(&self, config: &PoolConfig) -> Result<Process, String> {
        let mut command = Command::new(&config.child);
        command.env_clear().envs(allocator(config.memory_bytes));
        let started = self.0.start(command).await;
        let path = config.child.display();
        let (mut child, socket) = started.map_err(|e| {
            format!("cannot start {path}: {e}; install lazaret-media and lazaret-video beside lazaret")
        })?;
        let socket = UnixStream::from_std(socket).map_err(|e| e.to_string())?;
        let stderr = Tail::of(child.stderr.take().ok_or("the child has no stderr")?);
        let none = || Err(String::new());
        let process = Process {
            child,
            socket,
            sequence: 0,
            stderr,
            version: String::new(),
            layers: Layers { landlock: none(), seccomp: none() },
            heads: config.max_output_bytes.saturating_add(HEAD_MAX as u64),
            heads_left: 0,
            jobs: 0,
        };
        set_up(process, config).await.map_err(|trouble| format!("{path} does not come up: {trouble}"))
    }
}

/// Bytes that the heap of a child begins with, and that are free in it at most: more than a picture of 25 megapixels takes.
const HEAP: u64 = 128 << 20;

/// The whole environment of a child, for the system's allocator (mallopt(3), and glibc's manual, "Tunables"), which reads
/// it before `main`: what one picture took serves the next. As it is, every larger block comes from the kernel and goes
/// back to it, page by page, which costs up to a tenth of a decode. More than [`HEAP`] of free memory still goes back. The
/// heap is taken in large steps, so that the child can have it in huge pages.
fn allocator(memory_bytes: u64) -> [(&'static str, String); 3] {
    // Under a low limit a heap that was never used must not count for most of it.
    let heap = HEAP.min(memory_bytes / 4).to_string();
    [
        ("MALLOC_MMAP_MAX_", "0".to_owned()),
        ("MALLOC_TOP_PAD_", heap.clone()),
        ("MALLOC_TRIM_THRESHOLD_", heap),
    ]
}

fn spawn(mut command: Command) -> Started {
    let (ours, theirs) = Pair::pair()?;
    ours.set_nonblocking(true)?;
    let child = command
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // Ctrl-C is for the service, which drains; its children die with it.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    Ok((child, ours))
}

async fn set_up(mut process: Process, config: &PoolConfig) -> Result<Process, Trouble> {
    let limits = Limits { memory_bytes: config.memory_bytes, cpu: config.cpu };
    let mut wall = Wall(config.wall);
    let (confinement, setup) = (config.confinement.clone(), config.setup.clone());
    process.tell(&ToChild::Setup { limits, confinement, setup }, None, &mut wall).await?;
    match process.hear(&mut wall).await? {
        (FromChild::Ready { version, layers }, 0) => {
            process.version = version;
            process.layers = layers;
            Ok(process)
        }
        (other, _) => Err(Trouble::Protocol(format!("{} in answer to the setup", other.name()))),
    }
}
