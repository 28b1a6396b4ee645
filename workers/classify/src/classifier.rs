use crate::answer::Answer;
use crate::error::ScoreError;
use crate::manifest::{Manifest, Target};
use crate::model::Model;
use crate::pool::{Lane, Pool, Worker};
use crate::runtime;
use lazaret_report::{Engine, Unavailable, Why};
use std::sync::Arc;

/// All enabled models, on a number of threads of its own.
pub struct Classifier {
    models: Arc<[Manifest]>,
    runtime: String,
    pool: Pool,
}

struct Sessions(Vec<Model>);

impl Worker for Sessions {
    fn score(&mut self, model: usize, pixels: Vec<f32>) -> Result<Answer, Why> {
        let model = self
            .0
            .get_mut(model)
            .ok_or_else(|| Why::new("model.unknown", format!("there is no model {model}")))?;
        model.score(pixels)
    }
}

impl Classifier {
    /// Loads every enabled model on every thread; blocks until all have proven themselves, some 0.1 s. The runtime must
    /// have been loaded before by [`runtime::init`].
    ///
    /// # Errors
    /// The engine named is the model at fault: its file is missing, has another SHA-256, is no model, or does not
    /// answer as its manifest says.
    pub fn start(models: Vec<Manifest>, threads: usize) -> Result<Self, Unavailable> {
        let models: Arc<[Manifest]> = models.into_iter().filter(|model| model.enabled).collect();
        if models.is_empty() {
            return Err(Unavailable::new("classify", "no model is enabled; see models/README.md"));
        }
        let runtime = runtime::current().ok_or_else(|| {
            Unavailable::new("onnxruntime", "it is not loaded; run scripts/setup.sh and start again")
        })?;
        let manifests = Arc::clone(&models);
        let pool = Pool::start(threads, move || {
            manifests.iter().map(Model::load).collect::<Result<_, _>>().map(Sessions)
        })?;
        Ok(Self { models, runtime: runtime.version, pool })
    }

    /// One for each model, in its index's order.
    pub fn targets(&self) -> Vec<Target> {
        self.models.iter().map(Manifest::target).collect()
    }

    /// One for each model: its name, and its version with the beginning of its SHA-256 and the runtime's version:
    /// `4.3.0/e465224fa643/onnxruntime-1.31.1`.
    pub fn engines(&self) -> Vec<Engine> {
        let version = |model: &Manifest| {
            format!("{}/{}/onnxruntime-{}", model.version, &model.sha256[..12], self.runtime)
        };
        self.models.iter().map(|model| Engine::new(&model.name, version(model))).collect()
    }

    /// The manifests, in the order of their indices.
    pub fn models(&self) -> &[Manifest] {
        &self.models
    }

    /// The labels of a model in the order of its scores; none for an index that does not exist.
    pub fn labels(&self, model: usize) -> &[String] {
        self.models.get(model).map_or(&[], |model| &model.output.labels)
    }

    /// Fails when no picture could be scored any more.
    pub fn health(&self) -> Result<(), Unavailable> {
        self.pool.health()
    }

    /// Scores one picture with one model: one value from 0 to 1 for each label, and where a detector saw it. Waits while the queue is full.
    ///
    /// `pixels` are those of the model's [`Target`]: RGB, 0 to 255, row by row, `width * height * 3` values.
    pub async fn score(&self, model: usize, pixels: Vec<f32>) -> Result<Answer, ScoreError> {
        self.pool.score(Lane::Usual, model, pixels).await
    }

    /// As [`Self::score`], before all pictures that wait there: for what is of no use later.
    pub async fn score_first(&self, model: usize, pixels: Vec<f32>) -> Result<Answer, ScoreError> {
        self.pool.score(Lane::Urgent, model, pixels).await
    }
}
