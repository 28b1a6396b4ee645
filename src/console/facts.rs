//! What is known of the file itself: sizes, types, hashes, and what a picture says of where it comes from.

use super::words;
use crate::{
    ports::store::Upload,
    upload::{
        picture::{MetadataDetail, PictureDetail},
        verdict::VerdictDetail,
    },
};

pub(super) struct Facts {
    pub declared: String,
    pub bytes: u64,
    pub sha256: String,
    /// By which similar pictures are found; empty where there is none.
    pub likeness: String,
    pub picture: Option<Pictured>,
}

pub(super) struct Pictured {
    pub size: String,
    pub frames: u32,
    /// The file's own words, with what they are about.
    pub told: Vec<(&'static str, String)>,
    pub located: bool,
}

impl Facts {
    pub(super) fn of(upload: &Upload, detail: &VerdictDetail) -> Self {
        Self {
            declared: detail.r#type.declared.clone().unwrap_or_else(|| "–".into()),
            bytes: upload.size,
            sha256: upload.sha256.clone(),
            likeness: detail.perceptual_hash.map_or_else(String::new, |hash| hash.to_string()),
            picture: detail.picture.as_ref().map(Pictured::of),
        }
    }
}

impl Pictured {
    fn of(picture: &PictureDetail) -> Self {
        let MetadataDetail { camera, software, taken, located } =
            picture.metadata.clone().unwrap_or_default();
        let told = [("Camera, it says", camera), ("Software, it says", software), ("Taken, it says", taken)];
        let told = told.into_iter().filter_map(|(what, text)| Some((what, words::brief(&text?))));
        Self {
            size: format!("{} × {} pixels", picture.width, picture.height),
            frames: picture.frames,
            told: told.collect(),
            located,
        }
    }
}
