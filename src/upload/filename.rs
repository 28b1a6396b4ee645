//! File names as users send them: kept as metadata, cleaned where shown, never a path.

use unicode_segmentation::UnicodeSegmentation;

/// The longest name kept, in bytes of UTF-8; the rest is cut at a character.
pub const KEPT_BYTES: usize = 10 * 1024;
/// The longest name shown, in grapheme clusters.
const SHOWN_CLUSTERS: usize = 120;

/// A name to show or to offer for download: the last component, without control and bidirectional-override
/// characters, and without those that some file system forbids. Never empty.
pub fn display(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or("");
    let clean: String = last
        .chars()
        .map(|c| if matches!(c, '"' | '*' | ':' | '<' | '>' | '?' | '|') { '_' } else { c })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .collect();
    let clean = clean.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let clusters: Vec<&str> = clean.graphemes(true).collect();
    if clusters.is_empty() {
        return "unnamed".to_owned();
    }
    if clusters.len() <= SHOWN_CLUSTERS {
        return bounded(clean, KEPT_BYTES).to_owned();
    }
    // Keep the extension: it is what people look for at the end.
    let tail = clusters.len() - 20;
    let short = format!("{}…{}", clusters[..SHOWN_CLUSTERS - 21].concat(), clusters[tail..].concat());
    bounded(&short, KEPT_BYTES).to_owned()
}

/// The name as it is kept: cut to [`KEPT_BYTES`], else untouched.
pub fn kept(name: &str) -> &str {
    bounded(name, KEPT_BYTES)
}

/// The extension in lower case, without the dot.
pub fn extension(name: &str) -> Option<String> {
    let name = display(name);
    let (stem, extension) = name.rsplit_once('.')?;
    (!stem.is_empty() && !extension.is_empty()).then(|| extension.to_lowercase())
}

fn bounded(name: &str, bytes: usize) -> &str {
    &name[..name.floor_char_boundary(bytes)]
}

/// Characters that change how the rest is shown, or that are not shown at all.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
        | '\u{061C}' | '\u{00AD}' | '\u{E0000}'..='\u{E007F}' | '\u{FFF9}'..='\u{FFFB}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned_where_shown() {
        let cases = [
            ("photo.jpg", "photo.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\a.exe", "a.exe"),
            ("cute\u{202E}gpj.exe", "cutegpj.exe"),
            ("a\r\nSet-Cookie: x.png", "aSet-Cookie_ x.png"),
            ("....", "unnamed"),
            ("", "unnamed"),
            (".htaccess", "htaccess"),
            // Found by fuzzing: what stands behind the dots of a beginning counts too.
            (". . a.png .", "a.png"),
            ("naïve résumé 你好.pdf", "naïve résumé 你好.pdf"),
            ("a\0b.png", "ab.png"),
        ];
        for (name, shown) in cases {
            assert_eq!(display(name), shown, "{name:?}");
        }
    }

    #[test]
    fn long_names_are_cut_between_clusters_and_keep_their_extension() {
        let long = format!("{}.jpeg", "é".repeat(10_000));
        let shown = display(&long);
        assert!(
            shown.graphemes(true).count() <= SHOWN_CLUSTERS
                && shown.ends_with(".jpeg")
                && shown.contains('…')
        );
        assert!(kept(&long).len() <= KEPT_BYTES);
        assert_eq!(extension(&long).as_deref(), Some("jpeg"));
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_is_never_a_path_nor_empty(name in ".{0,300}") {
            let shown = display(&name);
            let dangerous = ['/', '\\', '\0', '\n', '\r', '\u{202E}'];
            proptest::prop_assert!(!shown.contains(dangerous));
            proptest::prop_assert!(!["", ".", ".."].contains(&shown.as_str()));
            proptest::prop_assert_eq!(display(&shown), shown);
        }
    }
}
