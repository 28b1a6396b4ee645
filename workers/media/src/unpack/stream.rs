//! Compressed streams: one file each, whose end shows only when it is decompressed.

use super::decoder::{Counted, Decoder, skip_frames};
use super::meter::{Meter, escape};
use lazaret_inspect::archive::Format;
use lazaret_inspect::{quoted_bytes, structure};
use lazaret_report::{Coverage, Evidence, Finding};
use std::fs::File;
use std::io::{self, BufRead, Read};

/// What writers put into headers for themselves: a block's length, an index's place.
const BESIDE: u64 = 32;

/// The parts of a stream one after another, as the tools read them. After the last, what is left is not its own.
struct Parts<'a> {
    decoder: Option<Decoder<'a>>,
    format: Format,
    size: u64,
    parts: u64,
    /// Bytes in headers and in frames of their own that belong to no content.
    beside: u64,
    /// What begins where a next part does not.
    rest: Option<(u64, Vec<u8>)>,
}

impl<'a> Parts<'a> {
    fn new(format: Format, file: &'a File, size: u64) -> io::Result<Self> {
        let mut input = Counted::new(file)?;
        let skipped = if format == Format::Zstd { skip_frames(&mut input)? } else { 0 };
        let decoder = Decoder::new(format, input)?;
        let beside = skipped + decoder.beside();
        Ok(Self { decoder: Some(decoder), format, size, parts: 1, beside, rest: None })
    }

    /// The name that the first header of a gzip file tells (RFC 1952, 2.3.1).
    fn name(&self) -> Option<String> {
        let Some(Decoder::Gzip(decoder)) = &self.decoder else { return None };
        Some(String::from_utf8_lossy(decoder.header()?.filename()?).into_owned())
    }

    /// Goes on with the next part; false where there is none.
    fn next(&mut self) -> io::Result<bool> {
        let Some(decoder) = self.decoder.take() else { return Ok(false) };
        let mut input = decoder.into_inner();
        let at = input.at;
        if self.format == Format::Zstd {
            self.beside += skip_frames(&mut input)?;
        }
        let have = input.fill_buf()?;
        if have.is_empty() {
            if input.at != self.size {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is shorter than it was"));
            }
            return Ok(false);
        }
        // A magic number cut in two by the buffer's end is rare, and only ever makes more of a finding.
        if have.starts_with(Decoder::magic(self.format)) {
            self.parts += 1;
            let decoder = Decoder::new(self.format, input)?;
            self.beside += decoder.beside();
            self.decoder = Some(decoder);
            return Ok(true);
        }
        let zeros = only_zeros(&mut input)?;
        if !zeros {
            let sample = input.fill_buf()?;
            self.rest = Some((at, sample[..sample.len().min(16)].to_vec()));
        }
        Ok(false)
    }
}

/// Tape padding, which `gzip` passes over in silence.
fn only_zeros(input: &mut Counted<'_>) -> io::Result<bool> {
    loop {
        let have = input.fill_buf()?;
        if have.is_empty() {
            return Ok(true);
        }
        let zeros = have.iter().take_while(|byte| **byte == 0).count();
        let all = zeros == have.len();
        input.consume(zeros);
        if !all {
            return Ok(false);
        }
    }
}

impl Read for Parts<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(decoder) = &mut self.decoder else { return Ok(0) };
            let read = decoder.read(into)?;
            if read > 0 || into.is_empty() || !self.next()? {
                return Ok(read);
            }
        }
    }
}

pub(super) fn unpack(format: Format, file: &File, size: u64, meter: &mut Meter<'_>) -> io::Result<()> {
    meter.listed = 1;
    let mut parts = match Parts::new(format, file, size) {
        Ok(parts) => parts,
        Err(e) => {
            return meter.refuse("content", "unreadable", &format!("cannot be unpacked: {}", escape(&e)));
        }
    };
    let name = parts.name().filter(|name| !name.is_empty()).unwrap_or_else(|| "content".to_owned());
    meter.file(&name, &mut parts, None, 0)?;
    if parts.rest.is_some() {
        meter.gap(Coverage::partial("trailing", "bytes behind the stream that are no part of it"));
    }
    Ok(())
}

/// To the end, keeping nothing.
pub(super) fn walk(format: Format, file: &File, size: u64) -> io::Result<(Coverage, Vec<Finding>)> {
    let mut findings = Vec::new();
    let mut parts = match Parts::new(format, file, size) {
        Ok(parts) => parts,
        Err(e) => {
            let why = format!("the stream does not begin as it should: {}", escape(&e));
            findings.push(Finding::new("structure.malformed", why.clone()));
            return Ok((Coverage::failed("malformed", why), findings));
        }
    };
    let mut note = |code: &str, detail: String, offset: u64, length: u64| {
        findings.push(Finding::new(code, detail).at(Evidence::Bytes { offset, length }));
    };
    if let Some(name) =
        parts.name().filter(|name| name.contains(['/', '\\', '\0']) || name == ".." || name.len() > 255)
    {
        note(
            "structure.path",
            format!("a name with a path in it, or longer than any: {}", quoted_bytes(name.as_bytes())),
            0,
            0,
        );
    }
    let mut buffer = vec![0; 64 << 10];
    let coverage = loop {
        match parts.read(&mut buffer) {
            Ok(0) => break Coverage::Complete,
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                note("structure.truncated", "the stream ends too early".to_owned(), size, 0);
                break Coverage::partial("truncated", "the stream ends too early");
            }
            Err(e) => {
                let why = format!("the stream is broken: {}", escape(&e));
                note("structure.malformed", why.clone(), 0, 0);
                break Coverage::failed("malformed", why);
            }
        }
    };
    if let Some((at, begin)) = &parts.rest {
        let detail = format!("{} bytes after the end, which begin {}", size - at, quoted_bytes(begin));
        note("structure.trailing", detail, *at, size - at);
    }
    if parts.beside > BESIDE {
        note("structure.gap", format!("{} bytes that belong to no content", parts.beside), 0, size);
    }
    if parts.parts > 1 {
        let detail =
            format!("{} streams one after another, of which some readers take the first alone", parts.parts);
        note("structure.hidden", detail, 0, size);
    }
    findings.extend(structure::in_stream(&mut &*file, size)?);
    Ok((coverage, findings))
}
