use super::reencode::{Aim, reencode};
use super::{Made, flawless};
use crate::decode::{self, About, Format, jpeg_fault};
use crate::fault::Fault;
use crate::job::Job;
use crate::meta::insert_jpeg_icc;
use crate::orient::{jpeg_transform, upright_size};
use image::metadata::Orientation;
use lazaret_sandbox::Budget;
use lazaret_watermark::strip;
use turbojpeg::{Transform, TransformOp, Transformer};

/// The same picture without its metadata. Pixels are decoded and encoded again only where turning upright needs it.
pub(super) fn original(job: &mut Job, budget: &Budget) -> Result<Made, Fault> {
    let format = job.format()?;
    // A picture that does not decode without a flaw is not passed on.
    let known = match job.whole() {
        Some(about) => Some(about),
        None => flawless(job, budget)?.map(|still| still.about.clone()),
    };
    let bytes = job.bytes()?;
    let about = match known {
        Some(about) => about,
        None => decode::open(format, &bytes, budget)?.about().clone(),
    };
    let turned = about.orientation != Orientation::NoTransforms;
    let stripped = match format {
        Format::Jpeg => {
            // Made after the other copies, as a rule.
            job.let_go();
            match transform(&bytes, &about)? {
                Some(jpeg) => jpeg,
                None => return reencode(job, Aim::Upright, budget),
            }
        }
        Format::Png | Format::WebP if turned => return reencode(job, Aim::Upright, budget),
        Format::Png => strip::png(&bytes).map_err(Fault::corrupt)?,
        Format::WebP => strip::webp(&bytes).map_err(Fault::corrupt)?,
        Format::Gif => strip::gif(&bytes).map_err(Fault::corrupt)?,
        Format::Raw => return Err(no_copies()),
    };
    let (width, height) = upright_size(about.orientation, (about.width, about.height));
    Ok(Made {
        bytes: stripped,
        media_type: format.media_type(),
        width,
        height,
        frames: about.frames.unwrap_or(1),
        lossless: true,
    })
}

/// Raw pixels are a live stream's, and never delivered.
pub(super) fn no_copies() -> Fault {
    Fault::Unsupported("media.unsupported", "no copies are made of raw pixels".to_owned())
}

/// The coefficients written anew: nothing of the file's own bytes is passed on but the colour profile. `None` where its
/// sides do not allow turning without loss.
fn transform(bytes: &[u8], about: &About) -> Result<Option<Vec<u8>>, Fault> {
    let mut transform = Transform::op(jpeg_transform(about.orientation));
    transform.copy_none = true;
    transform.perfect = transform.op != TransformOp::None;
    let mut transformer = Transformer::new().map_err(jpeg_fault)?;
    let jpeg = match transformer.transform_to_vec(&transform, bytes) {
        Ok(jpeg) => jpeg,
        Err(error) if error.to_string().contains("not perfect") => return Ok(None),
        Err(error) => return Err(jpeg_fault(error)),
    };
    Ok(Some(match &about.colour.icc {
        Some(icc) => insert_jpeg_icc(&jpeg, icc),
        None => jpeg,
    }))
}
