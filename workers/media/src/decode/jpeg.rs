use super::{About, Shot, Source, View, check_canvas};
use crate::colour::Colour;
use crate::fault::Fault;
use crate::meta;
use lazaret_sandbox::Budget;
use turbojpeg::{Colorspace, DecompressHeader, Decompressor, Image, PixelFormat};

/// A progressive picture of a few kilobytes can hold thousands of scans over millions of pixels. Encoders write about
/// ten.
const MAX_SCANS: u32 = 100;

/// JPEG by libjpeg-turbo, at full resolution.
pub(super) struct Jpeg<'a> {
    bytes: &'a [u8],
    about: About,
    header: DecompressHeader,
    decoder: Decompressor,
    decoded: bool,
    pixels: Vec<u8>,
    flaw: Option<Fault>,
}

impl<'a> Jpeg<'a> {
    pub(super) fn open(bytes: &'a [u8], budget: &Budget) -> Result<Self, Fault> {
        let mut decoder = Decompressor::new().map_err(fault)?;
        decoder.set_scan_limit(MAX_SCANS).map_err(fault)?;
        let header = decoder.read_header(bytes).map_err(fault)?;
        let side = |n: usize| u32::try_from(n).map_err(Fault::corrupt);
        let (width, height) = (side(header.width)?, side(header.height)?);
        check_canvas(width, height, budget)?;
        let about = About {
            width,
            height,
            frames: Some(1),
            animated: false,
            plays: 1,
            orientation: meta::jpeg_orientation(bytes),
            colour: Colour::of_jpeg(bytes),
            icc_fits: !is_cmyk(&header),
            decoder: "libjpeg-turbo by turbojpeg 1.5",
        };
        Ok(Self { bytes, about, header, decoder, decoded: false, pixels: Vec::new(), flaw: None })
    }

    fn decode(&mut self) -> Result<Vec<u8>, Fault> {
        let format = if is_cmyk(&self.header) { PixelFormat::CMYK } else { PixelFormat::RGB };
        let (width, height) = (self.header.width, self.header.height);
        let pitch = width * format.size();
        let mut pixels = vec![0; pitch * height];
        let output = Image { pixels: &mut pixels[..], width, pitch, height, format };
        if let Err(error) = self.decoder.decompress(self.bytes, output) {
            let fault = fault(error);
            if !is_warning(&fault) {
                return Err(fault);
            }
            self.flaw = Some(fault);
        }
        Ok(if format == PixelFormat::CMYK { rgb_of(&pixels) } else { pixels })
    }
}

impl Source for Jpeg<'_> {
    fn about(&self) -> &About {
        &self.about
    }

    fn next(&mut self) -> Result<Option<Shot<'_>>, Fault> {
        let Some(pixels) = self.take_first()? else { return Ok(None) };
        self.pixels = pixels;
        let view = View { width: self.about.width, height: self.about.height, pixels: &self.pixels };
        Ok(Some(Shot { delay_ms: 0, aside: false, view }))
    }

    fn take_first(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        if let Some(flaw) = self.flaw.take() {
            return Err(flaw);
        }
        if std::mem::replace(&mut self.decoded, true) {
            return Ok(None);
        }
        self.decode().map(Some)
    }
}

fn is_cmyk(header: &DecompressHeader) -> bool {
    matches!(header.colorspace, Colorspace::CMYK | Colorspace::YCCK)
}

/// CMYK in a JPEG is stored inverted, as Adobe does; without a colour engine the simple formula is what browsers of old
/// and most tools show.
fn rgb_of(cmyk: &[u8]) -> Vec<u8> {
    let (pixels, _) = cmyk.as_chunks::<4>();
    let ink = |colour: u8, black: u8| ((u16::from(colour) * u16::from(black) + 127) / 255) as u8;
    pixels.iter().flat_map(|&[c, m, y, k]| [ink(c, k), ink(m, k), ink(y, k)]).collect()
}

/// libjpeg-turbo's errors and warnings come as text only. A warning (its pixels are there) begins as listed in
/// `jerror.h` under `JWRN_`.
pub(crate) fn fault(error: turbojpeg::Error) -> Fault {
    let text = error.to_string();
    if text.contains("Premature end of JPEG file") || text.contains("premature end of data segment") {
        Fault::Truncated(text)
    } else if text.contains("nsufficient memory") || text.contains("Memory allocation failure") {
        Fault::Memory(text)
    } else {
        Fault::Corrupt(text)
    }
}

fn is_warning(fault: &Fault) -> bool {
    const WARNINGS: [&str; 6] = [
        "Premature end of JPEG file",
        "Corrupt JPEG data",
        "Inconsistent progression sequence",
        "Invalid SOS parameters for sequential JPEG",
        "Unknown Adobe color transform code",
        "Warning: unknown JFIF revision",
    ];
    let text = fault.to_string();
    WARNINGS.iter().any(|warning| text.contains(warning))
}
