//! Members taken out of archives, one after another, under limits. Nothing is written to a path, and no link followed:
//! a name is a label that goes with the bytes.

mod decoder;
mod iso;
mod meter;
mod methods;
mod seven;
mod stream;
mod tar;
mod zip;

use crate::job::Job;
use lazaret_inspect::archive::Format;
use lazaret_sandbox::child::MemberSink;
use lazaret_sandbox::{Coverage, MembersRequest, MembersSummary, Report, Why};
use meter::Meter;
use std::fs::File;
use std::io;

/// Takes out what the archive holds.
pub(crate) fn members(
    job: &mut Job,
    request: &MembersRequest,
    sink: &mut dyn MemberSink,
) -> Result<MembersSummary, Why> {
    let Some(format) = Format::of(&job.media_type) else {
        return Err(Why::new("unreadable", format!("nothing here opens {}", job.media_type)));
    };
    let mut meter = Meter::new(sink, request, job.size);
    let done = match format {
        Format::Zip => zip::unpack(&mut job.file, job.size, &mut meter),
        Format::Tar => tar::unpack(&mut job.file, job.size, &mut meter),
        Format::Iso => iso::unpack(&mut job.file, job.size, &mut meter),
        Format::SevenZip => seven::unpack(&mut job.file, &mut meter),
        Format::Rar | Format::Cab | Format::Ole => {
            return Err(Why::new("unreadable", format!("nothing here opens {}", job.media_type)));
        }
        Format::Gzip | Format::Bzip2 | Format::Xz | Format::Zstd => {
            stream::unpack(format, &job.file, job.size, &mut meter)
        }
    };
    done.map_err(|e| Why::new("io.unreadable", e.to_string()))?;
    Ok(meter.finish())
}

/// Walks a compressed stream to its end, and keeps nothing of what it expands to.
pub(crate) fn walk(format: Format, file: &File, size: u64) -> io::Result<Report> {
    let (coverage, findings) = stream::walk(format, file, size)?;
    Ok(Report { engine: lazaret_inspect::archive::engine(), coverage, findings })
}

/// Why a member is not whole.
fn partial(why: Why) -> Coverage {
    Coverage::Partial(why)
}
