//! What confines a child, in the words that both ends share.

use serde::{Deserialize, Serialize};

/// What a child does where the kernel cannot enforce a layer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confinement {
    /// It does not run.
    #[default]
    Enforced,
    /// It runs without, and says so.
    BestEffort,
    /// It runs without these, which is for the self-test, tests and benchmarks alone: no setting leads here.
    Without(Vec<Layer>),
}

impl Confinement {
    pub(crate) fn asks_for(&self, layer: Layer) -> bool {
        !matches!(self, Self::Without(left_out) if left_out.contains(&layer))
    }
}

/// What an older kernel, or one that is configured so, may lack. Limits, the empty environment and the rest need nothing
/// that a kernel may lack: a child that cannot have them ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    Landlock,
    Seccomp,
}

/// Which layers hold, as the child says before it takes its first file: what each of them does, or why it is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers {
    pub landlock: Result<String, String>,
    pub seccomp: Result<String, String>,
}

/// Something that no child may do. The self-test has real ones try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    OpenFile,
    WriteFile,
    Connect,
    Exec,
    Fork,
    Ptrace,
    ExecutableMemory,
    SignalParent,
}

impl Act {
    pub const ALL: [Self; 8] = [
        Self::OpenFile,
        Self::WriteFile,
        Self::Connect,
        Self::Exec,
        Self::Fork,
        Self::Ptrace,
        Self::ExecutableMemory,
        Self::SignalParent,
    ];

    /// As in "a child could …".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenFile => "open a file",
            Self::WriteFile => "write to a file",
            Self::Connect => "connect to an address",
            Self::Exec => "run another program",
            Self::Fork => "start a process",
            Self::Ptrace => "be traced",
            Self::ExecutableMemory => "make memory executable",
            Self::SignalParent => "signal its parent",
        }
    }
}
