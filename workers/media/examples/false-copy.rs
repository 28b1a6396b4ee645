//! `lazaret-media` whose copies are not what they should be, for tests that they are checked as uploads are. The name that
//! it is started by says what comes instead of the true copy.

use lazaret_media::{Media, VERSION};
use lazaret_sandbox::child::{self, FrameSink, Handler, RenditionSink};
use lazaret_sandbox::{Picture, PictureRequest, Rendition, RenditionSpec, Report, Why};
use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;

const PAGE: &[u8] = b"<!DOCTYPE html><html><head><title>x</title></head><body>Sign in here.</body></html>";

fn main() -> ExitCode {
    let name = std::env::args().next().unwrap_or_default();
    let what = name.rsplit('/').next().unwrap_or_default().to_owned();
    let zip = lazaret_fixtures::Zip::default().stored("a.txt", b"hello").finish();
    child::run(VERSION, move |setup| Ok(FalseCopy { media: Media::new(setup)?, what, zip }))
}

struct FalseCopy {
    media: Media,
    what: String,
    zip: Vec<u8>,
}

impl Handler for FalseCopy {
    fn open(&mut self, file: File, size: u64, media_type: &str) {
        self.media.open(file, size, media_type);
    }

    fn close(&mut self) {
        self.media.close();
    }

    fn walk(&mut self) -> Result<Report, Why> {
        self.media.walk()
    }

    fn picture(&mut self, request: &PictureRequest, frames: &mut FrameSink<'_>) -> Result<Picture, Why> {
        self.media.picture(request, frames)
    }

    fn render(&mut self, spec: &RenditionSpec, out: &mut dyn RenditionSink) -> Result<Rendition, Why> {
        let lost = |error: io::Error| Why::new("lost", error.to_string());
        let page = |media_type: &str, true_copy: Rendition| Rendition {
            media_type: media_type.to_owned(),
            bytes: PAGE.len() as u64,
            ..true_copy
        };
        match self.what.as_str() {
            "page" | "page-as-picture" => {
                let true_copy = self.media.render(spec, &mut Nowhere)?;
                out.write_all(PAGE).map_err(lost)?;
                let as_picture = true_copy.media_type.clone();
                Ok(page(if self.what == "page" { "text/html" } else { &as_picture }, true_copy))
            }
            "zip-behind" => {
                let copy = self.media.render(spec, out)?;
                out.write_all(&self.zip).map_err(lost)?;
                Ok(Rendition { bytes: copy.bytes + self.zip.len() as u64, ..copy })
            }
            _ => self.media.render(spec, out),
        }
    }
}

struct Nowhere;

impl Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl RenditionSink for Nowhere {
    fn progress(&mut self, _: u16) -> io::Result<()> {
        Ok(())
    }
}
