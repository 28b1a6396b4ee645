use super::reencode::Encoder;
use crate::decode::jpeg_fault;
use crate::fault::Fault;
use crate::meta::insert_jpeg_icc;
use image::DynamicImage;
use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

/// Baseline JPEG with chroma at half resolution.
pub(super) struct Jpeg {
    quality: i32,
    icc: Option<Vec<u8>>,
    bytes: Vec<u8>,
}

impl Jpeg {
    pub(super) fn new(quality: i32, icc: Option<Vec<u8>>) -> Self {
        Self { quality, icc, bytes: Vec::new() }
    }
}

impl Encoder for Jpeg {
    fn add(&mut self, image: &DynamicImage, _delay_ms: u32) -> Result<(), Fault> {
        let rgb = image.as_rgb8().ok_or_else(|| Fault::corrupt("a jpeg has no transparency"))?;
        self.bytes = encode(rgb, (rgb.width(), rgb.height()), self.quality, self.icc.as_deref())?;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, Fault> {
        Ok(self.bytes)
    }
}

pub(super) fn encode(
    rgb: &[u8],
    (width, height): (u32, u32),
    quality: i32,
    icc: Option<&[u8]>,
) -> Result<Vec<u8>, Fault> {
    let (width, height) = (width as usize, height as usize);
    let mut compressor = Compressor::new().map_err(jpeg_fault)?;
    compressor.set_quality(quality).map_err(jpeg_fault)?;
    compressor.set_subsamp(Subsamp::Sub2x2).map_err(jpeg_fault)?;
    let image = Image { pixels: rgb, width, pitch: width * 3, height, format: PixelFormat::RGB };
    let jpeg = compressor.compress_to_vec(image).map_err(jpeg_fault)?;
    Ok(match icc {
        Some(icc) => insert_jpeg_icc(&jpeg, icc),
        None => jpeg,
    })
}
