//! The private `clamd.conf`.

use super::folder::Folder;
use crate::limits::Limits;
use std::path::Path;

/// clamd gives up on a scan by itself somewhat before our own deadline, so that its thread is free again.
const OWN_SHARE_OF_DEADLINE: f64 = 0.9;

/// # Errors
/// A path that cannot be written in the file's line format.
pub(super) fn render(folder: &Folder, database: &Path, limits: &Limits) -> Result<String, String> {
    let path = |path: &Path| match path.to_str() {
        Some(p) if !p.contains(|c: char| c.is_control() || c == '"') => Ok(p.to_owned()),
        _ => Err(format!("{} cannot stand in a clamd.conf: use a plain path", path.display())),
    };
    let scan = limits.max_scan_bytes;
    // Two to spare: one for canaries when all scans are long, one for a scan whose client has gone.
    let threads = limits.concurrency + 2;
    let lines = [
        ("LocalSocket", path(folder.socket())?),
        ("LocalSocketMode", "600".to_owned()),
        ("FixStaleSocket", "yes".to_owned()),
        ("PidFile", path(&folder.pid_file())?),
        ("TemporaryDirectory", path(&folder.temporary())?),
        ("DatabaseDirectory", path(database)?),
        ("Foreground", "yes".to_owned()),
        ("LogTime", "no".to_owned()),
        ("SelfCheck", "600".to_owned()),
        // Scans wait some seconds at a reload, instead of a second set of signatures taking 1.2 GB more.
        ("ConcurrentDatabaseReload", "no".to_owned()),
        // 1.4 knows a file again by MD5, for which two files can be made alike.
        ("DisableCache", "yes".to_owned()),
        ("ExitOnOOM", "yes".to_owned()),
        ("AlertExceedsMax", "yes".to_owned()),
        ("AlertEncrypted", "yes".to_owned()),
        ("ScanArchive", "yes".to_owned()),
        ("HeuristicScanPrecedence", "no".to_owned()),
        // Equal on purpose: a member is cut at MaxFileSize without a word, and only because the archive's own size
        // counts too does every cut member pass MaxScanSize, which is told.
        ("MaxFileSize", scan.to_string()),
        ("MaxScanSize", scan.to_string()),
        ("StreamMaxLength", scan.to_string()),
        ("MaxFiles", limits.max_files.to_string()),
        ("MaxRecursion", limits.max_recursion.to_string()),
        ("MaxScanTime", limits.deadline.mul_f64(OWN_SHARE_OF_DEADLINE).as_millis().max(1).to_string()),
        // These limits skip parts of the work without a word, so they are as large as the others.
        ("MaxEmbeddedPE", scan.to_string()),
        ("MaxHTMLNormalize", scan.to_string()),
        ("MaxHTMLNoTags", scan.to_string()),
        ("MaxScriptNormalize", scan.to_string()),
        ("PCREMaxFileSize", scan.to_string()),
        ("MaxThreads", threads.to_string()),
        ("MaxQueue", (threads * 2).to_string()),
        ("MaxConnectionQueueLength", (threads * 4).to_string()),
        ("CommandReadTimeout", "30".to_owned()),
    ];
    Ok(lines.iter().map(|(key, value)| format!("{key} {value}\n")).collect())
}
