//! What `lazaret-video` does with a file. It stands here so that fuzzing can call readers of ours without a child.

mod clock;
mod fault;
mod film;
mod foreign;
#[doc(hidden)]
pub mod fuzzing;
mod live;
mod luma;
mod picture;
mod render;
mod source;
mod still;

use film::Looked;
use lazaret_media::{Decoded, sheet};
use lazaret_sandbox::child::{FrameSink, Handler, RenditionSink, ShotSink};
use lazaret_sandbox::{
    Budget, ChildSetup, Film, FilmRequest, GlimpseRequest, Glimpsed, Picture, PictureRequest, Rendition,
    RenditionSpec, SheetRequest, Why,
};
use lazaret_watermark::{Mark, MarkSpec};
use live::Live;
use source::Job;
use std::fs::File;
use std::io::Write;

pub const VERSION: &str = concat!("lazaret-video/", env!("CARGO_PKG_VERSION"));

/// The handler of one child.
pub struct Video {
    mark: Option<Mark>,
    budget: Budget,
    job: Option<Job>,
    /// The picture, once it was decoded.
    still: Option<Decoded>,
    looked: Looked,
    live: Option<Live>,
}

impl Video {
    /// An error says what of the setup cannot be used.
    pub fn new(setup: &ChildSetup) -> Result<Self, String> {
        ffmpeg_next::init().map_err(|e| format!("FFmpeg cannot be used: {e}"))?;
        // What it would say quotes the file.
        ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Quiet);
        foreign::read_time_zone();
        let mark = setup.mark.clone().map(prepare).transpose()?;
        let budget = setup.budget;
        Ok(Self { mark, budget, job: None, still: None, looked: Looked::default(), live: None })
    }

    fn job(&self) -> Result<&Job, Why> {
        self.job.as_ref().ok_or_else(|| Why::new("media.no_file", "no file was opened"))
    }

    /// The picture, decoded once.
    fn still(&mut self, max_pixels: u64) -> Result<&Decoded, Why> {
        let still = match self.still.take() {
            Some(still) => still,
            None => still::decode(self.job()?, max_pixels)?,
        };
        Ok(self.still.insert(still))
    }
}

fn prepare(spec: serde_json::Value) -> Result<Mark, String> {
    let spec: MarkSpec =
        serde_json::from_value(spec).map_err(|e| format!("the mark is not understood: {e}"))?;
    Mark::prepare(&spec).map_err(|e| format!("the mark cannot be prepared: {e}"))
}

impl Handler for Video {
    fn open(&mut self, file: File, size: u64, media_type: &str) {
        self.job = Some(Job::new(file, size, media_type));
    }

    fn close(&mut self) {
        self.job = None;
        self.still = None;
        self.live = None;
        self.looked = Looked::default();
    }

    fn picture(&mut self, request: &PictureRequest, frames: &mut FrameSink<'_>) -> Result<Picture, Why> {
        let job = self.job()?;
        if !still::is_still(&job.media_type) {
            return Err(Why::new("media.unsupported", format!("{} is no picture here", job.media_type)));
        }
        self.still(request.max_pixels)?.show(request, frames)
    }

    fn film(&mut self, request: &FilmRequest, shots: &mut ShotSink<'_>) -> Result<Film, Why> {
        let mut looked = std::mem::take(&mut self.looked);
        let film = film::look(self.job()?, request, &mut looked, shots);
        self.looked = looked;
        film
    }

    fn glimpse(&mut self, request: &GlimpseRequest, out: &mut dyn Write) -> Result<Glimpsed, Why> {
        let mut live = match self.live.take() {
            Some(live) => live,
            None => Live::open(self.job()?)?,
        };
        let glimpse = live.next(request, out);
        self.live = Some(live);
        glimpse
    }

    fn sheet(&mut self, request: &SheetRequest, out: &mut dyn RenditionSink) -> Result<Rendition, Why> {
        sheet::of_kept(&self.looked.thumbnails, request, out)
    }

    fn render(&mut self, spec: &RenditionSpec, out: &mut dyn RenditionSink) -> Result<Rendition, Why> {
        if still::is_still(&self.job()?.media_type) {
            self.still(self.budget.max_pixels)?;
            let still = self.still.as_ref().ok_or_else(|| Why::new("media.undecodable", "no picture"))?;
            return still.render(spec, self.mark.as_ref(), out);
        }
        render::render(self.job()?, spec, self.mark.as_ref(), out)
    }
}
