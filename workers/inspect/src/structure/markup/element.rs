//! Elements and attributes of HTML and SVG that act or load. Names are local and in lower case.

use super::{Acts, reference, style};
use crate::quote::quoted;

const SCRIPT: &str = "a script";
const FRAME: &str = "a frame or an object";
const HANDLER: &str = "an event handler";
const REFRESH: &str = "a page that goes elsewhere by itself";
const FOREIGN: &str = "html inside of a picture";
const FORM: &str = "a form that sends data";
const ANIMATION: &str = "an animation that changes an address";

/// What an element does by being there.
pub(super) fn element(name: &str) -> Option<Acts> {
    let kind = match name {
        "script" | "handler" | "listener" => SCRIPT,
        "iframe" | "frame" | "object" | "embed" | "applet" | "portal" | "fencedframe" | "webview"
        | "bgsound" => FRAME,
        "foreignobject" => FOREIGN,
        _ => return None,
    };
    Some(Acts::new(kind, format!("<{name}>")))
}

/// What an attribute of `element` does.
pub(super) fn attribute(element: &str, name: &str, value: &str) -> Option<Acts> {
    if name.len() > 2 && name.starts_with("on") && name.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Some(Acts::new(HANDLER, quoted(name)));
    }
    let by_name = match name {
        "href" if matches!(element, "a" | "area") => reference::followed(value),
        "href" | "src" | "poster" | "background" | "data" | "code" | "codebase" | "archive" | "classid"
        | "manifest" | "icon" | "lowsrc" | "dynsrc" | "base" | "ping" => reference::loaded(value),
        "srcset" | "imagesrcset" => reference::set(value),
        "action" | "formaction" => reference::loaded(value).map(|acts| Acts { kind: FORM, ..acts }),
        "srcdoc" => Some(Acts::new(FRAME, "srcdoc")),
        "http-equiv" if value.trim().eq_ignore_ascii_case("refresh") => Some(Acts::new(REFRESH, "")),
        "attributename" => changes_address(value).then(|| Acts::new(ANIMATION, quoted(value))),
        "style" => style::judge(value),
        _ => None,
    };
    // SVG takes addresses in many attributes that style may set, and animates to them.
    by_name.or_else(|| (name != "style" && may_be_style(value)).then(|| style::judge(value)).flatten())
}

fn changes_address(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    let local = name.rsplit(':').next().unwrap_or_default();
    matches!(local, "href" | "src") || local.starts_with("on")
}

/// Ordinary texts hold neither, and need no closer look.
fn may_be_style(value: &str) -> bool {
    value.contains(['(', '\\']) || value.to_ascii_lowercase().contains("javascript:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes() {
        for (element, name, value, acts) in [
            ("a", "href", "https://a.example/", false),
            ("a", "href", "javascript:x", true),
            ("use", "href", "#a", false),
            ("use", "href", "other.svg#a", true),
            ("image", "href", "data:image/png;base64,AA", false),
            ("svg", "onload", "x", true),
            ("g", "once-more", "x", false),
            ("rect", "fill", "url(#a)", false),
            ("rect", "fill", "url(//a.example/#a)", true),
            ("rect", "transform", "rotate(3)", false),
            ("animate", "attributename", "xlink:href", true),
            ("animate", "attributename", "opacity", false),
            ("set", "to", "javascript:x", true),
            ("form", "action", "/x", true),
            ("meta", "http-equiv", "Refresh", true),
            ("p", "title", "call (me)", false),
        ] {
            assert_eq!(attribute(element, name, value).is_some(), acts, "{element} {name}={value}");
        }
    }
}
