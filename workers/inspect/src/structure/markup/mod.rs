//! Markup that browsers act on: SVG and XHTML through an XML tokenizer, HTML through an HTML tokenizer, and in both what
//! acts or reaches out of the file: scripts, event handlers, frames, addresses of other files, style sheets that load,
//! entities. The whole text is held in memory, up to a limit.

mod element;
mod encoding;
mod html;
mod markdown;
mod reference;
mod style;
mod xml;

pub(super) use html::walk as html;
pub(super) use markdown::walk as markdown;
pub(super) use xml::{svg, xhtml};

use super::log::Log;
use encoding::Text;
use html::Page;
use lazaret_report::Finding;
use std::collections::BTreeSet;

/// Longer texts are not looked into.
const LONGEST: u64 = 32 << 20;

/// What acts, in words, and where an example of it would be of help, that.
#[derive(Debug, PartialEq)]
struct Acts {
    kind: &'static str,
    detail: String,
}

impl Acts {
    fn new(kind: &'static str, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

/// What acts in a part of a book, whatever that is called. In `lists` of the book's own parts their addresses are no
/// finding. `None`: it cannot be read for sure.
pub(super) fn part(part: &[u8], lists: bool) -> Option<Vec<Finding>> {
    let text = Text::decode(part.to_vec()).ok()?;
    let mut told = Told::default();
    if lists {
        told.0.insert(reference::EXTERNAL);
    }
    let mut log = Log::default();
    let page = Page::default().read_twice(&text, &mut told, &mut log).ok()?;
    (page.tags > 0).then(|| log.into_findings())
}

/// What has been found already: each kind is told once.
#[derive(Default)]
struct Told(BTreeSet<&'static str>);

impl Told {
    /// `at`: the byte of the text where it stands.
    fn tell(&mut self, acts: Acts, text: &Text, at: usize, log: &mut Log) {
        if self.0.insert(acts.kind) {
            let Acts { kind, detail } = acts;
            let what = if detail.is_empty() { kind.to_owned() } else { format!("{kind}: {detail}") };
            log.active(text.offset(at), format!("the document carries {what}"));
        }
    }
}
