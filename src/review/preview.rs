//! What a moderator sees of a held file: a copy made in the sandbox, never the bytes themselves.

use crate::{
    pipeline::is_decodable,
    ports::{Blobs, PortError, blobs::Zone, store::Upload},
};
use lazaret_sandbox::{Pool, RenditionSpec};
use std::sync::Arc;

#[derive(Clone)]
pub struct Previews {
    pub blobs: Arc<dyn Blobs>,
    pub media: Pool,
}

/// A picture that a browser may show.
pub struct Preview {
    pub media_type: String,
    pub bytes: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum Hidden {
    /// In words for people.
    #[error("{0}")]
    Why(String),
    #[error(transparent)]
    Port(#[from] PortError),
}

impl Previews {
    /// The first frame, no edge longer than `max_edge`.
    pub async fn of(&self, upload: &Upload, media_type: &str, max_edge: u32) -> Result<Preview, Hidden> {
        if !is_decodable(media_type) {
            return Err(Hidden::Why(format!("{media_type} is not shown here")));
        }
        self.held(&upload.id.to_string(), media_type, max_edge).await
    }

    /// The same of whatever is held under this key.
    pub async fn held(&self, key: &str, media_type: &str, max_edge: u32) -> Result<Preview, Hidden> {
        let Some(file) = self.blobs.open(Zone::Held, key).await? else {
            return Err(Hidden::Why("its bytes are gone".into()));
        };
        let size = file.metadata().map_err(PortError::from)?.len();
        let mut session = self
            .media
            .open(&file, size, media_type)
            .await
            .map_err(|trouble| Hidden::Why(format!("the decoders are not there just now ({trouble})")))?;
        let why =
            |trouble: lazaret_sandbox::Trouble| Hidden::Why(format!("it cannot be decoded ({trouble})"));
        let mut bytes = Vec::new();
        let made = session.render(&RenditionSpec::Thumbnail { max_edge }, &mut bytes).await.map_err(why)?;
        Ok(Preview { media_type: made.media_type, bytes })
    }
}
