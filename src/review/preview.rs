//! What a moderator sees of a held file: a copy made in the sandbox, never the bytes themselves.

use crate::{
    pipeline::{is_coded_as_films, is_decodable},
    ports::{Blobs, PortError, blobs::Zone, store::Upload},
    streams::frame::RAW,
    upload::{film::SheetDetail, verdict::VerdictDetail},
};
use lazaret_sandbox::{Name, Pool, RenditionSpec};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{Read, Write},
    sync::Arc,
};

/// The largest contact sheet that is shown, in bytes.
const LARGEST_SHEET: u64 = 32 << 20;
/// Its longest edge: what is on it is small already.
const SHEET_EDGE: u32 = 4096;

#[derive(Clone)]
pub struct Previews {
    pub blobs: Arc<dyn Blobs>,
    pub media: Pool,
    /// Of children that decode pictures which are coded as films are; without it those are not shown.
    pub video: Option<Pool>,
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
    pub async fn trouble(&self, upload: &Upload, verdict: &VerdictDetail) -> Option<String> {
        let sheet = verdict.film.as_ref().and_then(|film| film.sheet.as_ref());
        let media_type = &verdict.r#type.media_type;
        let key = match sheet {
            Some(sheet) => sheet.key.clone(),
            None if is_decodable(media_type) => upload.id.to_string(),
            None => return Some(format!("{media_type} is not decoded for viewing")),
        };
        match self.blobs.open(Zone::Held, &key).await {
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
        self.held(&upload.id.to_string(), media_type, max_edge, Some(by)).await
    }

    /// The same of whatever is held under this key; without a name where it is a backend that asks.
    pub async fn held(
        &self,
        key: &str,
        media_type: &str,
        max_edge: u32,
        by: Option<&str>,
    ) -> Result<Preview, Hidden> {
        let Some(file) = self.blobs.open(Zone::Held, key).await? else {
            return Err(Hidden::Why("its bytes are gone".into()));
        };
        let size = file.metadata().map_err(PortError::from)?.len();
        self.copy(&file, size, media_type, max_edge, by).await
    }

    /// As [`Self::of`], of bytes that lie in no zone.
    pub async fn of_bytes(
        &self,
        bytes: &[u8],
        media_type: &str,
        max_edge: u32,
        by: &str,
    ) -> Result<Preview, Hidden> {
        if !is_decodable(media_type) && media_type != RAW {
            return Err(Hidden::Why(format!("{media_type} is not shown here")));
        }
        let in_memory = || {
            let mut file = File::from(rustix::fs::memfd_create("frame", rustix::fs::MemfdFlags::CLOEXEC)?);
            file.write_all(bytes).map(|()| file)
        };
        let file = in_memory().map_err(PortError::from)?;
        self.copy(&file, bytes.len() as u64, media_type, max_edge, Some(by)).await
    }

    async fn copy(
        &self,
        file: &File,
        size: u64,
        media_type: &str,
        max_edge: u32,
        by: Option<&str>,
    ) -> Result<Preview, Hidden> {
        let pool = if is_coded_as_films(media_type) { self.video.as_ref() } else { Some(&self.media) };
        let mut session = pool
            .ok_or_else(|| Hidden::Why(format!("{media_type} is not shown here")))?
            .open(file, size, media_type)
            .await
            .map_err(|trouble| Hidden::Why(format!("the decoders are not there just now ({trouble})")))?;
        let why =
            |trouble: lazaret_sandbox::Trouble| Hidden::Why(format!("it cannot be decoded ({trouble})"));
        let spec = match by {
            Some(by) => RenditionSpec::Viewed { max_edge, by: Name::new(by) },
            None => RenditionSpec::Thumbnail { max_edge },
        };
        let mut bytes = Vec::new();
        let made = session.render(&spec, &mut bytes).await.map_err(why)?;
        Ok(Preview { media_type: made.media_type, bytes })
    }

    /// A film's contact sheet: what the sandbox made, and nothing else that may lie in its place.
    pub async fn sheet(&self, sheet: &SheetDetail, by: &str) -> Result<Preview, Hidden> {
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
        self.of_bytes(&bytes, "image/jpeg", SHEET_EDGE, by).await
    }
}
