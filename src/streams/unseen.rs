//! What of a source frames do not show, or not as players do: by kind, so that some may be put up with. Pure.

use lazaret_sandbox::UnseenKind;
use serde::{Deserialize, Serialize};

/// What may be in a source beside what is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unseen {
    /// Tracks of video side by side. All are judged, in turn, and a viewer sees one.
    Tracks,
    /// A cover picture, which nobody looks at.
    Cover,
    /// Subtitles that are pictures, which nobody looks at.
    Subtitles,
    /// Other pictures may be behind it.
    Transparency,
    /// They are judged as if they were others (HDR, rare matrices).
    Colours,
}

impl From<UnseenKind> for Unseen {
    fn from(kind: UnseenKind) -> Self {
        match kind {
            UnseenKind::Tracks => Self::Tracks,
            UnseenKind::Cover => Self::Cover,
            UnseenKind::Subtitles => Self::Subtitles,
            UnseenKind::Transparency => Self::Transparency,
            UnseenKind::Colours => Self::Colours,
        }
    }
}

/// A set of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    pub(super) fn bits(self) -> u8 {
        self.0
    }

    pub(super) fn of_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Is there any that is not among these?
    pub fn are_beyond(self, these: Self) -> bool {
        self.0 & !these.0 != 0
    }
}

impl FromIterator<Unseen> for Kinds {
    fn from_iter<T: IntoIterator<Item = Unseen>>(all: T) -> Self {
        Self(all.into_iter().fold(0, |bits, kind| bits | 1 << kind as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_put_up_with_by_itself() {
        use Unseen::{Colours, Cover, Subtitles, Tracks, Transparency};
        let all = [Tracks, Cover, Subtitles, Transparency, Colours];
        for one in all {
            for other in all {
                assert_eq!(Kinds::from_iter([one]).are_beyond([other].into_iter().collect()), one != other);
            }
        }
        assert!(!Kinds::default().are_beyond(Kinds::default()));
        assert!(!Kinds::from_iter(all).are_beyond(all.into_iter().collect()));
    }
}
