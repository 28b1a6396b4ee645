//! What the figures were measured on.

use std::fs::read_to_string;

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
