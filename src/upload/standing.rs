//! What is decided on a live stream, and why.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The decision on a stream. The order is that of severity.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Frames are judged, and they are clean.
    Pass,
    /// Suspicious, or nobody can say.
    Warn,
    /// Not to be shown any more.
    Cut,
}

/// Why a stream stands as it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    Clean,
    /// No frame was judged for longer than the deadline, or none yet.
    Unwatched,
    /// Too many of the recent frames could not be judged, whatever those show that could.
    Undecodable,
    /// There is more in it than is looked at: further tracks of video, transparency, drawn subtitles.
    Unseen,
    /// Too many of the recent frames are near a threshold.
    Suspicious,
    /// Too many of the recent frames are above it.
    Bad,
    /// One frame was beyond doubt.
    Certain,
    /// Somebody decided so by hand.
    Person,
}

#[derive(Debug, thiserror::Error)]
#[error("no such word: {0:?}")]
pub struct Unknown(String);

macro_rules! words {
    ($kind:ident { $($variant:ident = $word:literal),* }) => {
        impl $kind {
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),*
                }
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $kind {
            type Err = Unknown;

            fn from_str(s: &str) -> Result<Self, Unknown> {
                match s {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(Unknown(s.to_owned())),
                }
            }
        }
    };
}

words!(Standing { Pass = "pass", Warn = "warn", Cut = "cut" });
words!(Because {
    Clean = "clean",
    Unwatched = "unwatched",
    Undecodable = "undecodable",
    Unseen = "unseen",
    Suspicious = "suspicious",
    Bad = "bad",
    Certain = "certain",
    Person = "person"
});

impl Because {
    /// It is what frames show that makes it so, and not that somebody does not see them all.
    pub fn is_of_frames(self) -> bool {
        !matches!(self, Self::Unwatched | Self::Undecodable | Self::Unseen)
    }
}

impl Standing {
    /// The event that tells of a change to it.
    pub fn event(self) -> &'static str {
        match self {
            Self::Pass => "stream.cleared",
            Self::Warn => "stream.warned",
            Self::Cut => "stream.cut",
        }
    }
}
