use crate::job::Job;
use lazaret_sandbox::{Report, Why};
use std::io::{BufReader, Seek};

/// The container walk of [`lazaret_inspect`], over the file itself: not every file that is walked fits in memory.
pub(crate) fn walk(job: &mut Job) -> Result<Report, Why> {
    let unreadable = |e: std::io::Error| Why::new("io.unreadable", e.to_string());
    job.file.rewind().map_err(unreadable)?;
    let mut input = BufReader::with_capacity(64 << 10, &job.file);
    lazaret_inspect::walk(&job.media_type, &mut input, job.size).map_err(unreadable)
}
