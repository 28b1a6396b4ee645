//! Sound alone, to be played for one person: the first track that is decoded here, as AAC in MP4, whatever it came as. What
//! of it can be heard is.

use super::muxer::Muxer;
use super::remux::is_sound;
use super::sound::Sound;
use crate::clock::micros;
use crate::source::{Job, next_packet};
use ffmpeg_next::format::stream::Disposition;
use ffmpeg_next::media;
use lazaret_sandbox::child::RenditionSink;
use lazaret_sandbox::{Rendition, Why};

pub(super) fn heard(job: &Job, out: &mut dyn RenditionSink) -> Result<Rendition, Why> {
    let mut input = job.open_to_be_heard()?;
    let (mut tracks, mut covers) = (0, 0);
    for stream in input.streams() {
        match stream.parameters().medium() {
            media::Type::Audio => tracks += 1,
            media::Type::Video if stream.disposition().contains(Disposition::ATTACHED_PIC) => covers += 1,
            // Who only hears it would take it for harmless.
            media::Type::Video => {
                let why = "there are moving pictures in it, which nobody looked at, though its type is one of sound";
                return Err(Why::new("media.pictures", why));
            }
            _ => {}
        }
    }
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
    // What is no packet, and packets of which nothing was heard.
    let (mut failures, mut unheard) = (0, 0);
    while let Some(packet) = next_packet(&mut input) {
        let Ok(packet) = packet else {
            failures += 1;
            if failures > 16 { break } else { continue }
        };
        if packet.stream() == sound.from {
            muxer.progress(micros(packet.pts().unwrap_or(0), unit) / 1000, whole)?;
            // What is damaged is left out, and told.
            unheard += u32::from(sound.take(Some(&packet), &mut muxer).is_err());
        }
    }
    sound.take(None, &mut muxer)?;
    if sound.is_unheard() {
        return Err(Why::new("media.undecodable", "none of its sound can be decoded"));
    }
    let bytes = muxer.end()?;
    let (media_type, note) = ("audio/mp4".to_owned(), note(tracks, covers, failures + unheard));
    Ok(Rendition { media_type, width: 0, height: 0, frames: 0, bytes, note })
}

/// What is not heard stands behind a colon.
fn note(tracks: u32, covers: u32, damaged: u32) -> String {
    let others = (tracks > 1).then(|| format!("one of its {tracks} tracks alone"));
    let covers = (covers > 0).then(|| "without its cover picture".to_owned());
    let damaged = (damaged > 0).then(|| "without what is damaged".to_owned());
    let left_out: Vec<String> = others.into_iter().chain(covers).chain(damaged).collect();
    if left_out.is_empty() { "re-encoded".to_owned() } else { format!("re-encoded: {}", left_out.join(", ")) }
}
