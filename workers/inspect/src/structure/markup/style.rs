//! Style sheets: what they load. CSS Syntax Module Level 3 section 4.3.7 for escapes: `\75rl(` is `url(`.

use super::{Acts, reference};
use crate::quote::quoted;

const LOADS: &str = "a style sheet that loads other files";
const SCRIPTS: &str = "a style sheet that runs scripts";

/// What in a style sheet, or in one attribute's worth of it, acts.
pub(super) fn judge(css: &str) -> Option<Acts> {
    let css = plain(css);
    if let Some(word) =
        ["expression(", "-moz-binding", "behavior:", "javascript:"].iter().find(|w| css.contains(**w))
    {
        return Some(Acts::new(SCRIPTS, quoted(word)));
    }
    // Their addresses may be bare strings.
    if let Some(word) = ["@import", "image-set(", "image("].iter().find(|w| css.contains(**w)) {
        return Some(Acts::new(LOADS, quoted(word)));
    }
    css.match_indices("url(").find_map(|(at, _)| {
        let argument = css[at + 4..].trim_start();
        let address = match argument.strip_prefix(['"', '\'']) {
            Some(quoted) => quoted.split(['"', '\'']).next(),
            None => argument.split(')').next(),
        };
        reference::loaded(address.unwrap_or_default())
    })
}

/// Lower case, without comments, escapes undone.
fn plain(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some(next) = rest.find(['/', '\\']) {
        out.push_str(&rest[..next]);
        rest = &rest[next..];
        if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, behind)| behind);
        } else if let Some(escaped) = rest.strip_prefix('\\') {
            rest = escape(escaped, &mut out);
        } else {
            out.push('/');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out.to_ascii_lowercase()
}

/// Undoes the escape whose backslash stood before `text`, and gives what follows it.
fn escape<'a>(text: &'a str, out: &mut String) -> &'a str {
    let digits = text.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
    if digits == 0 {
        let mut rest = text.chars();
        out.extend(rest.next().filter(|c| *c != '\n'));
        return rest.as_str();
    }
    out.extend(u32::from_str_radix(&text[..digits], 16).ok().and_then(char::from_u32));
    let rest = &text[digits..];
    rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix([' ', '\t', '\n', '\r', '\x0c'])).unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets() {
        for (css, acts) in [
            ("a { fill: red }", false),
            ("a { fill: url(#gradient) }", false),
            ("a { fill: url( '#gradient' ) }", false),
            ("a { background: url(data:image/png;base64,AA==) }", false),
            ("a { background: url(http://a.example/x) }", true),
            ("a { background: \\75 rl(x.png) }", true),
            ("a { background: u/**/rl(x.png) }", true),
            ("@\\69mport 'x.css'", true),
            ("@import 'x.css'", true),
            ("a { width: expression(alert(1)) }", true),
            ("a { b: image-set('x.png' 1x) }", true),
            ("/* a url(x) in a comment */ a { b: c / d }", false),
            ("\\", false),
        ] {
            assert_eq!(judge(css).is_some(), acts, "{css}");
        }
    }
}
