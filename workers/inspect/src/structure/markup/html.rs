//! HTML, after the WHATWG's HTML Living Standard section 13.2.5 (tokenization). The text is read twice: once with scripts,
//! styles and their like as the raw text that they are, once as if all were markup, for readers differ in which is which.
//!
//! HTML needs no end. That a file was cut is seen where it opens `<html>` and does not close it, or ends in the middle of
//! a tag, a comment or a script; else it cannot be known.

use super::encoding::{Text, keeps_ascii};
use super::{Acts, LONGEST, Told, element, reference, style};
use crate::quote::quoted;
use crate::structure::log::Log;
use crate::structure::source::{Source, Stop};
use html5gum::emitters::default::DefaultEmitter;
use html5gum::{Error, StartTag, Token, Tokenizer};

pub(in crate::structure) fn walk(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    let text = Text::decode(source.rest(LONGEST)?)?;
    let page = Page::default().read_twice(&text, &mut Told::default(), log)?;
    if page.tags == 0 {
        return Err(Stop::Malformed(0, "a text without a tag".to_owned()));
    }
    if page.cut || page.raw.is_some() || page.opened && page.closed.is_none() {
        return Err(Stop::Truncated(source.size()));
    }
    match page.behind {
        Some(at) => source.seek(text.offset(at)),
        None => {
            let end = source.size();
            source.seek(end)
        }
    }
}

/// Elements that show a picture, or may.
const PICTURES: [&str; 9] = ["img", "image", "svg", "picture", "video", "audio", "canvas", "style", "input"];
const PICTURE: &str = "a picture that nobody looks at";

/// A text, as far as it was read.
#[derive(Clone, Default)]
pub(super) struct Page {
    pub(super) tags: u64,
    /// Pictures in it are told too, those that lie in the text itself among them.
    without_pictures: bool,
    /// `<html>` stands there, and where `</html>` ends.
    opened: bool,
    closed: Option<usize>,
    /// Where something begins behind `</html>`.
    behind: Option<usize>,
    /// The raw text that is open, and what of it is a style sheet.
    raw: Option<String>,
    css: String,
    /// The file ends in the middle of something.
    cut: bool,
    /// A byte that no text holds has been told of.
    binary: bool,
}

impl Page {
    pub(super) fn without_pictures() -> Self {
        Self { without_pictures: true, ..Self::default() }
    }

    /// With raw text, and without.
    pub(super) fn read_twice(mut self, text: &Text, told: &mut Told, log: &mut Log) -> Result<Self, Stop> {
        let mut again = self.clone();
        self.read(text, true, told, log)?;
        again.read(text, false, told, log)?;
        Ok(self)
    }

    fn read(&mut self, text: &Text, raw: bool, told: &mut Told, log: &mut Log) -> Result<(), Stop> {
        let mut emitter = DefaultEmitter::<usize>::new_with_span();
        emitter.naively_switch_states(raw);
        for token in Tokenizer::new_with_emitter(text.text.as_str(), emitter) {
            let Ok(token) = token;
            match token {
                Token::StartTag(tag) => {
                    let at = tag.span.start;
                    self.tags += 1;
                    self.note_behind(at);
                    self.start(&tag, text, raw, told, log)?;
                }
                Token::EndTag(tag) => {
                    let name = String::from_utf8_lossy(&tag.name).into_owned();
                    if self.raw.as_deref() == Some(&name) {
                        self.raw = None;
                    }
                    if name == "style"
                        && let Some(acts) = style::judge(&std::mem::take(&mut self.css))
                    {
                        told.tell(acts, text, tag.span.start, log);
                    }
                    if name == "html" {
                        self.closed = Some(tag.span.end);
                        self.behind = None;
                    }
                }
                Token::String(piece) => {
                    if self.raw.as_deref() == Some("style") {
                        self.css.push_str(&String::from_utf8_lossy(&piece));
                    }
                    if !piece.iter().all(u8::is_ascii_whitespace) {
                        self.note_behind(piece.span.start);
                    }
                }
                Token::Comment(comment) => {
                    if comment.trim_ascii_start().starts_with(b"[if") {
                        told.tell(
                            Acts::new("a comment that some readers act on", ""),
                            text,
                            comment.span.start,
                            log,
                        );
                    }
                }
                Token::Doctype(_) => {}
                Token::Error(error) => self.error(&error.value, text, error.span.start, raw, log),
            }
        }
        Ok(())
    }

    fn note_behind(&mut self, at: usize) {
        if self.closed.is_some() {
            self.behind.get_or_insert(at);
        }
    }

    fn error(&mut self, error: &Error, text: &Text, at: usize, raw: bool, log: &mut Log) {
        match error {
            Error::EofInTag
            | Error::EofInComment
            | Error::EofInDoctype
            | Error::EofInCdata
            | Error::EofBeforeTagName
            | Error::EofInScriptHtmlCommentLikeText
                if raw =>
            {
                self.cut = true;
            }
            Error::UnexpectedNullCharacter if raw && !self.binary => {
                self.binary = true;
                log.malformed(text.offset(at), "a zero byte in a text");
            }
            _ => {}
        }
    }

    fn start(
        &mut self,
        tag: &StartTag<usize>,
        text: &Text,
        raw: bool,
        told: &mut Told,
        log: &mut Log,
    ) -> Result<(), Stop> {
        let at = tag.span.start;
        let name = String::from_utf8_lossy(&tag.name).to_ascii_lowercase();
        self.opened |= name == "html";
        if let Some(acts) = element::element(&name) {
            told.tell(acts, text, at, log);
        }
        if self.without_pictures && PICTURES.contains(&name.as_str()) {
            told.tell(Acts::new(PICTURE, format!("<{name}>")), text, at, log);
        }
        for (key, value) in &tag.attributes {
            let key = String::from_utf8_lossy(key).to_ascii_lowercase();
            let value = String::from_utf8_lossy(&value.value).into_owned();
            let local = key.rsplit(':').next().unwrap_or_default();
            if let Some(acts) = element::attribute(&name, local, &value).filter(|_| !key.starts_with("xmlns"))
            {
                told.tell(acts, text, at, log);
            }
            // By an address or by a style sheet, whose escapes may spell one.
            if self.without_pictures
                && (reference::plain(&value).contains("data:")
                    || key == "style" && value.contains(['(', '\\']))
            {
                told.tell(Acts::new(PICTURE, quoted(&key)), text, at, log);
            }
            let charset = match key.as_str() {
                "charset" if name == "meta" => Some(value.as_str()),
                "content" if name == "meta" => value.split_once("charset=").map(|(_, label)| label),
                _ => None,
            };
            if let Some(label) = charset.filter(|label| !keeps_ascii(label)) {
                return Err(Stop::Partial(
                    "unsupported",
                    format!("a text in the encoding {}", quoted(label)),
                ));
            }
        }
        const RAW: [&str; 7] = ["script", "style", "textarea", "title", "xmp", "iframe", "noembed"];
        if raw && RAW.contains(&name.as_str()) {
            self.raw = Some(name);
        }
        Ok(())
    }
}
