//! What a moderator sees of a held file: a copy made in the sandbox, never the bytes themselves.

use crate::{
    pipeline::is_decodable,
    ports::{Blobs, PortError, blobs::Zone, store::Upload},
    upload::film::SheetDetail,
};
use lazaret_sandbox::{Pool, RenditionSpec};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{Read, Write},
    sync::Arc,
};

/// The largest contact sheet that is shown, in bytes.
const LARGEST_SHEET: u64 = 32 << 20;

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
        self.copy(&file, size, media_type, max_edge).await
    }

    /// As [`Self::of`], of bytes that lie in no zone.
    pub async fn of_bytes(&self, bytes: &[u8], media_type: &str, max_edge: u32) -> Result<Preview, Hidden> {
        if !is_decodable(media_type) {
            return Err(Hidden::Why(format!("{media_type} is not shown here")));
        }
        let in_memory = || {
            let mut file = File::from(rustix::fs::memfd_create("frame", rustix::fs::MemfdFlags::CLOEXEC)?);
            file.write_all(bytes).map(|()| file)
        };
        let file = in_memory().map_err(PortError::from)?;
        self.copy(&file, bytes.len() as u64, media_type, max_edge).await
    }

    async fn copy(&self, file: &File, size: u64, media_type: &str, max_edge: u32) -> Result<Preview, Hidden> {
        let mut session = self
            .media
            .open(file, size, media_type)
            .await
            .map_err(|trouble| Hidden::Why(format!("the decoders are not there just now ({trouble})")))?;
        let why =
            |trouble: lazaret_sandbox::Trouble| Hidden::Why(format!("it cannot be decoded ({trouble})"));
        let mut bytes = Vec::new();
        let made = session.render(&RenditionSpec::Thumbnail { max_edge }, &mut bytes).await.map_err(why)?;
        Ok(Preview { media_type: made.media_type, bytes })
    }

    /// A film's contact sheet: what the sandbox made, and nothing else that may lie in its place.
    pub async fn sheet(&self, sheet: &SheetDetail) -> Result<Preview, Hidden> {
        let Some(file) = self.blobs.open(Zone::Held, &sheet.key).await? else {
            return Err(Hidden::Why("its contact sheet is gone".into()));
        };
        let size = sheet.size.min(LARGEST_SHEET);
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            file.take(size + 1).read_to_end(&mut bytes).map(|_| bytes)
        });
        let bytes =
            read.await.map_err(std::io::Error::other).and_then(|read| read).map_err(PortError::from)?;
        if bytes.len() as u64 != sheet.size || crate::hex(&Sha256::digest(&bytes)) != sheet.sha256 {
            return Err(Hidden::Why("its contact sheet is not the one that was made".into()));
        }
        Ok(Preview { media_type: "image/jpeg".into(), bytes })
    }
}
