//! What processes leave: memory, open files, files in folders.

use std::{fs, path::Path};

/// `VmRSS` of `/proc/PID/status` (proc(5)), in MiB.
pub fn memory(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    let kib: u64 = line.split_whitespace().next().expect("a number").parse().expect("a number");
    kib / 1024
}

/// Files without a name that the process has open in the folder.
pub fn nameless(pid: i32, folder: &Path) -> Vec<String> {
    let folder = folder.to_str().expect("a plain path");
    let open = fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").flatten();
    let names =
        open.filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned()));
    names.filter(|name| name.starts_with(folder) && name.ends_with(" (deleted)")).collect()
}

/// Files in the folder, the lock aside.
pub fn files(folder: &Path) -> Vec<String> {
    let all = walkdir::WalkDir::new(folder).into_iter().flatten();
    let files = all.filter(|entry| entry.file_type().is_file() && entry.file_name() != "lock");
    files.map(|entry| entry.path().display().to_string()).collect()
}
