use lazaret_sandbox::{Coverage, Why};
use std::io;

/// What is wrong with a picture, or with decoding it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{0}")]
    Truncated(String),
    #[error("{0}")]
    Corrupt(String),
    /// Over the budget: `limit.pixels` or `limit.frames`.
    #[error("{1}")]
    Limit(&'static str, String),
    /// A library ran out of memory and said so instead of aborting.
    #[error("{0}")]
    Memory(String),
    /// Not a format that is decoded here, or a rendition that is not configured.
    #[error("{1}")]
    Unsupported(&'static str, String),
    /// The file could not be read, or the answer not written.
    #[error("{0}")]
    Io(String),
}

impl Fault {
    pub(crate) fn truncated(what: impl ToString) -> Self {
        Self::Truncated(what.to_string())
    }

    pub(crate) fn corrupt(what: impl ToString) -> Self {
        Self::Corrupt(what.to_string())
    }

    /// The claim that is left when some frames were seen before this.
    pub(crate) fn after_frames(&self) -> Coverage {
        let code = match self {
            Self::Truncated(_) => "truncated",
            Self::Corrupt(_) | Self::Memory(_) | Self::Unsupported(..) => "corrupt",
            Self::Limit(code, _) => code,
            Self::Io(_) => "io.unreadable",
        };
        Coverage::partial(code, self.to_string())
    }
}

impl From<Fault> for Why {
    fn from(fault: Fault) -> Self {
        let code = match &fault {
            Fault::Truncated(_) | Fault::Corrupt(_) => "media.undecodable",
            Fault::Limit(code, _) | Fault::Unsupported(code, _) => code,
            Fault::Memory(_) => "child.memory",
            Fault::Io(_) => "io.unreadable",
        };
        Why::new(code, escape(&fault.to_string()))
    }
}

/// Decoders quote bytes of the file in their messages.
fn escape(text: &str) -> String {
    text.chars()
        .take(300)
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::truncated("the file ends too early"),
            io::ErrorKind::OutOfMemory => Self::Memory(error.to_string()),
            _ => Self::Io(error.to_string()),
        }
    }
}
