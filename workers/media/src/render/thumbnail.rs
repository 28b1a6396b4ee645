use super::{Made, encode_jpeg, encode_png, flawless};
use crate::decode::{self, About, View};
use crate::fault::Fault;
use crate::job::Job;
use crate::orient::turned;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{PixelType, ResizeOptions, Resizer};
use image::DynamicImage;
use lazaret_sandbox::{Budget, Name};
use lazaret_watermark::{sign_rgb, sign_rgba};

const QUALITY: i32 = 82;

/// The first frame, small; for somebody's eyes with their name on it.
pub(super) fn thumbnail(
    job: &mut Job,
    max_edge: u32,
    by: Option<Name>,
    budget: &Budget,
) -> Result<Made, Fault> {
    let format = job.format()?;
    if let Some(still) = flawless(job, budget)? {
        return small(&still.view(), &still.about, max_edge, by);
    }
    let bytes = job.bytes()?;
    let mut source = decode::open(format, &bytes, budget)?;
    let about = source.about().clone();
    while let Some(shot) = source.next()? {
        if !shot.aside {
            return small(&shot.view, &about, max_edge, by);
        }
    }
    Err(Fault::corrupt("the animation has no frame"))
}

pub(super) fn small(view: &View<'_>, about: &About, max_edge: u32, by: Option<Name>) -> Result<Made, Fault> {
    let mut image = fitted(view, about, max_edge)?;
    if let Some(by) = by {
        image = signed(image, &by.text());
    }
    encoded(image, about, view.is_translucent(), QUALITY)
}

/// Upright, with no edge longer than `max_edge`.
pub(super) fn fitted(view: &View<'_>, about: &About, max_edge: u32) -> Result<DynamicImage, Fault> {
    let (width, height) = fit((view.width, view.height), max_edge);
    let pixels = resize(view, (width, height))?;
    // Turned when small: that is the cheap way round.
    turned(pixels, (width, height), about.orientation)
        .ok_or_else(|| Fault::corrupt("a frame is not of the canvas's size"))
}

/// JPEG, or PNG where some of it shows through.
pub(super) fn encoded(
    mut image: DynamicImage,
    about: &About,
    translucent: bool,
    quality: i32,
) -> Result<Made, Fault> {
    let icc = about.colour.icc.as_deref().filter(|_| about.icc_fits);
    let (width, height) = (image.width(), image.height());
    let (bytes, media_type) = if translucent {
        (encode_png::encode(&image, icc.map(<[u8]>::to_vec))?, "image/png")
    } else {
        if image.color().has_alpha() {
            image = image.into_rgb8().into();
        }
        (encode_jpeg::encode(image.as_bytes(), (width, height), quality, icc)?, "image/jpeg")
    };
    Ok(Made { bytes, media_type, width, height, frames: 1, lossless: false })
}

pub(super) fn signed(image: DynamicImage, by: &str) -> DynamicImage {
    if image.color().has_alpha() {
        let mut pixels = image.into_rgba8();
        sign_rgba(&mut pixels, by);
        pixels.into()
    } else {
        let mut pixels = image.into_rgb8();
        sign_rgb(&mut pixels, by);
        pixels.into()
    }
}

fn resize(view: &View<'_>, (width, height): (u32, u32)) -> Result<Vec<u8>, Fault> {
    if (width, height) == (view.width, view.height) {
        return Ok(view.pixels.to_vec());
    }
    let kind = if view.has_alpha_channel() { PixelType::U8x4 } else { PixelType::U8x3 };
    let source = ImageRef::new(view.width, view.height, view.pixels, kind).map_err(Fault::corrupt)?;
    let mut target = Image::new(width, height, kind);
    Resizer::new().resize(&source, &mut target, &ResizeOptions::new()).map_err(Fault::corrupt)?;
    Ok(target.into_vec())
}

/// The size with at most `edge` on the longer side, in proportion, never larger.
fn fit((width, height): (u32, u32), edge: u32) -> (u32, u32) {
    let longer = width.max(height);
    if longer <= edge {
        return (width, height);
    }
    let scaled = |side: u32| {
        let side = (u64::from(side) * u64::from(edge) + u64::from(longer) / 2) / u64::from(longer);
        u32::try_from(side).unwrap_or(edge).max(1)
    };
    (scaled(width), scaled(height))
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn sizes_keep_their_proportion() {
        let cases = [
            ((4000, 3000), 320, (320, 240)),
            ((3000, 4000), 320, (240, 320)),
            ((100, 50), 320, (100, 50)),
            ((60_000, 2), 320, (320, 1)),
            ((5, 5), 0, (1, 1)),
        ];
        for (size, edge, expected) in cases {
            assert_eq!(fit(size, edge), expected);
        }
    }
}
