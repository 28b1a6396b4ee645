//! What a file says of how its numbers are shown. The models score the numbers: where other colours are meant, a copy leaves
//! that out, and a file that is published as it is shows another picture than was scored.

use crate::meta;
use lazaret_watermark::strip;

/// A profile that may go with a copy, and whether anything else is said that a copy leaves out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Colour {
    pub(crate) icc: Option<Vec<u8>>,
    pub(crate) is_other: bool,
}

impl Colour {
    /// Of the profile that a file carries.
    pub(crate) fn of(profile: Option<&[u8]>) -> Self {
        let icc = profile.and_then(strip::profile);
        Self { is_other: profile.is_some() && icc.is_none(), icc }
    }

    /// A JPEG's, in pieces that some reader may put together where others do not.
    pub(crate) fn of_jpeg(bytes: &[u8]) -> Self {
        let colour = Self::of(meta::jpeg_icc(bytes).as_deref());
        Self { is_other: colour.icc.is_none() && meta::jpeg_has_icc(bytes), ..colour }
    }

    /// A PNG's, as far as it could be unpacked, and its other chunks (third edition, 11.3.2).
    pub(crate) fn of_png(bytes: &[u8], profile: Option<&[u8]>) -> Self {
        let colour = Self::of(profile);
        let is_other = meta::png_chunks(bytes).any(|(kind, content)| match &kind {
            b"iCCP" => colour.icc.is_none(),
            b"gAMA" => !is_near(content, &[45_455], 1),
            b"cHRM" => !is_near(content, &CHROMATICITIES, 100),
            b"cICP" => content != SRGB,
            _ => false,
        });
        Self { is_other: is_other || colour.is_other, ..colour }
    }
}

/// Rec. 709's primaries, sRGB's curve, no matrix, all of the range (ITU-T H.273).
const SRGB: [u8; 4] = [1, 13, 0, 1];

/// White, red, green and blue of sRGB, in hundred-thousandths; writers round them.
const CHROMATICITIES: [u32; 8] = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];

fn is_near(content: &[u8], numbers: &[u32], off: u32) -> bool {
    let told = content.as_chunks::<4>().0.iter().map(|bytes| u32::from_be_bytes(*bytes));
    content.len() == 4 * numbers.len()
        && told.zip(numbers).all(|(told, number)| told.abs_diff(*number) <= off)
}
