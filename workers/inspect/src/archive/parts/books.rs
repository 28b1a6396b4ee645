//! Parts of electronic books: what a page is, a book's list of its parts says, and the name of a part says nothing.

use super::{EXTERNAL, xml};
use crate::quote::quoted;
use crate::structure::of_book;
use lazaret_report::{Evidence, Finding};

/// The languages in which books list their parts (EPUB 3.3, 5.4 and OCF; NCX of DAISY; SMIL).
const LISTS: [&str; 4] = [
    "http://www.idpf.org/2007/opf",
    "urn:oasis:names:tc:opendocument:xmlns:container",
    "http://www.daisy.org/z3986/2005/ncx/",
    "http://www.w3.org/ns/SMIL",
];

/// What acts in a part that reads as markup. What cannot be read for sure counts as fetching; `whole` is false where `part`
/// is only the beginning of it.
pub fn judge(name: &str, part: &[u8], whole: bool) -> Vec<Finding> {
    let name = quoted(name);
    let lists = xml::root(part).is_some_and(|root| LISTS.contains(&root.as_str()));
    let odd =
        |why: &str| vec![Finding::new(EXTERNAL, format!("member {name} fetches from elsewhere: {why}"))];
    let found = match of_book(part, lists) {
        _ if !whole => odd("too much to be read"),
        None => odd(xml::ODD),
        Some(found) => found
            .into_iter()
            .filter(|finding| finding.code == "structure.active")
            .map(|finding| Finding::new(&finding.code, format!("member {name}: {}", finding.detail)))
            .collect(),
    };
    found.into_iter().map(|finding| finding.at(Evidence::Member { name: name.clone() })).collect()
}
