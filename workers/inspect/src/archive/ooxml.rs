//! What an office document's own relations say that it fetches from elsewhere (ECMA-376 part 2, 9.3).

/// The targets that `part`, a member whose name ends in `.rels`, takes from outside of the document, but for
/// hyperlinks, which nothing fetches until somebody clicks. What cannot be read for sure counts as external.
pub fn external(part: &[u8]) -> Vec<String> {
    let text = decode(part);
    let mut targets = Vec::new();
    for element in text.split('<').skip(1) {
        let element = element.split('>').next().unwrap_or_default();
        let name = element.split([' ', '\t', '\r', '\n', '/']).next().unwrap_or_default();
        if name.rsplit(':').next() != Some("Relationship") {
            continue;
        }
        let mode = attribute(element, "TargetMode").unwrap_or("Internal");
        let is_link = attribute(element, "Type").is_some_and(|kind| kind.ends_with("/hyperlink"));
        let target = attribute(element, "Target").unwrap_or("no target that can be read");
        if mode != "Internal" && !(mode == "External" && is_link && !target.starts_with("file:")) {
            targets.push(target.chars().take(200).collect());
        }
    }
    targets
}

fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = element;
    loop {
        let at = rest.find(name)?;
        let before = rest[..at].chars().next_back();
        let after = rest[at + name.len()..].trim_start();
        if before.is_some_and(char::is_whitespace)
            && let Some(value) = after.strip_prefix('=')
        {
            let value = value.trim_start();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            return value[1..].split(quote).next();
        }
        rest = &rest[at + name.len()..];
    }
}

/// XML is UTF-8, or UTF-16 with a mark.
fn decode(part: &[u8]) -> String {
    let units = |from: fn([u8; 2]) -> u16| -> String {
        let units = part.as_chunks::<2>().0.iter().map(|pair| from(*pair));
        char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect()
    };
    match part {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        _ => String::from_utf8_lossy(part).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = r#"<?xml version="1.0"?><Relationships xmlns="x"><Relationship Id="r1" Type="http://x/styles"
        Target="styles.xml"/><Relationship Id="r2" Type="http://x/hyperlink" Target="https://example.org"
        TargetMode="External"/></Relationships>"#;

    #[test]
    fn what_is_fetched_and_what_is_only_a_link() {
        assert_eq!(external(PLAIN.as_bytes()), [""; 0]);
        let bad = PLAIN.replace("/hyperlink", "/attachedTemplate");
        assert_eq!(external(bad.as_bytes()), ["https://example.org"]);
        let wide: Vec<u8> = "\u{feff}"
            .chars()
            .chain(bad.chars())
            .collect::<String>()
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(external(&wide), ["https://example.org"]);
        // A mode that is written so that a search does not find it.
        let hidden =
            bad.replace("\"External\"", "'&#69;xternal'").replace("<Relationship ", "<p:Relationship\n");
        assert_eq!(external(hidden.as_bytes()).len(), 1);
        let share = PLAIN.replace("https://example.org", "file://host/share");
        assert_eq!(external(share.as_bytes()), ["file://host/share"]);
    }
}
