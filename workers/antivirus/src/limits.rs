//! What an operator sets.

use std::time::Duration;

/// The largest file clamd 1.4 scans: it silently lowers `MaxFileSize` to this, but not `MaxScanSize`.
pub const LARGEST_FILE: u64 = i32::MAX as u64 - 2;

/// Limits of one scan and of the engine's health. A managed clamd is configured by them; of a pool they are what the
/// operator declares, and a file above them is never sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest file that is scanned at all, in bytes; at most [`LARGEST_FILE`].
    pub max_file_bytes: u64,
    /// Most bytes scanned for one file, its unpacked members included; at most [`LARGEST_FILE`]. An archive needs its
    /// own size plus that of all its members.
    pub max_scan_bytes: u64,
    /// Most members looked at in one file.
    pub max_files: u32,
    /// Deepest nesting that is followed, at most 100.
    pub max_recursion: u32,
    /// Longest that one scan may take, waiting for its turn not counted.
    pub deadline: Duration,
    /// Scans under way at one time.
    pub concurrency: usize,
    /// Signatures older than this are worth nothing.
    pub max_signature_age: Duration,
    /// How often a healthy engine is proven again.
    pub canary_every: Duration,
    /// Longest that a ping or a canary may take. A daemon that reloads its signatures answers late, so not too short.
    pub probe_deadline: Duration,
    /// Accept a daemon without dated signatures. Implied by [`crate::Signatures::Test`]; never set it elsewhere but in
    /// tests and demonstrations, and only where somebody wrote it down.
    pub test_signatures: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: 1 << 30,
            max_scan_bytes: LARGEST_FILE,
            max_files: 10_000,
            max_recursion: 16,
            deadline: Duration::from_secs(180),
            concurrency: 4,
            max_signature_age: Duration::from_secs(7 * 24 * 3600),
            canary_every: Duration::from_secs(180),
            probe_deadline: Duration::from_secs(60),
            test_signatures: false,
        }
    }
}

impl Limits {
    /// The same within what clamd can do.
    #[must_use]
    pub fn clamped(mut self) -> Self {
        self.max_scan_bytes = self.max_scan_bytes.clamp(1, LARGEST_FILE);
        self.max_file_bytes = self.max_file_bytes.clamp(1, self.max_scan_bytes);
        self.max_files = self.max_files.max(1);
        self.max_recursion = self.max_recursion.clamp(1, 100);
        self.concurrency = self.concurrency.clamp(1, 256);
        self.deadline = self.deadline.max(Duration::from_millis(100));
        self.probe_deadline = self.probe_deadline.max(Duration::from_millis(100));
        self.canary_every = self.canary_every.max(Duration::from_millis(100));
        self
    }
}
