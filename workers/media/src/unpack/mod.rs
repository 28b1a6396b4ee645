//! Members taken out of archives, one after another, under limits. Nothing is written to a path, and no link followed:
//! a name is a label that goes with the bytes.

mod decoder;
mod iso;
mod meter;
mod methods;
mod packed;
mod seven;
mod stream;
mod tar;
mod zip;

use lazaret_inspect::archive::Format;
use lazaret_sandbox::child::MemberSink;
use lazaret_sandbox::{Coverage, MembersRequest, MembersSummary, Report, Why};
use meter::Meter;
use std::fs::File;
use std::io;

/// Takes out what the archive holds: a file of `size` bytes, and of a canonical media type.
pub fn members(
    file: &mut File,
    size: u64,
    media_type: &str,
    request: &MembersRequest,
    sink: &mut dyn MemberSink,
) -> Result<MembersSummary, Why> {
    let closed = || Why::new("unreadable", format!("nothing here opens {media_type}"));
    let format = Format::of(media_type).ok_or_else(closed)?;
    let mut meter = Meter::new(sink, request, size);
    let done = match format {
        Format::Zip => zip::unpack(file, size, &mut meter),
        Format::Tar => tar::unpack(file, size, &mut meter),
        Format::Iso => iso::unpack(file, size, &mut meter),
        Format::SevenZip => seven::unpack(file, size, &mut meter),
        Format::Rar | Format::Cab | Format::Ole => return Err(closed()),
        Format::Gzip | Format::Bzip2 | Format::Xz | Format::Zstd => {
            stream::unpack(format, file, size, &mut meter)
        }
    };
    done.map_err(|e| Why::new("io.unreadable", e.to_string()))?;
    Ok(meter.finish())
}

/// Walks a compressed stream to its end, and keeps nothing of what it expands to.
pub fn walk(format: Format, file: &File, size: u64) -> io::Result<Report> {
    let (coverage, findings) = stream::walk(format, file, size)?;
    Ok(Report { engine: lazaret_inspect::archive::engine(), coverage, findings })
}

/// Why a member is not whole.
fn partial(why: Why) -> Coverage {
    Coverage::Partial(why)
}
