//! Sound alone, to be played for one person: the first track that is decoded here, as AAC in MP4, whatever it came as. What
//! of it can be heard is.

use super::muxer::Muxer;
use super::remux::is_sound;
use super::sound::Sound;
use crate::clock::micros;
use crate::source::{Job, next_packet};
use lazaret_sandbox::child::RenditionSink;
use lazaret_sandbox::{Rendition, Why};

pub(super) fn heard(job: &Job, out: &mut dyn RenditionSink) -> Result<Rendition, Why> {
    let mut input = job.input()?;
    let mut muxer = Muxer::new("mp4", out)?;
    let mut found = Err(Why::new("video.none", "there is neither video nor sound in it"));
    for stream in input.streams().filter(is_sound) {
        found = Sound::new(&stream, true, &mut muxer).map(|sound| (sound, stream.time_base()));
        if found.is_ok() {
            break;
        }
    }
    let (mut sound, unit) = found?;
    muxer.begin_sound()?;
    let whole = input.duration() / 1000;
    let mut failures = 0;
    while let Some(packet) = next_packet(&mut input) {
        let Ok(packet) = packet else {
            failures += 1;
            if failures > 16 { break } else { continue }
        };
        if packet.stream() == sound.from {
            muxer.progress(micros(packet.pts().unwrap_or(0), unit) / 1000, whole)?;
            // What is damaged is left out.
            let _ = sound.take(Some(&packet), &mut muxer);
        }
    }
    sound.take(None, &mut muxer)?;
    if sound.is_unheard() {
        return Err(Why::new("media.undecodable", "none of its sound can be decoded"));
    }
    let bytes = muxer.end()?;
    let (media_type, note) = ("audio/mp4".to_owned(), "re-encoded".to_owned());
    Ok(Rendition { media_type, width: 0, height: 0, frames: 0, bytes, note })
}
