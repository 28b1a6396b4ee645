use lazaret_report::{Coverage, Why};

/// Why a child gave no answer for one file. Each is this file's trouble and none of the next one's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("the child crashed: {how}")]
    Crashed {
        /// Exit code or signal, and the last line it wrote on stderr.
        how: String,
    },
    #[error("the child was killed at its wall clock deadline")]
    WallDeadline,
    #[error("the child was killed at its limit of processor time")]
    CpuDeadline,
    /// Something took it over, or a decoder makes a call that is not on the list.
    #[error("the child was killed at a system call that it may not make")]
    Forbidden,
    #[error("the child ran out of the memory it was given")]
    OutOfMemory,
    #[error("the child answered with more bytes than allowed")]
    OutputLimit,
    #[error("the child broke the protocol: {0}")]
    Protocol(String),
    /// The child's own, clean refusal.
    #[error("{0}")]
    Undecodable(Why),
    /// What the rendition was to be written to failed. The file is not to blame.
    #[error("could not pass on what the child answered: {0}")]
    Output(String),
}

impl Trouble {
    /// The code of a clean refusal that means memory: a C library reported what would have aborted Rust code.
    pub(crate) const MEMORY: &'static str = "child.memory";

    /// Stable code, as in the coverage that this trouble leaves.
    pub fn code(&self) -> &str {
        match self {
            Self::Crashed { .. } => "child.crashed",
            Self::WallDeadline | Self::CpuDeadline => "child.deadline",
            Self::Forbidden => "child.forbidden",
            Self::OutOfMemory => Self::MEMORY,
            Self::OutputLimit => "child.output",
            Self::Protocol(_) => "child.protocol",
            Self::Undecodable(why) => &why.code,
            Self::Output(_) => "io.output",
        }
    }

    /// The claim that is left of a check that met this trouble.
    pub fn coverage(&self) -> Coverage {
        match self {
            Self::Undecodable(why) => Coverage::Failed(why.clone()),
            other => Coverage::failed(other.code(), other.to_string()),
        }
    }

    pub(crate) fn refused(why: Why) -> Self {
        if why.code == Self::MEMORY { Self::OutOfMemory } else { Self::Undecodable(why) }
    }
}

impl From<Trouble> for Coverage {
    fn from(trouble: Trouble) -> Self {
        trouble.coverage()
    }
}
