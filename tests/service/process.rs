//! Processes, as `/proc` shows them.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;

/// A process, told apart from a later one with the same number by the time of its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    pub name: String,
    /// `R`, `S`, `T`, `Z` …
    state: char,
    parent: i32,
    started: u64,
}

impl Process {
    /// `/proc/PID/stat` (proc(5)): the name in parentheses may hold anything, so what follows is counted from its end.
    fn read(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (head, tail) = (stat.find('(')?, stat.rfind(')')?);
        let fields: Vec<&str> = stat[tail + 1..].split_whitespace().collect();
        Some(Self {
            pid,
            name: stat[head + 1..tail].to_owned(),
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }

    /// One that ended but that nobody has buried yet does not run.
    pub fn is_running(&self) -> bool {
        Self::read(self.pid).is_some_and(|now| now.started == self.started && now.state != 'Z')
    }

    pub fn is_busy(&self) -> bool {
        Self::read(self.pid).is_some_and(|now| now.started == self.started && now.state == 'R')
    }

    pub fn signal(&self, signal: Signal) {
        signal_to(self.pid, signal);
    }
}

/// The children of a process, and theirs.
pub fn descendants(of: i32) -> Vec<Process> {
    let numbers =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|e| e.file_name().to_str()?.parse().ok());
    let all: Vec<Process> = numbers.filter_map(Process::read).collect();
    let mut found: Vec<Process> = all.iter().filter(|process| process.parent == of).cloned().collect();
    let mut next = 0;
    while next < found.len() {
        let parent = found[next].pid;
        found.extend(all.iter().filter(|process| process.parent == parent).cloned());
        next += 1;
    }
    found
}

/// One that is gone already needs no signal.
pub fn signal_to(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _gone_already = kill_process(pid, signal);
    }
}
