//! XML, read strictly: what two readers might read differently is read as nothing.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// In the place of what would be fetched.
pub(super) const ODD: &str = "what cannot be read for sure";

/// A piece of a document.
pub(super) enum Piece {
    /// An element begins: its local name, and the local names and values of its attributes.
    Element(String, Vec<(String, String)>),
    Text(String),
    End,
}

/// Shows every piece to `each`. `None` where it is not well-formed, has a document type, or is in another encoding than
/// UTF-8 and UTF-16.
pub(super) fn read(part: &[u8], mut each: impl FnMut(Piece)) -> Option<()> {
    let text = decode(part)?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let (mut depth, mut roots) = (0_usize, 0);
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                roots += usize::from(depth == 0);
                depth += 1;
                each(element(&tag)?);
            }
            Event::Empty(tag) => {
                roots += usize::from(depth == 0);
                each(element(&tag)?);
                each(Piece::End);
            }
            Event::End(_) => {
                depth = depth.checked_sub(1)?;
                each(Piece::End);
            }
            Event::Text(text) => each(Piece::Text(String::from_utf8_lossy(&text).into_owned())),
            Event::CData(text) => each(Piece::Text(String::from_utf8_lossy(&text).into_owned())),
            Event::GeneralRef(name) => each(Piece::Text(match (&name[..], name.resolve_char_ref()) {
                (_, Ok(Some(c))) => c.to_string(),
                (b"lt" | b"gt" | b"amp" | b"quot" | b"apos", _) => " ".to_owned(),
                _ => return None,
            })),
            Event::Decl(declared) => {
                let label = match declared.encoding() {
                    None => "utf-8".to_owned(),
                    Some(label) => String::from_utf8_lossy(&label.ok()?).to_ascii_lowercase(),
                };
                if !matches!(label.as_str(), "utf-8" | "utf8" | "utf-16" | "us-ascii" | "ascii") {
                    return None;
                }
            }
            Event::DocType(_) => return None,
            Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => return (depth == 0 && roots == 1).then_some(()),
        }
    }
}

/// The address of the namespace that the first element is in, or nothing where it is in none; `None` where that cannot
/// be told.
pub(super) fn root(part: &[u8]) -> Option<String> {
    let text = decode(part)?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) | Event::Empty(tag) => {
                let wanted = match tag.name().prefix() {
                    Some(prefix) => [&b"xmlns:"[..], prefix.as_ref()].concat(),
                    None => b"xmlns".to_vec(),
                };
                let bound = tag.attributes().filter_map(Result::ok).find(|a| a.key.as_ref() == wanted);
                let Some(bound) = bound else { return Some(String::new()) };
                return Some(bound.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned());
            }
            Event::DocType(_) | Event::Eof => return None,
            _ => {}
        }
    }
}

fn element(tag: &BytesStart<'_>) -> Option<Piece> {
    let local = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.ok()?;
        if attribute.key.as_namespace_binding().is_none() {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
            attributes.push((local(attribute.key.local_name().as_ref()), value.into_owned()));
        }
    }
    Some(Piece::Element(local(tag.local_name().as_ref()), attributes))
}

/// UTF-8, or UTF-16 with its mark.
pub(super) fn decode(part: &[u8]) -> Option<String> {
    let units = |from: fn([u8; 2]) -> u16| -> Option<String> {
        let (units, rest) = part.as_chunks::<2>();
        let text: Result<String, _> = char::decode_utf16(units.iter().map(|pair| from(*pair))).collect();
        text.ok().filter(|_| rest.is_empty())
    };
    let text = match part {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        _ => std::str::from_utf8(part).ok().map(str::to_owned),
    };
    text.filter(|text| !text.contains('\0'))
}
