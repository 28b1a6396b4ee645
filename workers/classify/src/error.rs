use lazaret_report::{Coverage, Unavailable, Why};

/// Why a picture has no scores.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScoreError {
    /// No picture can be scored just now; it is not this picture's fault.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// This picture was not scored. Codes: `model.input` (pixels of the wrong number, or not finite), `model.run` (the
    /// runtime refused), `model.output` (missing, of the wrong shape, not finite, no distribution), `model.crashed`,
    /// `model.unknown` (no such index).
    #[error("{0}")]
    Failed(Why),
}

impl ScoreError {
    pub(crate) fn failed(code: &str, detail: impl Into<String>) -> Self {
        Self::Failed(Why::new(code, detail))
    }

    /// The coverage that the picture gets, or the engine's trouble, for which it waits.
    pub fn into_coverage(self) -> Result<Coverage, Unavailable> {
        match self {
            Self::Unavailable(unavailable) => Err(unavailable),
            Self::Failed(why) => Ok(Coverage::Failed(why)),
        }
    }
}
