//! The cross-reference (ISO 32000-1, 7.5.4 and 7.5.8) that the last `startxref` points to, and those before it: tables are
//! read entry by entry, every object that one lists must be there and whole, and the last trailer must lead to pages. Of
//! what is packed into streams only the stream itself is looked at.

use super::super::log::Log;
use super::super::source::{Source, Stop};
use super::is_white;
use super::page::Pages;
use super::syntax::{Bad, Reader, Token, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Revisions, and objects of all of them together, that are gone through.
const REVISIONS: usize = 1024;
const OBJECTS: usize = 1 << 20;

/// Of the word `stream`, in bytes.
const KEYWORD: u64 = 6;

/// Begins at `at`; places in the file count from `base`.
///
/// `reached` takes where the keyword of each stream stands.
pub(super) fn check(
    source: &mut Source<'_>,
    (at, base): (u64, u64),
    reached: &mut Vec<u64>,
    log: &mut Log,
) -> Result<(), Stop> {
    match revisions(source, at, base, reached) {
        Ok(()) => Ok(()),
        Err(Bad::Long) => {
            log.partial("limit.objects", "more objects, or longer ones, than are read");
            Ok(())
        }
        Err(Bad::Broken(at, why)) => {
            log.malformed(at.min(source.size()), why);
            Ok(())
        }
        Err(Bad::Stop(stop)) => Err(stop),
    }
}

#[derive(Default)]
pub(super) struct Listed {
    /// Where each object begins, and its generation, by the newest revision that says so; `None` where that one deletes
    /// it.
    places: BTreeMap<u64, Option<(u64, u64)>>,
    /// Objects may be listed in streams, too, which are not read here.
    packed: bool,
}

impl Listed {
    /// Where an object begins, and its generation.
    pub(super) fn place(&self, number: u64) -> Option<(u64, u64)> {
        self.places.get(&number).copied().flatten()
    }
}

fn revisions(source: &mut Source<'_>, at: u64, base: u64, reached: &mut Vec<u64>) -> Result<(), Bad> {
    let (mut listed, mut seen, mut root) = (Listed::default(), BTreeSet::new(), None);
    let mut next = Some(at);
    while let Some(at) = next {
        if !seen.insert(at) || seen.len() > REVISIONS {
            return Err(Bad::Broken(at, "cross-references that go in circles"));
        }
        source.seek(at.min(source.size()))?;
        if source.peek(1)?.first().is_some_and(|first| is_white(*first)) {
            return Err(Bad::Broken(at, "white space where a cross-reference is said to begin"));
        }
        let trailer = revision(source, at, base, &mut listed)?;
        listed.packed |= trailer.entry(b"XRefStm").is_some();
        if root.is_none() {
            root = Some(trailer.entry(b"Root").cloned());
        }
        next = match trailer.entry(b"Prev") {
            Some(Value::Whole(place)) => Some(place.saturating_add(base)),
            _ => None,
        };
    }
    let place = |(number, place): (&u64, &Option<(u64, u64)>)| {
        let (place, generation) = (*place)?;
        Some((place, (*number, generation)))
    };
    let mut places: Vec<(u64, (u64, u64))> = listed.places.iter().filter_map(place).collect();
    // From front to back, which is one pass over the file.
    places.sort_unstable();
    for (place, name) in places {
        if let (value, Some(content)) = object(source, place, Some(name))? {
            reached.push(content.saturating_sub(KEYWORD));
            stream(source, &value, content, &listed)?;
        }
    }
    match root.flatten() {
        Some(root @ Value::Reference(..)) => pages(source, root, &listed),
        _ => Err(Bad::Broken(at, "a trailer that names no catalog")),
    }
}

/// One table or stream, and its trailer.
fn revision(source: &mut Source<'_>, at: u64, base: u64, listed: &mut Listed) -> Result<Value, Bad> {
    let mut reader = Reader::at(source, at)?;
    if reader.token()? != Token::Word(b"xref".to_vec()) {
        listed.packed = true;
        return object(source, at, None).map(|(value, _)| value);
    }
    loop {
        let first = match reader.token()? {
            Token::Word(word) if word == b"trailer" => break,
            Token::Word(word) => std::str::from_utf8(&word).ok().and_then(|word| word.parse::<u64>().ok()),
            _ => None,
        };
        let first = first.ok_or(Bad::Broken(at, "a cross-reference table of something else"))?;
        let count = reader.whole()?;
        for number in 0..count {
            // A table may be longer than an object.
            reader = Reader::at(reader.source, reader.source.position())?;
            let (place, generation) = (reader.whole()?, reader.whole()?);
            let place = match reader.token()? {
                // Some writers list at 0 what is not there.
                Token::Word(kind) if kind == b"n" => {
                    Some((place.saturating_add(base), generation)).filter(|_| place > 0)
                }
                Token::Word(kind) if kind == b"f" => None,
                _ => return Err(Bad::Broken(at, "an entry of the cross-reference table that is none")),
            };
            if !matches!(&reader.source.bytes()?, b" \r" | b" \n" | b"\r\n") {
                return Err(Bad::Broken(at, "an entry of the cross-reference table that is none"));
            }
            if listed.places.len() == OBJECTS {
                return Err(Bad::Long);
            }
            listed.places.entry(first.saturating_add(number)).or_insert(place);
        }
    }
    let (trailer, _) = reader.value(&["startxref", "xref"])?;
    Ok(trailer)
}

/// The object at `place`, which must be that of this number and generation, and where its stream begins, if it is one.
pub(super) fn object(
    source: &mut Source<'_>,
    place: u64,
    name: Option<(u64, u64)>,
) -> Result<(Value, Option<u64>), Bad> {
    if place >= source.size() {
        return Err(Bad::Broken(source.size(), "an object is listed behind the end of the file"));
    }
    let mut reader = Reader::at(source, place)?;
    let found = (reader.whole()?, reader.whole()?);
    let begins = reader.token()? == Token::Word(b"obj".to_vec());
    if !begins || name.is_some_and(|name| name != found) {
        return Err(Bad::Broken(place, "another object stands here than the cross-reference says"));
    }
    match reader.value(&["endobj", "stream"]) {
        Ok((value, keyword)) if keyword == b"stream" => Ok((value, Some(source.position()))),
        Ok((value, _)) => Ok((value, None)),
        Err(bad) => Err(bad),
    }
}

/// Looks up a reference; itself where it is none. `None`: it may be packed into a stream.
pub(super) fn resolved(source: &mut Source<'_>, value: Value, listed: &Listed) -> Result<Option<Value>, Bad> {
    let Value::Reference(number, generation) = value else { return Ok(Some(value)) };
    match listed.place(number) {
        Some((place, _)) => Ok(Some(object(source, place, Some((number, generation)))?.0)),
        None if listed.packed => Ok(None),
        None => Ok(Some(Value::Other)),
    }
}

/// Behind the keyword `stream` a line ends, and where the stream's length says there is its end: what lies between a
/// length and the end that readers look for is seen by some of them alone.
fn stream(source: &mut Source<'_>, value: &Value, content: u64, listed: &Listed) -> Result<(), Bad> {
    let length = value.entry(b"Length").cloned().unwrap_or(Value::Other);
    let length = match resolved(source, length, listed)? {
        Some(Value::Whole(length)) => length,
        Some(_) => return Err(Bad::Broken(content, "a stream without its length")),
        None => return Ok(()),
    };
    let begin = begins(source, content)?;
    let mut reader = Reader::at(source, begin.saturating_add(length))?;
    for word in [&b"endstream"[..], b"endobj"] {
        if !matches!(reader.token(), Ok(Token::Word(found)) if found == word) {
            return Err(Bad::Broken(content, "a stream that does not end where its length says"));
        }
    }
    Ok(())
}

/// Goes to the first byte of a stream, behind the line of its keyword.
pub(super) fn begins(source: &mut Source<'_>, content: u64) -> Result<u64, Bad> {
    source.seek(content)?;
    let begin = match source.peek(2)?[..] {
        [b'\r', b'\n'] => content + 2,
        [b'\n', ..] => content + 1,
        _ => return Err(Bad::Broken(content, "a stream that does not begin on a line of its own")),
    };
    source.seek(begin)?;
    Ok(begin)
}

/// The catalog leads to a tree of pages, each of which is there once.
fn pages(source: &mut Source<'_>, root: Value, listed: &Listed) -> Result<(), Bad> {
    let broken = |why| Err(Bad::Broken(0, why));
    let Some(catalog) = resolved(source, root, listed)? else { return Ok(()) };
    let mut open: Vec<Value> = catalog.entry(b"Pages").cloned().into_iter().collect();
    if open.is_empty() {
        return broken("a document without pages");
    }
    let (mut seen, mut written) = (BTreeSet::new(), Pages::default());
    while let Some(value) = open.pop() {
        // Readers take a node that is no object of its own, too.
        if let Value::Reference(number, _) = value
            && !seen.insert(number)
        {
            return broken("pages that go in circles");
        }
        let Some(node) = resolved(source, value, listed)? else { continue };
        match (node.entry(b"Type"), node.entry(b"Kids")) {
            (Some(Value::Name(kind)), Some(kids)) if kind == b"Pages" => {
                match resolved(source, kids.clone(), listed)? {
                    Some(Value::Array(kids)) => open.extend(kids),
                    Some(_) => return broken("a tree of pages without branches"),
                    None => {}
                }
            }
            (Some(Value::Name(kind)), _) if kind == b"Page" => written.read(source, &node, listed)?,
            _ => return broken("a tree of pages that holds something else"),
        }
    }
    Ok(())
}
