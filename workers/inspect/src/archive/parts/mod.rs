//! What the parts of a document say that it fetches from elsewhere, or has done by other programs.

mod fields;
mod odf;
mod relations;
mod xml;

use super::log::Log;
use lazaret_report::Finding;

/// Longest part that is read.
pub const LONGEST: usize = 16 << 20;

/// Whether [`judge`] has something to say of a member of this name.
pub fn is_judged(name: &str) -> bool {
    let name = name.to_lowercase();
    name.ends_with(".rels") || name.ends_with(".xml")
}

/// What `part`, a member of a document, fetches. What cannot be read for sure counts as fetching; `whole` is false where
/// `part` is only the beginning of it.
pub fn judge(name: &str, part: &[u8], whole: bool) -> Vec<Finding> {
    let mut log = Log::default();
    let mut told = if name.to_lowercase().ends_with(".rels") {
        relations::external(part)
    } else {
        match xml::root(part) {
            Some(root) if root.starts_with(odf::PREFIX) => odf::external(part),
            Some(root) if root.starts_with(fields::TRANSITIONAL) || root.starts_with(fields::STRICT) => {
                fields::external(part)
            }
            // Nobody fetches anything for what is none of the document's own languages.
            Some(_) => Vec::new(),
            None => vec![xml::ODD.to_owned()],
        }
    };
    if !whole {
        told.push("too much to be read".to_owned());
    }
    for what in told {
        log.member(
            "structure.external",
            name,
            &format!("fetches from elsewhere: {}", crate::quote::quoted(&what)),
        );
    }
    log.finish().1
}

#[cfg(test)]
mod tests;
