use crate::job::Job;
use crate::unpack;
use lazaret_inspect::archive::Format;
use lazaret_sandbox::{Report, Why};
use std::io::{BufReader, Seek};

/// The container walk of [`lazaret_inspect`], over the file itself: not every file that is walked fits in memory.
/// Compressed streams are walked by decompressing them.
pub(crate) fn walk(job: &mut Job) -> Result<Report, Why> {
    let unreadable = |e: std::io::Error| Why::new("io.unreadable", e.to_string());
    job.file.rewind().map_err(unreadable)?;
    match Format::of(&job.media_type) {
        Some(format) if format.is_stream() => unpack::walk(format, &job.file, job.size).map_err(unreadable),
        // Archives are read by position, a little here and there.
        Some(_) => lazaret_inspect::walk(&job.media_type, &mut &job.file, job.size).map_err(unreadable),
        None => {
            let mut input = BufReader::with_capacity(64 << 10, &job.file);
            lazaret_inspect::walk(&job.media_type, &mut input, job.size).map_err(unreadable)
        }
    }
}
