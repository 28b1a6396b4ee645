//! Making pictures upright, as EXIF orientation 1 to 8 asks.

use crate::decode::View;
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage, RgbaImage};
pub(crate) use lazaret_pixels::upright_size;
use turbojpeg::TransformOp;

/// The operation on JPEG coefficients that makes a picture upright.
pub(crate) fn jpeg_transform(orientation: Orientation) -> TransformOp {
    match orientation.to_exif() {
        2 => TransformOp::Hflip,
        3 => TransformOp::Rot180,
        4 => TransformOp::Vflip,
        5 => TransformOp::Transpose,
        6 => TransformOp::Rot90,
        7 => TransformOp::Transverse,
        8 => TransformOp::Rot270,
        _ => TransformOp::None,
    }
}

/// An upright copy of a stored picture.
pub(crate) fn upright(view: &View<'_>, orientation: Orientation) -> Option<DynamicImage> {
    turned(view.pixels.to_vec(), (view.width, view.height), orientation)
}

/// The stored picture itself, turned upright.
pub(crate) fn turned(
    pixels: Vec<u8>,
    (width, height): (u32, u32),
    orientation: Orientation,
) -> Option<DynamicImage> {
    let mut image = if (View { width, height, pixels: &pixels }).has_alpha_channel() {
        DynamicImage::ImageRgba8(RgbaImage::from_raw(width, height, pixels)?)
    } else {
        DynamicImage::ImageRgb8(RgbImage::from_raw(width, height, pixels)?)
    };
    image.apply_orientation(orientation);
    Some(image)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lazaret_pixels::Steps;

    /// The steps agree with `image`'s own rotation for every orientation.
    #[test]
    fn steps_lead_to_the_pixels_of_the_upright_picture() {
        let pixels: Vec<u8> = (0..5 * 3 * 3).collect();
        let view = View { width: 5, height: 3, pixels: &pixels };
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).unwrap();
            let upright = upright(&view, orientation).unwrap().to_rgb8();
            assert_eq!(upright.dimensions(), upright_size(orientation, (5, 3)));
            let steps = Steps::of(&view, orientation);
            for (x, y, pixel) in upright.enumerate_pixels() {
                let at = steps.origin + x as isize * steps.right + y as isize * steps.down;
                assert_eq!(pixels[at as usize..][..3], pixel.0, "{exif} {x} {y}");
            }
        }
    }
}
