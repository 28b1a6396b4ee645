//! An upload as its sender sees it.

use crate::{
    ports::store::{NumberedVerdict, Upload},
    upload::{
        Decision, State, UploadId, filename, rendition::Rendition, rendition::RenditionName,
        verdict::VerdictDetail,
    },
};
use jiff::Timestamp;
use serde::Serialize;

/// An upload in a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UploadSummary {
    #[schema(value_type = String, format = Uuid)]
    pub id: UploadId,
    pub state: State,
    #[schema(value_type = String, format = DateTime)]
    pub accepted_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub settled_at: Option<Timestamp>,
    /// As it was sent: hostile until cleaned.
    pub filename: Option<String>,
    /// Safe to show.
    pub display_name: Option<String>,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
    /// The sender's own id for it.
    pub external_id: Option<String>,
    /// The application's own name for whoever of its users sent it.
    pub uploader: Option<String>,
    /// Why it waits, where an engine is unavailable; of a scan that takes long, what it is busy with.
    pub waiting_for: Option<String>,
}

/// An upload with its verdict.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UploadView {
    #[serde(flatten)]
    pub upload: UploadSummary,
    pub verdict: Option<Decision>,
    /// From 1; a rescan is a new number.
    pub verdict_number: Option<u32>,
    /// The members of one line of `lazaret scan --json`.
    #[schema(value_type = Option<Object>)]
    pub verdict_detail: Option<VerdictDetail>,
    /// Empty unless it is published.
    pub renditions: Vec<RenditionView>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RenditionView {
    pub name: RenditionName,
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
    /// Pixels, of pictures.
    pub width: Option<u32>,
    pub height: Option<u32>,
}

impl From<Upload> for UploadSummary {
    fn from(upload: Upload) -> Self {
        Self {
            id: upload.id,
            state: upload.state,
            accepted_at: upload.accepted_at,
            settled_at: upload.settled_at,
            display_name: upload.filename.as_deref().map(filename::display),
            filename: upload.filename,
            size: upload.size,
            sha256: upload.sha256,
            external_id: upload.external_id,
            uploader: upload.uploader,
            waiting_for: upload.waiting_for,
        }
    }
}

impl From<Rendition> for RenditionView {
    fn from(r: Rendition) -> Self {
        // The key stays inside: it names a place in the blob store.
        let Rendition { name, key: _, media_type, sha256, size, width, height } = r;
        Self { name, media_type, size, sha256, width, height }
    }
}

impl UploadView {
    pub fn new(upload: Upload, verdict: Option<NumberedVerdict>, renditions: Vec<Rendition>) -> Self {
        let (number, detail) = verdict.map(|v| (v.number, v.detail)).unzip();
        Self {
            upload: upload.into(),
            verdict: detail.as_ref().map(|d| d.verdict),
            verdict_number: number,
            verdict_detail: detail,
            renditions: renditions.into_iter().map(Into::into).collect(),
        }
    }
}
