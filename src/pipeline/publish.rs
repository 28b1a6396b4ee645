//! From a publish verdict to copies in the published zone: made in the child, checked like uploads, then written.

use super::{
    Engines,
    image::{child, is_decodable, is_written},
    spool::Hashing,
};
use crate::{
    ports::{Blobs, PortError, blobs::Zone},
    upload::{
        Check, CheckResult, UploadId,
        rendition::{Rendition, RenditionName},
        ruling::Leave,
        verdict::is_clean,
    },
};
use lazaret_inspect::{Declared, identify_by_magic};
use lazaret_report::{Coverage, Engine, Report, Unavailable};
use lazaret_sandbox::{RenditionSpec, Session};
use std::{fs::File, os::unix::fs::FileExt, sync::Arc};
use tokio::{io::AsyncWriteExt, sync::watch};

/// What to make of a published picture or film.
#[derive(Debug, Clone, Default)]
pub struct Recipe {
    pub make: Vec<RenditionName>,
    /// Longer edge, in pixels.
    pub thumbnail: u32,
    /// There is a mark to put on the watermarked copy.
    pub marked: bool,
}

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum Withheld {
    /// A copy could not be made, or did not pass its checks.
    #[error("{reason}")]
    Spoiled { reason: &'static str, results: Vec<CheckResult> },
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Port(#[from] PortError),
}

/// A copy that is made, but not yet published.
struct Draft {
    name: RenditionName,
    media_type: String,
    sha256: String,
    size: u64,
    pixels: Option<(u32, u32)>,
    spool: File,
}

pub(super) struct Publisher {
    pub(super) engines: Engines,
    pub(super) blobs: Arc<dyn Blobs>,
    pub(super) recipe: Recipe,
    /// What is being made just now, and how much of it is.
    pub(super) progress: watch::Sender<String>,
}

/// Copies of earlier scans that are looked for: more than any number of attempts leaves.
const LEFT_BEHIND: usize = 200;

impl Publisher {
    /// Copies of a picture or a film, made by the child that looked at it. `fence` keeps the objects of two workers apart.
    pub(super) async fn remade(
        &self,
        id: UploadId,
        fence: u64,
        check: Check,
        mut session: Session,
    ) -> Result<Vec<Rendition>, Withheld> {
        let mut drafts = Vec::new();
        for name in self.wanted() {
            drafts.push(self.draft(name, check, &mut session).await?);
        }
        drafts.sort_by_key(|draft| self.recipe.make.iter().position(|name| *name == draft.name));
        // The child is free for others before the copies ask for one themselves: no one waits while holding.
        drop(session);
        for draft in &drafts {
            let results = self.check(draft, check).await?;
            if !results.iter().all(is_clean) {
                return Err(Withheld::Spoiled { reason: "rendition.not_clean", results });
            }
        }
        self.write(id, fence, drafts).await
    }

    /// What no child looked at: a picture whose check is switched off is made anew all the same, and one that nobody here
    /// decodes, or a film, is never published as it came.
    pub(super) async fn unlooked(
        &self,
        id: UploadId,
        fence: u64,
        media_type: &str,
        sha256: &str,
        size: u64,
        file: File,
    ) -> Result<Vec<Rendition>, Withheld> {
        if is_decodable(media_type) {
            let session = self.engines.pictures(media_type).open(&file, size, media_type).await?;
            return self.remade(id, fence, Check::Image, session).await;
        }
        if media_type.starts_with("image/") || media_type.starts_with("video/") {
            return Err(Withheld::Spoiled { reason: "publish.no_copy", results: Vec::new() });
        }
        self.original(id, fence, media_type, sha256, size, file).await
    }

    /// The upload itself, of files that are no pictures: the very bytes that the checks read.
    pub(super) async fn original(
        &self,
        id: UploadId,
        fence: u64,
        media_type: &str,
        sha256: &str,
        size: u64,
        file: File,
    ) -> Result<Vec<Rendition>, Withheld> {
        let draft = Draft {
            name: RenditionName::Original,
            media_type: media_type.to_owned(),
            sha256: sha256.to_owned(),
            size,
            pixels: None,
            spool: file,
        };
        self.write(id, fence, vec![draft]).await
    }

    /// As [`Self::original`], on a person's word.
    #[expect(clippy::too_many_arguments, reason = "those of `original`, and the leave")]
    pub(super) async fn approved(
        &self,
        _leave: &Leave,
        id: UploadId,
        fence: u64,
        media_type: &str,
        sha256: &str,
        size: u64,
        file: File,
    ) -> Result<Vec<Rendition>, Withheld> {
        self.original(id, fence, media_type, sha256, size, file).await
    }

    /// Takes back what was written for a verdict that was not committed.
    pub(super) async fn retract(&self, renditions: &[Rendition]) {
        for rendition in renditions {
            if let Err(error) = self.blobs.remove(Zone::Published, &rendition.key).await {
                tracing::warn!(%error, rendition.key, "an unused copy is left for the sweeper");
            }
        }
    }

    /// Removes what earlier scans of the upload wrote for verdicts that they did not come to.
    pub(super) async fn clear(&self, id: UploadId, renditions: &[Rendition]) {
        let of_upload = format!("{id}/");
        let keys = match self.blobs.list(Zone::Published, &of_upload, LEFT_BEHIND).await {
            Ok(keys) => keys,
            Err(error) => {
                tracing::warn!(%error, upload.id = %id, "copies of earlier scans are left for the sweeper");
                return;
            }
        };
        for key in keys.iter().take_while(|key| key.starts_with(&of_upload)) {
            if renditions.iter().any(|rendition| rendition.key == *key) {
                continue;
            }
            if let Err(error) = self.blobs.remove(Zone::Published, key).await {
                tracing::warn!(%error, key, "an unused copy is left for the sweeper");
            }
        }
    }

    /// In the order in which they cost least: the thumbnail reads the decoded pixels, the mark is put onto them, and the
    /// original does without.
    fn wanted(&self) -> Vec<RenditionName> {
        let made = self.recipe.make.iter().copied();
        let mut wanted: Vec<_> =
            made.filter(|name| self.recipe.marked || *name != RenditionName::Watermarked).collect();
        wanted.sort_by_key(|name| match name {
            RenditionName::Thumbnail => 0,
            RenditionName::Watermarked => 1,
            RenditionName::Original => 2,
        });
        wanted
    }

    async fn draft(
        &self,
        name: RenditionName,
        check: Check,
        session: &mut Session,
    ) -> Result<Draft, Withheld> {
        let spec = match name {
            RenditionName::Original => RenditionSpec::Original,
            RenditionName::Watermarked => RenditionSpec::Watermarked,
            RenditionName::Thumbnail => RenditionSpec::Thumbnail { max_edge: self.recipe.thumbnail },
        };
        let spool = self.blobs.spool().await?;
        let out = tokio::fs::File::from_std(spool.try_clone().map_err(PortError::from)?);
        let mut out = Hashing::new(tokio::io::BufWriter::with_capacity(1 << 20, out));
        let told = |thousandths: u16| {
            self.progress.send_replace(format!("the {name} copy is made: {} %", thousandths / 10));
        };
        let engine = child(session);
        let rendered = match session.render_watched(&spec, &mut out, told).await {
            Ok(rendered) => rendered,
            Err(lazaret_sandbox::Trouble::Output(why)) => {
                let kind = if why.contains("No space") {
                    crate::ports::Kind::Full
                } else {
                    crate::ports::Kind::Retry
                };
                return Err(
                    PortError::new(kind, format!("the {name} copy could not be spooled: {why}")).into()
                );
            }
            Err(trouble) => {
                let report = Report { engine, coverage: trouble.coverage(), findings: Vec::new() };
                let results = vec![CheckResult::looked(check, report)];
                return Err(Withheld::Spoiled { reason: "rendition.failed", results });
            }
        };
        out.flush().await.map_err(PortError::from)?;
        let (sha256, size) = out.finish();
        let pixels = Some((rendered.width, rendered.height));
        Ok(Draft { name, media_type: rendered.media_type, sha256, size, pixels, spool })
    }

    /// Law 1: a copy passes the type, structure and antivirus checks before it can be published.
    async fn check(&self, draft: &Draft, of: Check) -> Result<Vec<CheckResult>, Withheld> {
        let mut head = vec![0; 8 * 1024];
        let read = draft.spool.read_at(&mut head, 0).map_err(PortError::from)?;
        let declared = Declared { media_type: Some(&draft.media_type), filename: None };
        let mut identified = identify_by_magic(&head[..read], declared);
        if identified.media_type != draft.media_type {
            let why = format!("made as {}, is {}", draft.media_type, identified.media_type);
            identified.report.coverage = Coverage::failed("rendition.type", why);
        }
        // A child could tell the truth about something that no copy should be.
        let film = of == Check::Video && draft.media_type.starts_with("video/");
        if !film && !is_written(&draft.media_type) {
            let why = format!("a copy of a picture or a film is no {}", draft.media_type);
            identified.report.coverage = Coverage::failed("rendition.type", why);
        }
        let r#type = CheckResult::looked(Check::Type, identified.report);
        let mut session = self.engines.media.open(&draft.spool, draft.size, &draft.media_type).await?;
        let structure = match session.walk().await {
            Ok(report) => CheckResult::looked(Check::Structure, report),
            Err(trouble) => {
                let engine = Engine::new(lazaret_inspect::ENGINE, session.version());
                let report = Report { engine, coverage: trouble.coverage(), findings: Vec::new() };
                CheckResult::looked(Check::Structure, report)
            }
        };
        drop(session);
        let antivirus = self.engines.antivirus.scan(&draft.spool, draft.size).await?;
        Ok(vec![r#type, structure, CheckResult::looked(Check::Antivirus, antivirus)])
    }

    async fn write(&self, id: UploadId, fence: u64, drafts: Vec<Draft>) -> Result<Vec<Rendition>, Withheld> {
        let mut written: Vec<Rendition> = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let key = format!("{id}/{fence}/{}", draft.name);
            if let Err(error) = self.blobs.put(Zone::Published, &key, &draft.spool).await {
                self.retract(&written).await;
                return Err(error.into());
            }
            let (width, height) = draft.pixels.unzip();
            written.push(Rendition {
                name: draft.name,
                key,
                media_type: draft.media_type,
                sha256: draft.sha256,
                size: draft.size,
                width,
                height,
            });
        }
        Ok(written)
    }
}
