//! The most memory that the service and its children held.

use crate::process::descendants;
use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// Resident bytes at the highest.
#[derive(Debug, Clone, Copy, Default)]
pub struct Peak {
    pub service: u64,
    pub child: u64,
}

/// Looks every now and then; what a process held between two looks the kernel remembers, for as long as it lives.
pub struct Memory {
    peak: Arc<Mutex<Peak>>,
    done: Arc<AtomicBool>,
    watch: Option<JoinHandle<()>>,
}

impl Memory {
    pub fn watch(service: i32) -> Self {
        let (peak, done): (Arc<Mutex<Peak>>, Arc<AtomicBool>) = Default::default();
        let (into, until) = (Arc::clone(&peak), Arc::clone(&done));
        let watch = thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                let child = descendants(service).into_iter();
                let child =
                    child.filter(|process| matches!(&*process.name, "lazaret-media" | "lazaret-video"));
                let child = child.filter_map(|process| highest(process.pid)).max().unwrap_or(0);
                let mut peak = into.lock().unwrap();
                peak.service = peak.service.max(highest(service).unwrap_or(0));
                peak.child = peak.child.max(child);
                drop(peak);
                thread::sleep(Duration::from_millis(50));
            }
        });
        Self { peak, done, watch: Some(watch) }
    }

    pub fn peak(mut self) -> Peak {
        self.done.store(true, Ordering::Relaxed);
        self.watch.take().unwrap().join().unwrap();
        *self.peak.lock().unwrap()
    }
}

/// `VmHWM` (proc(5)), which is in KiB.
fn highest(pid: i32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
}
