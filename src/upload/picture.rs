//! What a verdict keeps of a picture beside findings and scores, for people: no rule asks for it.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureDetail {
    /// Upright, in pixels.
    pub width: u32,
    pub height: u32,
    /// As the file says, or as many as were looked at.
    pub frames: u32,
    /// What the file says of itself. Forgotten when the upload is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<MetadataDetail>,
}

/// Anybody may have written it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataDetail {
    /// Maker and model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// As the camera's clock had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<String>,
    /// It says where it was taken. Where that is, is kept nowhere.
    pub located: bool,
}
