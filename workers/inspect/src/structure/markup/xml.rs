//! SVG and XHTML, after XML 1.0 (fifth edition), SVG 2 and SVG Tiny 1.2: from the prolog to the end of the root element,
//! and what may follow it.

use super::encoding::{Text, keeps_ascii};
use super::{Acts, LONGEST, Told, element, reference, style};
use crate::quote::told;
use crate::structure::log::Log;
use crate::structure::source::{Source, Stop};
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::errors::{Error, SyntaxError};
use quick_xml::events::{BytesStart, Event};

/// Elements within elements.
const DEPTH: usize = 1024;

pub(in crate::structure) fn svg(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    walk(source, "svg", log)
}

pub(in crate::structure) fn xhtml(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    walk(source, "html", log)
}

fn walk(source: &mut Source<'_>, root: &str, log: &mut Log) -> Result<(), Stop> {
    let text = Text::decode(source.rest(LONGEST)?)?;
    let mut document = Document { root, depth: 0, style: None, ended: false, told: Told::default() };
    let mut reader = Reader::from_str(&text.text);
    reader.config_mut().check_comments = true;
    let mut at = 0;
    loop {
        let event = reader.read_event();
        let end = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let here = || text.offset(at);
        match event {
            Ok(Event::Eof) if document.ended => break,
            Ok(Event::Eof) => return Err(Stop::Truncated(source.size())),
            Ok(event) => {
                if !document.event(&event, &text, at, log)? {
                    // What stands here belongs to the document no more.
                    return source.seek(here());
                }
            }
            Err(Error::Syntax(e)) if document.ended => {
                log.malformed(here(), told(&e));
                return source.seek(here());
            }
            Err(Error::Syntax(SyntaxError::InvalidBangMarkup)) if end < text.text.len() => {
                return Err(Stop::Malformed(here(), "markup of no kind".to_owned()));
            }
            Err(Error::Syntax(_)) => return Err(Stop::Truncated(source.size())),
            Err(e) => return Err(Stop::Malformed(here(), told(&e))),
        }
        at = end;
    }
    let end = text.offset(text.text.len());
    source.seek(end)
}

struct Document<'a> {
    root: &'a str,
    depth: usize,
    /// The style sheet that is being read.
    style: Option<String>,
    /// The root element has ended.
    ended: bool,
    told: Told,
}

impl Document<'_> {
    /// Takes one event; `false` where it can't be the document's, for its root has ended.
    fn event(&mut self, event: &Event<'_>, text: &Text, at: usize, log: &mut Log) -> Result<bool, Stop> {
        match event {
            Event::Start(_) | Event::Empty(_) | Event::CData(_) | Event::GeneralRef(_) if self.ended => {
                return Ok(false);
            }
            Event::Text(t) if self.ended => return Ok(t.iter().all(u8::is_ascii_whitespace)),
            Event::Start(tag) => {
                self.tag(tag, text, at, log)?;
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err(Stop::Malformed(text.offset(at), format!("elements more than {DEPTH} deep")));
                }
                if local(tag.local_name().as_ref()) == "style" {
                    self.style = Some(String::new());
                }
            }
            Event::Empty(tag) => {
                self.tag(tag, text, at, log)?;
                self.ended = self.depth == 0;
            }
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                self.ended = self.depth == 0;
                if let Some(css) = self.style.take()
                    && let Some(acts) = style::judge(&css)
                {
                    self.told.tell(acts, text, at, log);
                }
            }
            Event::Text(t) => self.text(&String::from_utf8_lossy(t)),
            Event::CData(t) => self.text(&String::from_utf8_lossy(t)),
            // In a style sheet a reference can spell anything.
            Event::GeneralRef(r) => match r.resolve_char_ref() {
                Ok(Some(c)) => self.text(c.encode_utf8(&mut [0; 4])),
                _ => self.entity(r, text, at, log),
            },
            Event::Decl(decl) => {
                let declared = decl.encoding().and_then(Result::ok);
                let declared = declared.map(|label| String::from_utf8_lossy(&label).into_owned());
                readable(declared.as_deref(), text)?;
            }
            Event::PI(pi) => {
                if pi.target() == b"xml-stylesheet" {
                    let acts = Acts::new("a style sheet that loads other files", "xml-stylesheet");
                    self.told.tell(acts, text, at, log);
                }
            }
            Event::DocType(doctype) => {
                if let Some(acts) = document_type(&String::from_utf8_lossy(doctype)) {
                    self.told.tell(acts, text, at, log);
                }
            }
            Event::Comment(_) | Event::Eof => {}
        }
        Ok(true)
    }

    fn text(&mut self, piece: &str) {
        if let Some(css) = &mut self.style {
            css.push_str(piece);
        }
    }

    fn entity(&mut self, name: &[u8], text: &Text, at: usize, log: &mut Log) {
        let known = match name {
            b"lt" => "<",
            b"gt" => ">",
            b"amp" => "&",
            b"quot" => "\"",
            b"apos" => "'",
            _ => return self.told.tell(Acts::new(ENTITIES, ""), text, at, log),
        };
        self.text(known);
    }

    fn tag(&mut self, tag: &BytesStart<'_>, text: &Text, at: usize, log: &mut Log) -> Result<(), Stop> {
        let name = local(tag.local_name().as_ref());
        if self.depth == 0 && name != self.root {
            return Err(Stop::Malformed(text.offset(at), format!("the root element is not {}", self.root)));
        }
        if let Some(acts) = element::element(&name) {
            self.told.tell(acts, text, at, log);
        }
        for attribute in tag.attributes() {
            let Ok(attribute) = attribute else {
                return Err(Stop::Malformed(
                    text.offset(at),
                    "a tag whose attributes make no sense".to_owned(),
                ));
            };
            let key = local(attribute.key.local_name().as_ref());
            let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0) else {
                self.told.tell(Acts::new(ENTITIES, ""), text, at, log);
                continue;
            };
            // The namespaces' own addresses are names.
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            if let Some(acts) = element::attribute(&name, &key, &value) {
                self.told.tell(acts, text, at, log);
            }
        }
        Ok(())
    }
}

const ENTITIES: &str = "entities of its own";

fn local(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_ascii_lowercase()
}

/// A declared encoding that we read as what it is.
fn readable(declared: Option<&str>, text: &Text) -> Result<(), Stop> {
    let label = declared.unwrap_or("utf-8").to_ascii_lowercase();
    let latin = ["iso-8859-", "windows-125", "us-ascii"].iter().any(|l| label.starts_with(l));
    let known = keeps_ascii(&label) || label.starts_with("utf-16");
    if known && (!text.is_latin1() || latin) {
        return Ok(());
    }
    Err(Stop::Partial("unsupported", format!("a text in the encoding {}", crate::quote::quoted(&label))))
}

/// A document type may declare entities, and name a file that does. SVG's own is a name that no reader loads.
fn document_type(doctype: &str) -> Option<Acts> {
    if doctype.contains('[') {
        return Some(Acts::new(ENTITIES, ""));
    }
    // The last literal is the address, behind `SYSTEM` as behind `PUBLIC`.
    let literals = doctype.trim_end();
    let (rest, quote) = literals.char_indices().next_back().map(|(at, quote)| (&literals[..at], quote))?;
    let system = rest.rsplit(quote).next().filter(|_| matches!(quote, '"' | '\''))?;
    let own = ["http://www.w3.org/", "https://www.w3.org/"].iter().any(|w3| system.starts_with(w3));
    (!own).then(|| Acts::new(reference::EXTERNAL, crate::quote::quoted(system)))
}
