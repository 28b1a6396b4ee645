//! OLE2, the Compound File Binary Format ([MS-CFB]) of older office documents: read by the crate `cfb`, which holds
//! tables and chains against each other; what the streams are called tells macros, objects and encryption.

use super::log::Log;
use super::{ReadSeek, holds};
use lazaret_report::{Coverage, Finding};
use std::io::{self, Read};

pub(super) fn walk(file: &mut dyn ReadSeek, size: u64) -> io::Result<(Coverage, Vec<Finding>)> {
    let mut log = Log::default();
    if let Some(short) = holds(file, size)? {
        return Ok((short, Vec::new()));
    }
    let mut compound = match cfb::CompoundFile::open(file) {
        Ok(compound) => compound,
        Err(e) => {
            let why = format!("the tables are broken: {}", crate::quote::quoted(&e.to_string()));
            log.malformed(0, why.clone());
            log.fail("malformed", why);
            return Ok(log.finish());
        }
    };
    let streams: Vec<_> =
        compound.walk().filter(|entry| entry.is_stream()).map(|e| (e.path().to_owned(), e.len())).collect();
    for (path, length) in &streams {
        let name = path.to_string_lossy();
        judge(&name, &mut log);
        let read = compound
            .open_stream(path)
            .and_then(|stream| io::copy(&mut stream.take(*length), &mut io::sink()));
        if read.ok() != Some(*length) {
            log.member("structure.malformed", &name, "cannot be read to its end");
            log.gap("malformed", "a stream cannot be read to its end");
        }
    }
    Ok(log.finish())
}

fn judge(path: &str, log: &mut Log) {
    let lower = path.to_lowercase();
    let last = lower.rsplit('/').next().unwrap_or_default();
    // [MS-OVBA] 2.2.1: the storage of a project holds these two.
    if last == "_vba_project"
        || last == "dir" && lower.contains("/vba/")
        || lower.contains("_vba_project_cur")
    {
        log.member("structure.macro", path, "holds macros");
    }
    // [MS-OLEDS] 2.3.6 and 2.3.3, and what Word keeps its objects in.
    if last == "\u{1}ole10native" || last == "package" || lower.contains("/objectpool/") {
        log.member("structure.object", path, "is an object embedded in the document");
    }
    // [MS-OFFCRYPTO] 2.3.4.4: an encrypted document of the newer kind in a shell of the older one.
    if last == "encryptedpackage" || last == "encryptedsummary" {
        log.member("structure.encrypted", path, "is encrypted");
        log.gap("encrypted", "the document is encrypted");
    }
}
