//! The content models: a few sessions, each used by one file at a time, off the async runtime.

use crate::upload::Check;
use lazaret_classify::runtime;
use lazaret_inspect::{ContentModel, Declared, Identified, identify, identify_by_magic};
use lazaret_report::{Coverage, Engine, Report, Unavailable};
use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Semaphore;

/// A pool of models, each of which costs some 10 MB; they are loaded when first needed.
#[derive(Clone)]
pub struct ContentModels {
    places: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<ContentModel>>>,
    library: Option<PathBuf>,
}

impl ContentModels {
    /// `most` at a time, on the ONNX Runtime in `library`.
    pub fn new(most: usize, library: Option<PathBuf>) -> Self {
        Self { places: Arc::new(Semaphore::new(most.max(1))), idle: Arc::default(), library }
    }

    /// Identifies the file; an unreadable file is failed coverage, a missing runtime is unavailability.
    pub async fn identify(
        &self,
        file: &File,
        media_type: Option<&str>,
        filename: Option<&str>,
    ) -> Result<Identified, Unavailable> {
        let lost = |why: String| Unavailable::new(lazaret_inspect::ENGINE, why);
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|e| lost(e.to_string()))?;
        let file = file.try_clone().map_err(|e| lost(format!("out of file descriptors: {e}")))?;
        let models = self.clone();
        let (media_type, filename) = (media_type.map(str::to_owned), filename.map(str::to_owned));
        let identified = tokio::task::spawn_blocking(move || {
            let _place = place;
            let model = models.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut model = match model {
                Some(model) => model,
                None => models.load()?,
            };
            let declared = Declared { media_type: media_type.as_deref(), filename: filename.as_deref() };
            let identified = identify(&mut model, &file, declared);
            models.idle.lock().unwrap_or_else(PoisonError::into_inner).push(model);
            Ok(identified.unwrap_or_else(|error| unreadable(&error)))
        });
        identified.await.map_err(|e| lost(format!("the content model's thread ended: {e}")))?
    }

    /// Can a model be loaded? For readiness; once one is, this costs nothing.
    pub async fn ready(&self) -> Result<(), Unavailable> {
        if !self.idle.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
            || self.places.available_permits() == 0
        {
            return Ok(());
        }
        let models = self.clone();
        let loaded = tokio::task::spawn_blocking(move || {
            let model = models.load()?;
            models.idle.lock().unwrap_or_else(PoisonError::into_inner).push(model);
            Ok(())
        });
        loaded.await.map_err(|e| Unavailable::new(lazaret_inspect::ENGINE, e.to_string()))?
    }

    /// `ort` must not be touched before its library was proven to load.
    fn load(&self) -> Result<ContentModel, Unavailable> {
        runtime::init(self.library.as_deref())?;
        ContentModel::load()
    }
}

/// What the magic bytes alone say: enough to plan by where the model is missing, never enough for the type check.
pub(super) fn by_magic(file: &File) -> String {
    let mut head = vec![0; 8 * 1024];
    let read = file.read_at(&mut head, 0).unwrap_or(0);
    identify_by_magic(&head[..read], Declared::default()).media_type
}

fn unreadable(error: &std::io::Error) -> Identified {
    let engine = Engine::new(lazaret_inspect::ENGINE, env!("CARGO_PKG_VERSION"));
    let coverage =
        Coverage::failed("io.unreadable", format!("the {} check could not read it: {error}", Check::Type));
    Identified {
        media_type: "application/octet-stream".to_owned(),
        report: Report { engine, coverage, findings: Vec::new() },
    }
}
