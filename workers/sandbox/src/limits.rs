//! Limits of a child's resources, set by the child itself before it sees a hostile byte.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::io;
use std::time::Duration;

/// What one child may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Address space, in bytes.
    pub memory_bytes: u64,
    /// Processor time of one request. The kernel counts in whole seconds: it is rounded up.
    pub cpu: Duration,
}

impl Limits {
    pub(crate) fn apply(&self) -> io::Result<()> {
        pin(Resource::As, self.memory_bytes)?;
        Ok(())
    }

    /// Gives the request that begins now its own processor time: past it the kernel sends SIGXCPU, which kills.
    pub(crate) fn arm_cpu(&self) -> io::Result<()> {
        let used = clock_gettime(ClockId::ProcessCPUTime);
        let used = Duration::new(used.tv_sec.try_into().unwrap_or(0), used.tv_nsec.try_into().unwrap_or(0));
        let until = used + self.cpu;
        let seconds = until.as_secs() + u64::from(until.subsec_nanos() > 0);
        // Only the soft limit: a hard one could not be raised again for the next request.
        let maximum = getrlimit(Resource::Cpu).maximum;
        setrlimit(Resource::Cpu, Rlimit { current: Some(seconds.max(1)), maximum })?;
        Ok(())
    }
}

/// Address space of an outpost, in bytes: its libraries, a stack for each of its threads, and what it holds back for packets
/// to come in their order.
const OUTPOST: u64 = 512 << 20;

/// Limits of an outpost. How many threads its user has in all is not its own to say, so seccomp alone keeps it from
/// starting processes.
pub(crate) fn pin_outpost() -> io::Result<()> {
    pin(Resource::Core, 0)?;
    pin(Resource::Fsize, 0)?;
    pin(Resource::Nofile, 32)?;
    pin(Resource::As, OUTPOST)
}

/// Limits that hold for every child: no core dumps, no file may grow, few descriptors, no more processes. (The last
/// does not bind root.)
pub(crate) fn pin_fixed() -> io::Result<()> {
    pin(Resource::Core, 0)?;
    pin(Resource::Fsize, 0)?;
    pin(Resource::Nofile, 32)?;
    pin(Resource::Nproc, 0)
}

fn pin(resource: Resource, to: u64) -> io::Result<()> {
    setrlimit(resource, Rlimit { current: Some(to), maximum: Some(to) })?;
    Ok(())
}
