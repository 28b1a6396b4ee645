use super::Made;
use super::reencode::{Aim, finished};
use super::thumbnail::encoded;
use crate::decode::{About, View};
use crate::fault::Fault;
use crate::orient::upright;

/// As large as it is, upright, and marked where that is the aim.
pub(super) fn copy(view: &View<'_>, about: &About, aim: Aim<'_>) -> Result<Made, Fault> {
    let image = finished(upright(view, about.orientation), aim)?;
    encoded(image, about, view.is_translucent(), aim.jpeg_quality())
}
