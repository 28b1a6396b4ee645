//! How the numbers of a coded picture become red, green and blue. The file's word comes first, then the coded picture's own,
//! then what MIAF (ISO/IEC 23000-22, 7.3.6.4) takes for meant.

use crate::picture::{is_grey, is_planar_rgb, unknown_colours};
use ffmpeg_next::color::{Primaries, Range, Space};
use ffmpeg_next::frame;
use lazaret_inspect::heif::{Colours, Nclx};

/// What was learnt from the file and the pictures in it.
pub(super) struct Seen {
    nclx: Option<Nclx>,
    has_profile: bool,
    /// What is meant in a way that is not followed.
    pub(super) unknown: Option<String>,
    /// Red, green and blue are meant to be others than those of screens, and a copy does not say so.
    pub(super) other: bool,
}

impl Seen {
    pub(super) fn of(colours: &Colours) -> Self {
        Self { nclx: colours.nclx, has_profile: colours.icc.is_some(), unknown: None, other: false }
    }

    /// Has `frame` say of its colours what is meant.
    pub(super) fn mean(&mut self, frame: &mut frame::Video) {
        let unknown = match self.nclx {
            Some(nclx) => told(&nclx, frame),
            None => None,
        };
        if frame.color_space() == Space::Unspecified {
            frame.set_color_space(Space::SMPTE170M);
        }
        let unknown = unknown.or_else(|| unknown_colours(frame));
        if let Some(what) = unknown {
            self.unknown.get_or_insert(what);
        }
        // Those of television of old are near.
        let near = match self.nclx.map(|nclx| nclx.primaries) {
            Some(primaries) if primaries != UNSPECIFIED => matches!(primaries, 1 | 5 | 6 | 7),
            _ => matches!(
                frame.color_primaries(),
                Primaries::Unspecified
                    | Primaries::Reserved
                    | Primaries::Reserved0
                    | Primaries::BT709
                    | Primaries::BT470BG
                    | Primaries::SMPTE170M
                    | Primaries::SMPTE240M
            ),
        };
        self.other |= !near && !self.has_profile;
    }
}

/// Of H.273.
const UNSPECIFIED: u16 = 2;

/// Sets what the file tells; what of it is not followed.
fn told(nclx: &Nclx, frame: &mut frame::Video) -> Option<String> {
    let otherwise = || Some("colours that the file and the picture in it tell otherwise".to_owned());
    let coded = frame.color_space();
    let matrix = match nclx.matrix {
        UNSPECIFIED => coded,
        _ if is_grey(frame) => coded,
        0 => Space::RGB,
        1 => Space::BT709,
        4 => Space::FCC,
        5 | 6 => Space::SMPTE170M,
        7 => Space::SMPTE240M,
        9 => Space::BT2020NCL,
        other => return Some(format!("colours by the matrix {other}, which is not followed")),
    };
    // The two have the same numbers.
    let alike = |space| if space == Space::BT470BG { Space::SMPTE170M } else { space };
    if !matches!(coded, Space::Unspecified | Space::Reserved) && alike(coded) != alike(matrix)
        || (matrix == Space::RGB) != is_planar_rgb(frame.format())
    {
        return otherwise();
    }
    frame.set_color_space(matrix);
    // That the range is limited is also what it says that says nothing.
    if frame.color_range() == Range::JPEG && !nclx.full_range {
        return otherwise();
    }
    frame.set_color_range(if nclx.full_range { Range::JPEG } else { Range::MPEG });
    let known = matches!(nclx.transfer, 1 | UNSPECIFIED | 4 | 5 | 6 | 13 | 14 | 15);
    (!known).then(|| format!("colours by the curve {}, which is not followed", nclx.transfer))
}
