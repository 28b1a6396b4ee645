//! The names that stand for active content, wherever they are and however they are written: `/J#61vaScript` is
//! `/JavaScript` (ISO 32000-1 section 7.3.5).

use super::ends_name;
use crate::structure::log::Log;

/// Names in the dictionaries of things that act, and what they are.
const ACTIVE: &[(&[u8], &str)] = &[
    (b"JavaScript", "scripts"),
    (b"Launch", "an action that launches programs"),
    (b"EmbeddedFile", "embedded files"),
    (b"EmbeddedFiles", "embedded files"),
    (b"GoToE", "a jump into an embedded file"),
    (b"GoToR", "a jump into another file"),
    (b"RichMedia", "embedded media"),
    (b"Rendition", "media that may run scripts"),
    (b"SubmitForm", "an action that sends data"),
    (b"ImportData", "an action that takes data from a file"),
    (b"XFA", "a form that may run scripts"),
    (b"FileAttachment", "embedded files"),
    (b"EF", "embedded files"),
    (b"AF", "embedded files"),
    (b"OnInstantiate", "scripts"),
    (b"RichMediaExecute", "media that may run scripts"),
    (b"Movie", "embedded media"),
    (b"Sound", "embedded media"),
    (b"3D", "embedded media"),
];

/// So short that pictures hold them by chance: what they name is then no object.
const SHORT: usize = 2;

/// The longest name that matters, written with an escape for each of its bytes.
const LONGEST: usize = 3 * 16;

#[derive(Debug, Default)]
pub(super) struct Names {
    seen: Vec<(&'static str, u64)>,
    /// The document names an encryption dictionary.
    pub encrypted: bool,
}

impl Names {
    /// Looks at the names that begin in the first `own` bytes of a window of the file.
    pub(super) fn window(&mut self, window: &[u8], offset: u64, own: usize) {
        for at in memchr::memchr_iter(b'/', &window[..own]) {
            self.name(&window[at + 1..], offset + at as u64, true);
        }
    }

    /// Looks at the names in what a stream at `at` decodes to.
    pub(super) fn decoded(&mut self, bytes: &[u8], at: u64) {
        for slash in memchr::memchr_iter(b'/', bytes) {
            self.name(&bytes[slash + 1..], at, false);
        }
    }

    fn name(&mut self, bytes: &[u8], at: u64, plain: bool) {
        // Most slashes are part of pictures: their next byte tells.
        if !bytes.first().is_some_and(|b| b"JLEGRSIXAFMO3#".contains(b)) {
            return;
        }
        let name = decode(bytes);
        // A trailer is never encrypted, nor packed with other objects.
        if plain && name == b"Encrypt" {
            self.encrypted = true;
        }
        if let Some((_, what)) = ACTIVE.iter().find(|(active, _)| *active == name)
            && (name.len() > SHORT || names_an_object(bytes))
            && !self.seen.iter().any(|(seen, _)| seen == what)
        {
            self.seen.push((what, at));
        }
    }

    pub(super) fn tell(&self, log: &mut Log) {
        for (what, at) in &self.seen {
            log.active(*at, format!("the document carries {what}"));
        }
    }
}

/// Behind the name, which `bytes` begin with, stands a dictionary, a list, a reference, or a comment before one of them;
/// behind `/3D` what ends the dictionary or goes on with it.
fn names_an_object(bytes: &[u8]) -> bool {
    let length = bytes.iter().take(LONGEST).take_while(|b| !ends_name(**b)).count();
    let value = super::trim(&bytes[length..]);
    let digits = |bytes: &[u8]| bytes.iter().take(20).take_while(|b| b.is_ascii_digit()).count();
    match value {
        [b'<', b'<', ..] | [b'>', b'>', ..] => true,
        [b'[' | b'/' | b'%', rest @ ..] => {
            rest.iter().take(4).all(|b| matches!(b, b' '..=b'~' | b'\t' | b'\r' | b'\n'))
        }
        _ => {
            let generation = super::trim(&value[digits(value)..]);
            let word = super::trim(&generation[digits(generation)..]);
            digits(value) > 0 && digits(generation) > 0 && word.starts_with(b"R")
        }
    }
}

/// The name that `bytes` begin with, its escapes undone; cut where it is longer than any that matters.
pub(super) fn decode(bytes: &[u8]) -> Vec<u8> {
    let raw = &bytes[..bytes.iter().take(LONGEST).take_while(|b| !ends_name(**b)).count()];
    let mut name = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((first, more)) = rest.split_first() {
        let escaped = (*first == b'#').then(|| hex(more)).flatten();
        name.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &more[2..] } else { more };
    }
    name
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let [a, b, ..] = *digits else { return None };
    Some(digit(a)? << 4 | digit(b)?)
}
