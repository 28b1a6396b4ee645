//! Copies made for delivery.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RenditionName {
    /// The upload itself; of pictures a copy whose metadata is stripped.
    Original,
    Watermarked,
    Thumbnail,
}

impl RenditionName {
    pub const ALL: [Self; 3] = [Self::Original, Self::Watermarked, Self::Thumbnail];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Watermarked => "watermarked",
            Self::Thumbnail => "thumbnail",
        }
    }
}

impl fmt::Display for RenditionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RenditionName {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|name| name.as_str() == s).ok_or_else(|| {
            format!("no such rendition: {s:?}; renditions are original, watermarked, thumbnail")
        })
    }
}

/// One published copy. `key` names its object in the published zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    pub name: RenditionName,
    pub key: String,
    pub media_type: String,
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// Pixels, of pictures.
    pub width: Option<u32>,
    pub height: Option<u32>,
}
