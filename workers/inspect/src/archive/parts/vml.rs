//! Drawings of older Office programs (ECMA-376 part 4, 19.1), in parts of their own or within others: pictures and fills
//! that lie elsewhere. Excel itself writes drawings that are no well-formed XML, and reads what it takes for HTML.

use super::xml;
use html5gum::{Token, Tokenizer};

/// The languages of such drawings; their parts begin with an element that is in no namespace.
pub(super) const LANGUAGE: &str = "urn:schemas-microsoft-com:";

/// Elements that show a picture, and attributes that say where it lies. Those in `r:` name a relation, which is judged
/// itself.
const PICTURES: [&str; 4] = ["imagedata", "image", "fill", "stroke"];
const ADDRESSES: [&str; 3] = ["src", "althref", "href"];

/// What is fetched by the drawings of a part, read as HTML is. `None` where it is no text.
pub(super) fn fetched(part: &[u8]) -> Option<Vec<String>> {
    let text = xml::decode(part)?;
    let mut found = Vec::new();
    for token in Tokenizer::new(text.as_str()) {
        let Ok(Token::StartTag(tag)) = token else { continue };
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        let attributes = tag.attributes.iter();
        found.extend(attributes.filter_map(|(key, value)| {
            let value = String::from_utf8_lossy(&value.value);
            address(local(&name), local(&String::from_utf8_lossy(key)), &value)
        }));
    }
    Some(found)
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or_default()
}

/// The address in such an attribute, where that is outside of the document.
pub(super) fn address(element: &str, attribute: &str, value: &str) -> Option<String> {
    let is = |names: &[&str], name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    (is(&PICTURES, element) && is(&ADDRESSES, attribute) && is_elsewhere(value))
        .then(|| value.trim().to_owned())
}

fn is_elsewhere(address: &str) -> bool {
    let address = address.trim().to_ascii_lowercase().replace('\\', "/");
    match address.strip_prefix("file:") {
        // Where the picture lay when the document was made.
        Some(path) => path.len() - path.trim_start_matches('/').len() != 3,
        None => address.contains("://") || address.starts_with("//"),
    }
}
