//! The content models: a few sessions, each used by one file at a time, off the async runtime.

use crate::upload::Check;
use lazaret_inspect::{ContentModel, Declared, Identified, identify};
use lazaret_report::{Coverage, Engine, Report, Unavailable};
use std::{
    fs::File,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Semaphore;

/// A pool of models, each of which costs some 10 MB; they are loaded when first needed.
#[derive(Clone)]
pub struct ContentModels {
    places: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<ContentModel>>>,
}

impl ContentModels {
    pub fn new(most: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(most.max(1))), idle: Arc::default() }
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
        let idle = Arc::clone(&self.idle);
        let (media_type, filename) = (media_type.map(str::to_owned), filename.map(str::to_owned));
        let identified = tokio::task::spawn_blocking(move || {
            let _place = place;
            let model = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut model = match model {
                Some(model) => model,
                None => load()?,
            };
            let declared = Declared { media_type: media_type.as_deref(), filename: filename.as_deref() };
            let identified = identify(&mut model, &file, declared);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(model);
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
        let idle = Arc::clone(&self.idle);
        let loaded = tokio::task::spawn_blocking(move || {
            let model = load()?;
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(model);
            Ok(())
        });
        loaded.await.map_err(|e| Unavailable::new(lazaret_inspect::ENGINE, e.to_string()))?
    }
}

/// `ort` must not be touched before its library was proven to load.
fn load() -> Result<ContentModel, Unavailable> {
    if lazaret_classify::runtime::current().is_none() {
        let why = "ONNX Runtime is not loaded; run scripts/setup.sh, or set models.runtime";
        return Err(Unavailable::new("magika", why));
    }
    ContentModel::load()
}

fn unreadable(error: &std::io::Error) -> Identified {
    let engine = Engine::new(lazaret_inspect::ENGINE, env!("CARGO_PKG_VERSION"));
    let coverage = Coverage::failed("io.unreadable", format!("the {} check could not read it: {error}", Check::Type));
    Identified {
        media_type: "application/octet-stream".to_owned(),
        report: Report { engine, coverage, findings: Vec::new() },
    }
}
