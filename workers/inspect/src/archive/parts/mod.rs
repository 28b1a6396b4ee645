//! What the parts of a document say that it fetches from elsewhere, or has done by other programs, and what they say that
//! others of its parts are.

mod books;
mod fields;
mod formulas;
mod odf;
mod relations;
mod types;
mod vml;
mod xml;

use super::log::Log;
use lazaret_report::Finding;

/// Longest part that is read.
pub const LONGEST: usize = 16 << 20;

const EXTERNAL: &str = "structure.external";
const MACRO: &str = "structure.macro";
const OBJECT: &str = "structure.object";

/// The code of a finding, and what was seen.
type Told = (&'static str, String);

/// Whether [`judge`] has something to say of a member of this name, whatever it holds.
pub fn is_judged(name: &str) -> bool {
    let name = name.to_lowercase();
    name.ends_with(".rels") || name.ends_with(".xml")
}

/// Whether these bytes, the beginning of a member, are what [`judge`] reads, whatever it is called: a tag, of one, two or
/// four bytes a character, or of an old code page of IBM's.
pub fn reads_as_markup(head: &[u8]) -> bool {
    const EBCDIC: &[u8] = b"\x4c\x6f\xa7\x94\x93";
    let mark = |b: &&u8| matches!(b, 0 | 0xef | 0xbb | 0xbf | 0xfe | 0xff) || b.is_ascii_whitespace();
    head.iter().find(|b| !mark(b)) == Some(&b'<') || head.starts_with(EBCDIC)
}

/// What `part`, a member of a document, tells. What cannot be read for sure counts as fetching; `whole` is false where
/// `part` is only the beginning of it.
pub fn judge(name: &str, part: &[u8], whole: bool) -> Vec<Finding> {
    let mut log = Log::default();
    let lower = name.to_lowercase();
    // As LibreOffice writes settings that nobody has changed.
    let is_empty = whole && part.is_empty() && lower.starts_with("configurations2/");
    let mut told = if is_empty {
        Vec::new()
    } else if lower.ends_with(".rels") {
        relations::judge(part)
    } else if lower == "[content_types].xml" {
        types::judge(part)
    } else {
        match xml::root(part) {
            Some(root) if root.starts_with(odf::PREFIX) => odf::judge(part),
            Some(root) if fields::LANGUAGES.iter().any(|prefix| root.starts_with(prefix)) => {
                fields::judge(part)
            }
            Some(root) if root.is_empty() || root.starts_with(vml::LANGUAGE) => {
                let found = vml::fetched(part).unwrap_or_else(|| vec![xml::ODD.to_owned()]);
                found.into_iter().map(|what| (EXTERNAL, what)).collect()
            }
            // Nobody fetches anything for what is none of the document's own languages.
            Some(_) => Vec::new(),
            None => vec![(EXTERNAL, xml::ODD.to_owned())],
        }
    };
    if !whole {
        told.push((EXTERNAL, "too much to be read".to_owned()));
    }
    for (code, what) in told {
        let does = match code {
            MACRO => "tells of macros",
            OBJECT => "tells of an object embedded in the document",
            _ => "fetches from elsewhere",
        };
        log.member(code, name, &format!("{does}: {}", crate::quote::quoted(&what)));
    }
    log.finish().1
}

pub use books::judge as judge_of_book;

#[cfg(test)]
mod tests;
