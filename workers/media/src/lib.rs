//! What `lazaret-media` does with a file. It stands here so that tests and fuzzing can call readers of ours without a child,
//! build children that are like it but for one thing, and so that `lazaret-video` shows and copies the pictures that it
//! decodes in the same way ([`Decoded`], [`sheet`]).

mod beside;
mod colour;
mod decode;
mod decoded;
pub mod exif;
mod fault;
mod job;
#[doc(hidden)]
pub mod meta;
mod orient;
mod render;
mod scoring;
pub mod sheet;
#[doc(hidden)]
pub mod unpack;
mod walk;

pub use decoded::{Decoded, Told};
use job::Job;
use lazaret_sandbox::child::{FrameSink, Handler, MemberSink, RenditionSink};
use lazaret_sandbox::{
    Budget, ChildSetup, MembersRequest, MembersSummary, Picture, PictureRequest, Rendition, RenditionSpec,
    Report, SheetRequest, Why,
};
use lazaret_watermark::{Mark, MarkSpec};
use std::fs::File;

pub const VERSION: &str = concat!("lazaret-media/", env!("CARGO_PKG_VERSION"));

/// The handler of one child.
pub struct Media {
    mark: Option<Mark>,
    budget: Budget,
    job: Option<Job>,
}

impl Media {
    /// The error says why the mark cannot be made.
    ///
    /// # Errors
    /// A mark that is not understood, or needs a font that is not there.
    pub fn new(setup: &ChildSetup) -> Result<Self, String> {
        let mark = setup.mark.clone().map(prepare).transpose()?;
        Ok(Self { mark, budget: setup.budget, job: None })
    }
}

fn prepare(spec: serde_json::Value) -> Result<Mark, String> {
    let spec: MarkSpec =
        serde_json::from_value(spec).map_err(|e| format!("the mark is not understood: {e}"))?;
    Mark::prepare(&spec).map_err(|e| format!("the mark cannot be prepared: {e}"))
}

impl Handler for Media {
    fn open(&mut self, file: File, size: u64, media_type: &str) {
        self.job = Some(Job::new(file, size, media_type));
    }

    fn close(&mut self) {
        self.job = None;
    }

    fn walk(&mut self) -> Result<Report, Why> {
        walk::walk(self.job.as_mut().ok_or_else(no_file)?)
    }

    fn picture(&mut self, request: &PictureRequest, frames: &mut FrameSink<'_>) -> Result<Picture, Why> {
        scoring::picture(self.job.as_mut().ok_or_else(no_file)?, request, frames)
    }

    fn sheet(&mut self, request: &SheetRequest, out: &mut dyn RenditionSink) -> Result<Rendition, Why> {
        sheet::of_animation(self.job.as_mut().ok_or_else(no_file)?, request, &self.budget, out)
    }

    fn members(
        &mut self,
        request: &MembersRequest,
        sink: &mut dyn MemberSink,
    ) -> Result<MembersSummary, Why> {
        let job = self.job.as_mut().ok_or_else(no_file)?;
        unpack::members(&mut job.file, job.size, &job.media_type, request, sink)
    }

    fn render(&mut self, spec: &RenditionSpec, out: &mut dyn RenditionSink) -> Result<Rendition, Why> {
        let job = self.job.as_mut().ok_or_else(no_file)?;
        render::render(job, spec, self.mark.as_ref(), &self.budget, out)
    }
}

fn no_file() -> Why {
    Why::new("media.no_file", "no file was opened")
}
