//! What the figures were measured on.

use std::{fs::read_to_string, sync::mpsc, thread::JoinHandle, time::Duration};

/// Processor, cores, memory and system, such as `Intel(R) Xeon(R) Processor, 2 cores, 23 GiB, Debian GNU/Linux 12`.
pub fn describe() -> String {
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "an unknown processor".into());
    let memory = field("/proc/meminfo", "MemTotal").and_then(|kb| kb.split(' ').next()?.parse::<u64>().ok());
    let system = read_to_string("/etc/os-release").unwrap_or_default();
    let system = system.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let system = system.unwrap_or("an unknown system").trim_matches('"').to_owned();
    let gib = memory.map_or_else(|| "?".into(), |kb| (kb >> 20).to_string());
    format!("{cpu}, {} cores, {gib} GiB, {system}", cores())
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn field(path: &str, key: &str) -> Option<String> {
    let text = read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.split(':').next().is_some_and(|k| k.trim() == key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Keeps the kernel in pages that the host has already given. A virtual machine gets a page from its host when it first
/// touches it, and may give it back as soon as it is free; that costs up to ten times a copy into the page, and is paid by
/// whoever comes first: here, by this benchmark and not by what it measures.
pub struct Pages {
    stop: mpsc::Sender<()>,
    thread: Option<JoinHandle<()>>,
}

const BLOCK: usize = 4 << 20;
const BLOCKS: usize = 384;
/// Some 160 MiB a second, which is more than the pipeline writes.
const EVERY: Duration = Duration::from_millis(25);

impl Pages {
    pub fn start() -> Self {
        let mut blocks: Vec<Vec<u8>> = (0..BLOCKS).map(|_| std::hint::black_box(vec![1; BLOCK])).collect();
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            while !blocks.is_empty() && stopped.recv_timeout(EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
                blocks.pop();
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.stop.send(());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
