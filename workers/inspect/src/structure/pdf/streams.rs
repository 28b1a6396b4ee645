//! Every stream of a document (ISO 32000-1 sections 7.3.8 and 7.5.7), found by its keyword and not by any
//! cross-reference, with its filters undone.

use super::dictionary::{Dictionary, Filter};
use super::names::Names;
use super::{filters, is_white};
use crate::structure::log::Log;
use crate::structure::source::{Source, Stop};
use memchr::memmem;
use std::collections::BTreeSet;
use std::io::{self, Read};

/// More streams than this are not looked into.
const STREAMS: usize = 1 << 18;
/// What all streams together may expand to.
const EXPANDED: u64 = 512 << 20;
/// The longest dictionary before a stream.
const DICTIONARY: u64 = 16 * 1024;
/// Filters of one stream, one upon the other.
const FILTERS: usize = 6;
/// Names that reach over the end of a piece are carried over by this much.
const CARRIED: usize = 64;

#[derive(Default)]
pub(super) struct Streams {
    /// Offsets of the keyword.
    at: Vec<u64>,
    more: bool,
    /// Those of them that are taken for a word of some text.
    text: BTreeSet<u64>,
}

impl Streams {
    pub(super) fn window(&mut self, window: &[u8], offset: u64, own: usize) {
        for at in memmem::find_iter(window, b"stream").take_while(|at| *at < own) {
            let ends = window.get(at + 6).is_some_and(|b| is_white(*b));
            if ends && !window[..at].ends_with(b"end") {
                self.more |= self.at.len() == STREAMS;
                if !self.more {
                    self.at.push(offset + at as u64);
                }
            }
        }
    }

    /// Looks into every stream for names.
    pub(super) fn look(
        &mut self,
        source: &mut Source<'_>,
        names: &mut Names,
        log: &mut Log,
    ) -> Result<(), Stop> {
        if self.more {
            log.partial("limit.parts", format!("more than {STREAMS} streams"));
        }
        let mut budget = EXPANDED;
        let mut buffer = vec![0; 64 * 1024];
        for &at in &self.at {
            let Some(dictionary) = before(source, at, log)? else {
                self.text.insert(at);
                continue;
            };
            if !worth_it(&dictionary, at, log) {
                continue;
            }
            data(source, at)?;
            let expanded = read(source, &dictionary, budget, &mut buffer, at, names, log)?;
            budget -= expanded;
            if budget == 0 {
                log.partial("limit.expanded", format!("its streams expand to more than {EXPANDED} bytes"));
                break;
            }
        }
        Ok(())
    }
}

impl Streams {
    /// Holds what was looked into against the streams that the cross-reference reaches, by their keywords: a reader
    /// comes to those, whatever stands before them.
    pub(super) fn hold_against(&self, reached: &[u64], log: &mut Log) {
        let missed = |at: &&u64| self.text.contains(at) || self.at.binary_search(at).is_err();
        if let Some(at) = reached.iter().find(missed).filter(|_| !self.more) {
            log.malformed(*at, "a stream that is no stream to some readers");
        }
    }
}

/// The dictionary before the keyword at `at`; `None` where the word is only text.
fn before(source: &mut Source<'_>, at: u64, log: &mut Log) -> Result<Option<Dictionary>, Stop> {
    let from = at.saturating_sub(DICTIONARY);
    source.seek(from)?;
    let bytes = source.peek(usize::try_from(at - from).unwrap_or_default())?;
    // A zero is white space, too.
    let white = bytes.iter().rev().take_while(|b| is_white(**b)).count();
    let text = &bytes[..bytes.len() - white];
    let line = text.rsplit(|b| matches!(b, b'\r' | b'\n')).next().unwrap_or_default();
    if !text.ends_with(b">>") && !line.contains(&b'%') {
        return Ok(None);
    }
    let object = memmem::rfind(&bytes, b"obj").map(|obj| super::trim(&bytes[obj + 3..]));
    match object.filter(|object| object.starts_with(b"<<")) {
        Some(object) => Ok(Some(Dictionary::read(object))),
        None => {
            log.malformed(at, "a stream whose dictionary cannot be told");
            Ok(Some(Dictionary::read(text)))
        }
    }
}

/// Whether anything is hidden in the stream that can be brought to light; notes what cannot.
fn worth_it(dictionary: &Dictionary, at: u64, log: &mut Log) -> bool {
    let has = |filter| dictionary.filters.contains(&filter);
    if dictionary.ambiguous || dictionary.filters.len() > FILTERS || has(Filter::Unknown) {
        log.malformed(at, "a stream whose filters cannot be told");
    }
    if has(Filter::Crypt) {
        log.partial("encrypted", "a stream is encrypted");
    }
    if dictionary.objects && (dictionary.indirect || dictionary.predicted || has(Filter::Picture)) {
        log.partial("unsupported", "objects packed in a way that cannot be undone");
    }
    let plain = dictionary.filters.is_empty() && !dictionary.indirect;
    let picture = dictionary.picture && !dictionary.objects;
    !plain && !picture && dictionary.filters.len() <= FILTERS
}

/// Steps over the keyword and the line end behind it.
fn data(source: &mut Source<'_>, at: u64) -> Result<(), Stop> {
    source.seek(at + 6)?;
    let end = source.peek(2)?;
    source.skip(match end.as_slice() {
        b"\r\n" => 2,
        _ => 1,
    })
}

/// Reads what a stream decodes to, up to `budget`, and gives how much that was. A stream that breaks off decodes for
/// its readers, too, to what came before.
fn read(
    source: &mut Source<'_>,
    dictionary: &Dictionary,
    budget: u64,
    buffer: &mut [u8],
    at: u64,
    names: &mut Names,
    log: &mut Log,
) -> Result<u64, Stop> {
    let guessed = Dictionary { filters: vec![Filter::Flate], ..Dictionary::default() };
    let dictionary = if dictionary.indirect { &guessed } else { dictionary };
    let mut decoded = filters::undo(Raw(source), dictionary).take(budget);
    let (mut held, mut expanded) = (0, 0_u64);
    loop {
        match decoded.read(&mut buffer[held..]) {
            Ok(0) => break,
            Ok(n) => {
                expanded += n as u64;
                let length = held + n;
                names.decoded(&buffer[..length], at);
                let keep = length.min(CARRIED);
                buffer.copy_within(length - keep..length, 0);
                held = keep;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::Other => return Err(Stop::Io(e)),
            Err(_) => {
                if dictionary.objects {
                    log.malformed(at, "packed objects that cannot be unpacked to their end");
                }
                break;
            }
        }
    }
    Ok(expanded)
}

/// The bytes of the file from here on.
pub(super) struct Raw<'a, 'b>(pub(super) &'a mut Source<'b>);

impl Read for Raw<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let have = match self.0.fill() {
            Ok(have) => have,
            Err(Stop::Io(e)) => return Err(e),
            Err(_) => return Ok(0),
        };
        let n = have.len().min(into.len());
        into[..n].copy_from_slice(&have[..n]);
        self.0.consume(n);
        Ok(n)
    }
}
