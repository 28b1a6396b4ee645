//! What a source holds that frames do not show, or that one of several pictures shows: whoever plays it may see something else
//! than is judged.

use crate::source::is_drawn;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::format::stream::Disposition;
use ffmpeg_next::media;
use lazaret_sandbox::{Unseen as Said, UnseenKind as Kind};

/// What was noticed; it stays for as long as the source goes on.
#[derive(Debug, Default)]
pub(super) struct Unseen {
    pub(super) is_translucent: bool,
    /// Colours that a player shows otherwise than they are looked at.
    pub(super) colours: Option<String>,
    tracks: Tracks,
}

impl Unseen {
    /// A packet of this track of video is here.
    pub(super) fn came(&mut self, track: usize) {
        self.tracks.came(track);
    }

    pub(super) fn told(&self, input: &Input) -> Vec<Said> {
        let (mut covered, mut drawn, mut translucent) = (false, false, self.is_translucent);
        for stream in input.streams() {
            let parameters = stream.parameters();
            match parameters.medium() {
                media::Type::Video if stream.disposition().contains(Disposition::ATTACHED_PIC) => {
                    covered = true;
                }
                media::Type::Video => translucent |= stream.metadata().get("alpha_mode") == Some("1"),
                media::Type::Subtitle => drawn |= is_drawn(parameters.id()),
                _ => {}
            }
        }
        let all = [
            (self.tracks.are_mixed, Kind::Tracks, "tracks of video side by side, of which viewers see one"),
            (covered, Kind::Cover, "a cover picture, which is not looked at"),
            (drawn, Kind::Subtitles, "subtitles that are pictures, which are not looked at"),
            (translucent, Kind::Transparency, "transparency, behind which other pictures may be"),
        ];
        let told = all.into_iter().filter(|(is, ..)| *is).map(|(_, kind, what)| (kind, what.to_owned()));
        let colours = self.colours.clone().map(|what| (Kind::Colours, what));
        told.chain(colours).map(|(kind, what)| Said { kind, what }).collect()
    }
}

/// One track after another is a source that goes on in another codec; one that comes again after another's packets is beside it.
#[derive(Debug, Default)]
struct Tracks {
    /// Those that came, the last one at the end.
    before: Vec<usize>,
    are_mixed: bool,
}

impl Tracks {
    fn came(&mut self, track: usize) {
        if self.before.last() == Some(&track) {
            return;
        }
        self.are_mixed |= self.before.contains(&track);
        self.before.retain(|before| *before != track);
        self.before.push(track);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_beside_each_other_are_told_from_tracks_in_a_row() {
        let mixed = |packets: &[usize]| {
            let mut tracks = Tracks::default();
            packets.iter().for_each(|track| tracks.came(*track));
            tracks.are_mixed
        };
        assert!(!mixed(&[]) && !mixed(&[0, 0, 0]) && !mixed(&[0, 0, 1, 1, 2, 2]));
        assert!(mixed(&[0, 1, 0]) && mixed(&[0, 0, 1, 2, 2, 1, 1]));
        let mut tracks = Tracks::default();
        (0..100_000).for_each(|n| tracks.came(n % 8));
        assert_eq!(tracks.before.len(), 8);
    }
}
