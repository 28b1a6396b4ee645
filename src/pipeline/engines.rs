//! The engines that checks use, and whether they can be used now.

use super::{ContentModels, image::is_coded_as_films};
use lazaret_antivirus::{Antivirus, Health};
use lazaret_classify::{Classifier, load_all, runtime};
use lazaret_report::Unavailable;
use lazaret_sandbox::Pool;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

/// Everything that looks at files. Clones share it.
#[derive(Clone)]
pub struct Engines {
    pub content: ContentModels,
    pub antivirus: Antivirus,
    pub media: Pool,
    /// Of children that decode films, and pictures that are coded as these.
    pub video: Pool,
    pub classifiers: Classifiers,
}

impl Engines {
    /// The children that decode pictures of this type.
    pub fn pictures(&self, media_type: &str) -> &Pool {
        if is_coded_as_films(media_type) { &self.video } else { &self.media }
    }

    /// What is unavailable, by engine; empty when every check can be made.
    pub async fn troubles(&self) -> Vec<Unavailable> {
        let mut troubles = Vec::new();
        match self.antivirus.health() {
            Health::Healthy { .. } => {}
            other => troubles.push(Unavailable::new("clamav", other.to_string())),
        }
        troubles.extend(self.classifiers.get().await.err());
        troubles.extend(self.content.ready().await.err());
        troubles.extend(self.media.check().await.err());
        troubles.extend(self.video.check().await.err());
        troubles
    }
}

/// The classifier, started when first needed and tried again while it cannot be: an operator may put a missing model
/// in place while the service runs.
#[derive(Clone)]
pub struct Classifiers(Arc<Slot>);

struct Slot {
    folder: PathBuf,
    library: Option<PathBuf>,
    threads: usize,
    started: RwLock<Option<Arc<Classifier>>>,
    starting: tokio::sync::Mutex<()>,
}

impl Classifiers {
    pub fn new(folder: PathBuf, library: Option<PathBuf>, threads: usize) -> Self {
        let slot = Slot {
            folder,
            library,
            threads,
            started: RwLock::default(),
            starting: tokio::sync::Mutex::default(),
        };
        Self(Arc::new(slot))
    }

    pub async fn get(&self) -> Result<Arc<Classifier>, Unavailable> {
        if let Some(classifier) = self.started() {
            return classifier.health().map(|()| classifier);
        }
        let _one_at_a_time = self.0.starting.lock().await;
        if let Some(classifier) = self.started() {
            return Ok(classifier);
        }
        let slot = Arc::clone(&self.0);
        let lost = |e: tokio::task::JoinError| Unavailable::new("classify", format!("its start failed: {e}"));
        tokio::task::spawn_blocking(move || {
            runtime::init(slot.library.as_deref())?;
            let classifier = Arc::new(start(&slot.folder, slot.threads)?);
            *slot.started.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&classifier));
            Ok(classifier)
        })
        .await
        .map_err(lost)?
    }

    fn started(&self) -> Option<Arc<Classifier>> {
        self.0.started.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The folder of models.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }
}

/// One wrong manifest stops them all: a model that silently drops out is a check that is not made.
fn start(folder: &Path, threads: usize) -> Result<Classifier, Unavailable> {
    let models = load_all(folder)
        .into_iter()
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| Unavailable::new("classify", e.to_string()))?;
    Classifier::start(models, threads)
}
