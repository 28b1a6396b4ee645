//! What OpenDocument's parts (version 1.2 part 1, 19.910.2 and elsewhere) refer to by `xlink:href`, and links by DDE.

use super::xml::{self, ODD, Piece};
use super::{EXTERNAL, Told, formulas};

/// What the addresses of its namespaces begin with.
pub(super) const PREFIX: &str = "urn:oasis:names:tc:opendocument:";

pub(super) fn judge(part: &[u8]) -> Vec<Told> {
    let mut found = Vec::new();
    let read = xml::read(part, |piece| {
        let Piece::Element(name, attributes) = piece else { return };
        if name.starts_with("dde-") || name == "event-listener" {
            found.push(name.clone());
        }
        for (_, formula) in attributes.iter().filter(|(key, _)| key == "formula") {
            found.extend(formulas::fetching(formula).map(str::to_owned));
        }
        for (_, target) in attributes.iter().filter(|(key, _)| key == "href") {
            if is_fetched(&name, target.trim()) {
                found.push(target.chars().take(200).collect());
            }
        }
    });
    if read.is_none() {
        found.push(ODD.to_owned());
    }
    found.into_iter().map(|what| (EXTERNAL, what)).collect()
}

fn is_fetched(element: &str, target: &str) -> bool {
    let scheme = target.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    let is_local = |target: &str| target.to_ascii_lowercase().starts_with("file:///");
    match (element, scheme.as_deref()) {
        // Nothing fetches a link until somebody clicks.
        ("a", Some("file" | "vnd.sun.star.script" | "macro" | "script" | "javascript")) => true,
        ("a", _) => false,
        // Where the document's template was when it was made.
        ("template", Some("file")) => !is_local(target),
        ("template", None) => target.starts_with("//") || target.starts_with("\\\\"),
        (_, Some(_)) => true,
        (_, None) => target.starts_with(['/', '\\']) || target.starts_with(".."),
    }
}
