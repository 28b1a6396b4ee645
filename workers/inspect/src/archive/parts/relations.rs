//! What an office document's own relations say (ECMA-376 part 2, 9.3).

use super::xml::{self, ODD, Piece};
use super::{EXTERNAL, Told, types};

/// The targets that a part takes from outside of the document, but for hyperlinks, which nothing fetches until somebody
/// clicks; and within it what no ordinary document holds.
pub(super) fn judge(part: &[u8]) -> Vec<Told> {
    let mut told = Vec::new();
    let mut root = None;
    let read = xml::read(part, |piece| {
        let Piece::Element(name, attributes) = piece else { return };
        if root.is_none() {
            root = Some(name);
        } else {
            told.extend(relation(&name, &attributes));
        }
    });
    if read.is_none() || root.as_deref() != Some("Relationships") {
        told.push((EXTERNAL, ODD.to_owned()));
    }
    told
}

fn relation(name: &str, attributes: &[(String, String)]) -> Option<Told> {
    // By local names: a second one under a prefix of its own is one too many.
    let attribute = |name: &str| {
        let mut all = attributes.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        (all.next(), all.next().is_some())
    };
    let ((mode, m), (kind, k), (target, t)) =
        (attribute("TargetMode"), attribute("Type"), attribute("Target"));
    if name != "Relationship" || m || k || t {
        return Some((EXTERNAL, ODD.to_owned()));
    }
    let target = target.unwrap_or(ODD);
    let click = kind.is_some_and(|kind| kind.ends_with("/hyperlink")) && !target.starts_with("file:");
    let fetched = match mode {
        // Readers are seen to follow addresses that say that they are parts.
        None | Some("Internal") => target.contains("://") || target.starts_with("\\\\"),
        Some("External") => !click,
        Some(_) => true,
    };
    let code = kind.and_then(types::of_relation).or(fetched.then_some(EXTERNAL))?;
    Some((code, target.chars().take(200).collect()))
}
