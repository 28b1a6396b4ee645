//! What a moderator sees of a held file: a copy made in the sandbox, never the bytes themselves.

use crate::{
    pipeline::is_decodable,
    ports::{Blobs, PortError, blobs::Zone, store::Upload},
};
use lazaret_sandbox::{Name, Pool, RenditionSpec};
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
    /// Why nothing can be shown, where that is plain before anything is decoded.
    pub async fn trouble(&self, upload: &Upload, media_type: &str) -> Option<String> {
        if !is_decodable(media_type) {
            return Some(format!("{media_type} is not decoded for viewing"));
        }
        match self.blobs.open(Zone::Held, &upload.id.to_string()).await {
            Ok(Some(_)) => None,
            Ok(None) => Some("its bytes are gone from the store of files".into()),
            Err(error) => {
                tracing::warn!(upload.id = %upload.id, %error, "held bytes cannot be opened for viewing");
                Some("the store of files cannot be reached just now".into())
            }
        }
    }

    /// The first frame, no edge longer than `max_edge`, with the name of who looks written over it.
    pub async fn of(
        &self,
        upload: &Upload,
        media_type: &str,
        max_edge: u32,
        by: &str,
    ) -> Result<Preview, Hidden> {
        if !is_decodable(media_type) {
            return Err(Hidden::Why(format!("{media_type} is not shown here")));
        }
        self.held(&upload.id.to_string(), media_type, max_edge, by).await
    }

    /// The same of whatever is held under this key.
    pub async fn held(
        &self,
        key: &str,
        media_type: &str,
        max_edge: u32,
        by: &str,
    ) -> Result<Preview, Hidden> {
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
        let made = session
            .render(&RenditionSpec::Viewed { max_edge, by: Name::new(by) }, &mut bytes)
            .await
            .map_err(why)?;
        Ok(Preview { media_type: made.media_type, bytes })
    }
}
