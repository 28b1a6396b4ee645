//! Markdown (CommonMark 0.31, and what others add): HTML stands in it as it is, and links and pictures have a notation of
//! their own. Readers differ in what is code and what is markup, so that all of the text is read as HTML, and as Markdown
//! both with and without additions. No picture of it is scored, so that each is told.

use super::encoding::Text;
use super::html::Page;
use super::{Acts, LONGEST, Told, reference};
use crate::quote::quoted;
use crate::structure::log::Log;
use crate::structure::source::{Source, Stop};
use crate::structure::text;
use pulldown_cmark::{Event, Options, Parser, Tag};

const PICTURE: &str = "a picture that is shown with it";

pub(in crate::structure) fn walk(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    text::walk(source, log)?;
    source.seek(0)?;
    let text = Text::decode(source.rest(LONGEST)?)?;
    let mut told = Told::default();
    Page::without_pictures().read_twice(&text, &mut told, log)?;
    for options in [Options::empty(), Options::all()] {
        for (event, place) in Parser::new_ext(&text.text, options).into_offset_iter() {
            let acts = match event {
                Event::Start(Tag::Link { dest_url, .. }) => reference::followed(&dest_url),
                Event::Start(Tag::Image { dest_url, .. }) => Some(Acts::new(PICTURE, quoted(&dest_url))),
                _ => None,
            };
            if let Some(acts) = acts {
                told.tell(acts, &text, place.start, log);
            }
        }
    }
    Ok(())
}
