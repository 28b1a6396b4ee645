//! A picture that the other child decoded, shown and copied as those that are decoded here.

use crate::colour::Colour;
use crate::decode::{About, Shot, View};
use crate::fault::Fault;
use crate::render;
use crate::scoring::Showing;
use image::metadata::Orientation;
use lazaret_sandbox::child::FrameSink;
use lazaret_sandbox::{Coverage, Metadata, Picture, PictureRequest, Rendition, RenditionSpec, Why};
use lazaret_watermark::Mark;
use std::io::Write;

/// A picture of one frame, and what is said of it.
pub struct Decoded {
    about: About,
    /// RGB or RGBA rows without gaps.
    pixels: Vec<u8>,
    beside: bool,
    /// What of it was not looked at as it is shown.
    coverage: Coverage,
    metadata: Metadata,
}

/// What a file says of its picture.
pub struct Told<'a> {
    /// As it is stored, in pixels.
    pub size: (u32, u32),
    /// EXIF's number.
    pub orientation: u8,
    pub icc: Option<&'a [u8]>,
    /// Its numbers mean other colours than those that are looked at.
    pub other_colours: bool,
    /// There may be other pictures in the file.
    pub beside: bool,
    pub coverage: Coverage,
    pub decoder: &'static str,
    pub metadata: Metadata,
}

impl Decoded {
    /// `pixels` are RGB or RGBA rows of that size.
    ///
    /// # Errors
    /// There are more of them, or fewer.
    pub fn new(told: Told<'_>, pixels: Vec<u8>) -> Result<Self, Why> {
        let (width, height) = told.size;
        let count = u64::from(width) * u64::from(height);
        if count == 0 || ![3, 4].iter().any(|channels| count * channels == pixels.len() as u64) {
            return Err(Fault::corrupt("the picture is not of its own size").into());
        }
        // A profile of greys does not fit pixels that are red, green and blue.
        let icc = told.icc.filter(|profile| profile.get(16..20) == Some(b"RGB "));
        let colour = Colour::of(icc);
        let about = About {
            width,
            height,
            frames: Some(1),
            animated: false,
            plays: 1,
            orientation: Orientation::from_exif(told.orientation).unwrap_or(Orientation::NoTransforms),
            colour: Colour { is_other: colour.is_other || told.other_colours, ..colour },
            icc_fits: true,
            decoder: told.decoder,
        };
        Ok(Self { about, pixels, beside: told.beside, coverage: told.coverage, metadata: told.metadata })
    }

    /// Shows it to `frames` at every target's size and in every variant.
    ///
    /// # Errors
    /// The service is gone, or asks for what is not known here.
    pub fn show(&self, request: &PictureRequest, frames: &mut FrameSink<'_>) -> Result<Picture, Why> {
        let mut showing = Showing::new(request, frames, self.beside);
        showing.metadata = self.metadata.clone();
        let shot = Shot { delay_ms: 0, aside: false, view: self.view() };
        let coverage = match showing.over_budget(&shot) {
            Some(limit) => limit,
            None => showing.show(&shot, &self.about).map(|()| self.coverage.clone())?,
        };
        Ok(showing.picture(&self.about, coverage))
    }

    /// Writes a copy: JPEG, or PNG where there is transparency.
    ///
    /// # Errors
    /// It cannot be made, or the service is gone.
    pub fn render(
        &self,
        spec: &RenditionSpec,
        mark: Option<&Mark>,
        out: &mut dyn Write,
    ) -> Result<Rendition, Why> {
        render::of_decoded(&self.view(), &self.about, spec, mark, out)
    }

    fn view(&self) -> View<'_> {
        View { width: self.about.width, height: self.about.height, pixels: &self.pixels }
    }
}
