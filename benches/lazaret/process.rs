//! What processes cost, as /proc tells it (proc(5)).

use anyhow::Context;
use std::{collections::BTreeMap, fs::read_to_string, time::Duration};

/// A tick in /proc is a hundredth of a second for every program, whatever the kernel's own is.
const TICK: Duration = Duration::from_millis(10);

struct Stat {
    name: String,
    parent: u32,
    /// Of all its threads, ended ones too.
    own: Duration,
    /// Of children that ended and were waited for.
    reaped: Duration,
}

fn stat(path: &str) -> Option<Stat> {
    let text = read_to_string(path).ok()?;
    // The name may hold anything, brackets too.
    let (head, tail) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = tail.split(' ').collect();
    let ticks = |at: usize| Some(TICK * fields.get(at)?.parse().ok()?);
    Some(Stat {
        name: head.split_once('(')?.1.to_owned(),
        parent: fields.get(1)?.parse().ok()?,
        own: ticks(11)? + ticks(12)?,
        reaped: ticks(13)? + ticks(14)?,
    })
}

/// CPU time so far of a service and those it started.
#[derive(Debug, Clone, Default)]
pub struct Spent {
    pub service: Duration,
    /// Its decoders, those that ended too.
    pub media: Duration,
    pub clamd: Duration,
    /// The service's living threads, by name.
    pub threads: BTreeMap<String, Duration>,
}

impl Spent {
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let own = stat(&format!("/proc/{pid}/stat")).with_context(|| format!("process {pid} is gone"))?;
        let mut spent = Self { service: own.own, media: own.reaped, ..Self::default() };
        for child in numbers("/proc").filter_map(|pid| stat(&format!("/proc/{pid}/stat"))) {
            if child.parent == pid && child.name == "clamd" {
                spent.clamd += child.own;
            } else if child.parent == pid {
                spent.media += child.own;
            }
        }
        let tasks = format!("/proc/{pid}/task");
        for thread in numbers(&tasks).filter_map(|task| stat(&format!("{tasks}/{task}/stat"))) {
            // Numbered threads count as one.
            let name = thread.name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned();
            *spent.threads.entry(name).or_default() += thread.own;
        }
        Ok(spent)
    }

    pub fn since(&self, earlier: &Self) -> Self {
        let threads = self.threads.iter().map(|(name, spent)| {
            let before = earlier.threads.get(name).copied().unwrap_or_default();
            (name.clone(), spent.saturating_sub(before))
        });
        Self {
            service: self.service.saturating_sub(earlier.service),
            media: self.media.saturating_sub(earlier.media),
            clamd: self.clamd.saturating_sub(earlier.clamd),
            threads: threads.collect(),
        }
    }

    /// Without clamd.
    pub fn ours(&self) -> Duration {
        self.service + self.media
    }
}

fn numbers(folder: &str) -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// CPU time of this process's children that ended and were waited for, and of theirs.
pub fn reaped() -> Duration {
    stat("/proc/self/stat").map(|stat| stat.reaped).unwrap_or_default()
}

/// CPU time of the one process `pid` so far.
pub fn own(pid: u32) -> Duration {
    stat(&format!("/proc/{pid}/stat")).map(|stat| stat.own).unwrap_or_default()
}

/// CPU time of this process so far, in nanoseconds' resolution.
pub fn this() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// How long all cores of the machine together were busy and idle so far.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    pub busy: Duration,
    pub idle: Duration,
}

impl Machine {
    pub fn now() -> anyhow::Result<Self> {
        let text = read_to_string("/proc/stat")?;
        let line = text.lines().next().unwrap_or_default();
        // user nice system idle iowait irq softirq steal
        let ticks: Vec<u32> =
            line.split_whitespace().skip(1).take(8).filter_map(|t| t.parse().ok()).collect();
        let idle: u32 = ticks.get(3..5).unwrap_or_default().iter().sum();
        Ok(Self { busy: TICK * (ticks.iter().sum::<u32>() - idle), idle: TICK * idle })
    }

    /// The share of the time since `earlier` that the cores were busy.
    pub fn busy_since(self, earlier: Self) -> f64 {
        let (busy, idle) = (self.busy.saturating_sub(earlier.busy), self.idle.saturating_sub(earlier.idle));
        busy.as_secs_f64() / (busy + idle).as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// A line of /proc/PID/status that is in kB, in bytes: `VmRSS`, or `VmHWM` for the highest so far.
pub fn memory(pid: u32, key: &str) -> anyhow::Result<u64> {
    let text = read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let kb = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kb.with_context(|| format!("process {pid} has no {key}"))? * 1024)
}

/// Forgets the highest memory so far.
pub fn forget_peak(pid: u32) -> anyhow::Result<()> {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").context("VmHWM cannot be set back")
}
