//! RAR: no reader that is kept and free to use is known, so nothing of it is opened.

use super::input::{Input, ReadSeek};
use super::log::Log;
use lazaret_report::{Coverage, Finding};
use std::io;

pub(super) fn walk(file: &mut dyn ReadSeek, size: u64) -> io::Result<(Coverage, Vec<Finding>)> {
    let mut log = Log::default();
    if !Input::new(file, size).is_at(0, b"Rar!\x1a\x07").unwrap_or(false) {
        log.malformed(0, "no archive begins here");
    }
    log.gap("unreadable", "nothing here opens rar archives");
    Ok(log.finish())
}
