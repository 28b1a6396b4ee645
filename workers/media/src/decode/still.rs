use super::{About, Source, View};
use crate::fault::Fault;

/// A picture of one frame, decoded and kept for the renditions.
pub(crate) struct Still {
    pub(crate) about: About,
    pixels: Vec<u8>,
    /// What is wrong with it although it decoded.
    pub(crate) flaw: Option<Fault>,
}

impl Still {
    pub(crate) fn decode(source: &mut dyn Source) -> Result<Self, Fault> {
        let about = source.about().clone();
        let pixels = source.take_first()?.ok_or_else(|| Fault::corrupt("the picture has no frame"))?;
        let flaw = match source.next() {
            Ok(None) => None,
            Ok(Some(_)) => Some(Fault::corrupt("more frames follow than the file was found to have")),
            Err(fault) => Some(fault),
        };
        Ok(Self { about, pixels, flaw })
    }

    pub(crate) fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    pub(crate) fn view(&self) -> View<'_> {
        View { width: self.about.width, height: self.about.height, pixels: &self.pixels }
    }
}
