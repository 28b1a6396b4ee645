//! What is written on pages (ISO 32000-1, 7.8.2): operators with what they are applied to, read far enough to know that they
//! are whole. Not read: text that is packed with differences (`/DecodeParms`), and that of forms which pages refer to.

use super::super::source::{Source, Stop};
use super::dictionary::{Dictionary, Filter};
use super::reference::{Listed, begins, object, resolved};
use super::streams::Raw;
use super::syntax::{Bad, Reader, Token, Value};
use super::{filters, is_white};
use memchr::memmem;
use std::io::{self, Cursor, Read};

/// What all pages together may unpack to, in bytes.
const WRITTEN: u64 = 256 << 20;
/// Behind a picture within a page so much must look like the rest of one: bytes, and tokens.
const AHEAD: usize = 1024;
const TOKENS: usize = 10;

/// The pages of one document.
pub(super) struct Pages {
    left: u64,
}

impl Default for Pages {
    fn default() -> Self {
        Self { left: WRITTEN }
    }
}

impl Pages {
    pub(super) fn read(&mut self, source: &mut Source<'_>, page: &Value, listed: &Listed) -> Result<(), Bad> {
        let Some(contents) = page.entry(b"Contents") else { return Ok(()) };
        let parts = match contents {
            Value::Array(parts) => parts.clone(),
            // A stream, or a list of some.
            reference => match resolved(source, reference.clone(), listed)? {
                Some(Value::Array(parts)) => parts,
                Some(_) => vec![reference.clone()],
                None => return Ok(()),
            },
        };
        let (mut written, mut at) = (Vec::new(), None);
        for part in &parts {
            let Value::Reference(number, generation) = part else { continue };
            let Some((place, _)) = listed.place(*number) else { continue };
            let (value, content) = object(source, place, Some((*number, *generation)))?;
            let Some(content) = content else {
                return Err(Bad::Broken(place, "a page whose text is no stream"));
            };
            if !self.unpack(source, &value, content, listed, &mut written)? {
                return Ok(());
            }
            at.get_or_insert(content);
            // What stands in the next one is another word.
            written.push(b'\n');
        }
        // Where in the file it stands, no reader could tell of what is packed.
        whole(&written).map_err(|bad| match bad {
            Bad::Broken(_, why) => Bad::Broken(at.unwrap_or_default(), why),
            bad => bad,
        })
    }

    /// False where it is packed in a way that is not undone here.
    fn unpack(
        &mut self,
        source: &mut Source<'_>,
        value: &Value,
        content: u64,
        listed: &Listed,
        into: &mut Vec<u8>,
    ) -> Result<bool, Bad> {
        let mut entry =
            |name: &[u8]| resolved(source, value.entry(name).cloned().unwrap_or(Value::Other), listed);
        let (Some(Value::Whole(length)), Some(filter)) = (entry(b"Length")?, entry(b"Filter")?) else {
            return Ok(false);
        };
        let names = match filter {
            Value::Array(names) => names,
            Value::Other => Vec::new(),
            name => vec![name],
        };
        let filter = |name: &Value| match name {
            Value::Name(name) => Filter::of(name),
            _ => Filter::Unknown,
        };
        let dictionary = Dictionary { filters: names.iter().map(filter).collect(), ..Dictionary::default() };
        let ends = |filter: &Filter| matches!(filter, Filter::Picture | Filter::Crypt | Filter::Unknown);
        let parameters = [&b"DecodeParms"[..], b"DP"].iter().any(|name| value.entry(name).is_some());
        if parameters || dictionary.filters.iter().any(ends) {
            return Ok(false);
        }
        begins(source, content)?;
        let before = into.len();
        let raw = Raw(source).take(length);
        match filters::undo(raw, &dictionary).take(self.left).read_to_end(into) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Other => return Err(Stop::Io(error).into()),
            Err(_) => return Err(Bad::Broken(content, "a page whose text cannot be unpacked")),
        }
        self.left -= (into.len() - before) as u64;
        if self.left == 0 { Err(Bad::Long) } else { Ok(true) }
    }
}

/// Whether all of it can be read, and all brackets are in pairs.
fn whole(written: &[u8]) -> Result<(), Bad> {
    let mut input = Cursor::new(written);
    let mut source = Source::new(&mut input, written.len() as u64)?;
    let mut reader = Reader::at(&mut source, 0)?;
    let (mut open, mut is_picture) = (Vec::new(), false);
    while reader.goes_on()? {
        match reader.token()? {
            Token::Open(bracket) => open.push(bracket),
            Token::Close(bracket) if open.pop() != Some(bracket) => {
                return Err(Bad::Broken(0, "a bracket that closes nothing"));
            }
            Token::Word(word) if word == b"BI" => is_picture = true,
            Token::Word(word) if word == b"ID" && is_picture => {
                is_picture = false;
                let at = usize::try_from(reader.source.position()).unwrap_or(usize::MAX);
                let end = at + picture(written.get(at..).unwrap_or_default())?;
                reader = Reader::at(&mut source, end as u64)?;
            }
            _ => {}
        }
    }
    if open.is_empty() { Ok(()) } else { Err(Bad::Broken(0, "a bracket that is never closed")) }
}

/// How long a picture is that stands within a page (8.9.7). Nothing says it but the word at its end, which may be among its
/// own bytes: the first one counts behind which a page goes on.
fn picture(bytes: &[u8]) -> Result<usize, Bad> {
    memmem::find_iter(bytes, b"EI")
        .map(|at| (at, at + 2))
        .find(|(at, end)| {
            let (before, behind) = (&bytes[..*at], &bytes[*end..]);
            before.last().is_none_or(|byte| is_white(*byte))
                && behind.first().is_none_or(|byte| is_white(*byte))
                && goes_on(behind)
        })
        .map(|(_, end)| end)
        .ok_or(Bad::Broken(0, "a picture within a page that does not end"))
}

fn goes_on(rest: &[u8]) -> bool {
    let bytes = &rest[..rest.len().min(AHEAD)];
    let tokens = || {
        let mut input = Cursor::new(bytes);
        let mut source = Source::new(&mut input, bytes.len() as u64)?;
        let mut reader = Reader::at(&mut source, 0)?;
        for _ in 0..TOKENS {
            if !reader.goes_on()? {
                break;
            }
            reader.token()?;
        }
        Ok(())
    };
    // It may be cut off where no more of it is looked at.
    match tokens() {
        Ok(()) => true,
        Err(Bad::Broken(at, _)) => at >= AHEAD as u64,
        Err(_) => false,
    }
}
