use std::path::PathBuf;

/// Why a mark cannot be made. Every variant is a mistake in the specification or a missing font: trying again with the
/// same specification on the same machine gives the same error.
#[derive(Debug, thiserror::Error)]
pub enum MarkError {
    #[error("watermark {field} {problem}")]
    Invalid { field: &'static str, problem: String },
    #[error("watermark font path {} cannot be read: {problem}", path.display())]
    FontPath { path: PathBuf, problem: String },
    #[error("no font for the watermark: give a font file or folder, or install the package fonts-noto-core")]
    NoFonts,
    #[error(
        "no font has a glyph for {character:?} (U+{code:04X}) of the watermark text: {advice}",
        code = *character as u32
    )]
    MissingGlyph { character: char, advice: &'static str },
    #[error(
        "no single font can draw {cluster:?} of the watermark text: give one that has all of its characters"
    )]
    MissingCluster { cluster: String },
    #[error("watermark text cannot be laid out: {0}")]
    Text(&'static str),
    #[error("watermark picture cannot be used: {0}")]
    Picture(String),
}

impl MarkError {
    pub(crate) fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { field, problem: problem.into() }
    }
}
