//! Members of ZIP archives.

use super::meter::{Meter, Taken, escape};
use super::methods;
use lazaret_inspect::archive::{parts, zip};
use lazaret_inspect::quoted;
use lazaret_report::{Coverage, Evidence, Finding};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

pub(super) fn unpack(file: &mut File, size: u64, meter: &mut Meter<'_>) -> io::Result<()> {
    let listing = zip::list(file, size)?;
    meter.gap(listing.coverage);
    if listing.overlaps {
        return Ok(());
    }
    // A link is a file to a reader that knows no links, and what it holds is looked at.
    let files = || listing.members.iter().filter(|member| member.form != zip::Form::Folder);
    meter.listed = files().count() as u64;
    let declared = files().fold(0u64, |sum, member| sum.saturating_add(member.size));
    if !meter.allows(meter.listed, declared) {
        return Ok(());
    }
    // Some programs ask for no more than this to open a document.
    let is_document = listing.kind.is_document()
        || files().any(|member| {
            let name = member.name.to_lowercase();
            name == "[content_types].xml" || name == "meta-inf/manifest.xml"
        });
    for member in files() {
        if meter.is_full() {
            break;
        }
        if member.encrypted {
            meter.refuse(&member.name, "encrypted", "is encrypted")?;
            continue;
        }
        file.seek(SeekFrom::Start(member.data))?;
        let mut packed = BufReader::with_capacity(32 << 10, &*file).take(member.packed);
        let mut content = match methods::expand(member.method, member.size, &mut packed) {
            Ok(Some(content)) => content,
            Ok(None) => {
                let why = format!("is compressed by method {}, which nothing here unpacks", member.method);
                meter.refuse(&member.name, "unreadable", &why)?;
                continue;
            }
            Err(e) => {
                meter.refuse(&member.name, "unreadable", &format!("cannot be unpacked: {}", escape(&e)))?;
                continue;
            }
        };
        let mut checked = Checked { inner: &mut content, hasher: crc32fast::Hasher::new(), crc: member.crc };
        let manifest = listing.kind.is_document() && is_manifest(&member.name);
        let keep = if is_document { parts::LONGEST } else { 0 };
        let Taken::Whole(kept) = meter.file(&member.name, &mut checked, Some(member.size), keep)? else {
            continue;
        };
        let left = content.unused() + packed.limit();
        if left > 0 {
            let what =
                format!("member {} ends {left} bytes before its packed bytes do", quoted(&member.name));
            meter.find(at(Finding::new("structure.gap", what.clone()), &member.name));
            meter.gap(Coverage::partial("gap", what));
        }
        let too_long = keep > 0 && member.size > keep as u64;
        let is_markup = is_document && parts::reads_as_markup(&kept);
        let is_book = listing.kind == zip::Kind::Epub;
        if is_document && parts::is_judged(&member.name) || is_markup && !is_book {
            let found = parts::judge(&member.name, &kept, !too_long);
            found.into_iter().for_each(|finding| meter.find(finding));
        }
        if is_markup && is_book {
            let found = parts::judge_of_book(&member.name, &kept, !too_long);
            found.into_iter().for_each(|finding| meter.find(finding));
        }
        if manifest
            && (too_long
                || memchr::memmem::find(&kept, b"encryption-data").is_some()
                || is_epub(&member.name))
        {
            let finding = Finding::new("structure.encrypted", "parts of the document are encrypted");
            meter.find(at(finding, &member.name));
            meter.gap(Coverage::partial("encrypted", "parts of the document are encrypted"));
        }
    }
    Ok(())
}

/// Where documents say that parts of them are encrypted: OpenDocument 1.2 part 3, 3.4; EPUB OCF 3.3, 4.2.6.3.1.
fn is_manifest(name: &str) -> bool {
    name == "META-INF/manifest.xml" || is_epub(name)
}

fn is_epub(name: &str) -> bool {
    name == "META-INF/encryption.xml"
}

fn at(finding: Finding, name: &str) -> Finding {
    finding.at(Evidence::Member { name: quoted(name) })
}

/// Reads on, and at the end holds the checksum against the one that the archive tells.
struct Checked<'a> {
    inner: &'a mut dyn Read,
    hasher: crc32fast::Hasher,
    crc: u32,
}

impl Read for Checked<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.hasher.update(&into[..read]);
        if read == 0 && !into.is_empty() && self.hasher.clone().finalize() != self.crc {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum is wrong"));
        }
        Ok(read)
    }
}
