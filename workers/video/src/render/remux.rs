//! The same pictures and sound in a container of the same kind, bit by bit, without anything else: also without what is
//! written between the pictures for whoever reads it.

use super::listen::Listener;
use super::muxer::Muxer;
use super::userdata::Writing;
use crate::clock::{micros, scaled};
use crate::source::{Job, Source, is_known_sound};
use crate::{fault, foreign};
use ffmpeg_next::codec::packet::side_data::Type;
use ffmpeg_next::{Packet, Rational, encoder, media};
use lazaret_pixels::upright_size;
use lazaret_sandbox::child::RenditionSink;
use lazaret_sandbox::{Rendition, Why};

/// FFmpeg's name of the container, and the media type of what comes out.
fn container(media_type: &str) -> (&'static str, &'static str) {
    match media_type {
        "video/quicktime" => ("mov", "video/quicktime"),
        "video/webm" => ("webm", "video/webm"),
        "video/x-matroska" => ("matroska", "video/x-matroska"),
        _ => ("mp4", "video/mp4"),
    }
}

/// A track that is taken over: its units before and after, and the latest time that was written.
pub(super) struct Track {
    from: Rational,
    index: usize,
    last: Option<i64>,
    /// How its pictures are written.
    writing: Writing,
    /// Of sound.
    listener: Option<Listener>,
}

pub(super) fn remux(job: &Job, out: &mut dyn RenditionSink) -> Result<Rendition, Why> {
    let mut source = job.open()?;
    let (name, media_type) = container(&job.media_type);
    let mut muxer = Muxer::new(name, out)?;
    let mut tracks: Vec<Option<Track>> = Vec::new();
    for stream in source.input.streams() {
        let wanted = stream.index() == source.track || is_sound(&stream);
        if !wanted {
            tracks.push(None);
            continue;
        }
        let mut track = muxer
            .output
            .add_stream(encoder::find(ffmpeg_next::codec::Id::None))
            .map_err(fault::at("a track"))?;
        let mut parameters = stream.parameters().clone();
        let (id, head) = (parameters.id(), foreign::head(&parameters));
        // Nobody here knows what such a track holds beside its sound.
        if is_sound(&stream) && !is_known_sound(id) {
            let detail = format!("{} is not copied here", id.name()).to_lowercase();
            return Err(Why::new("video.unsupported", detail));
        }
        let writing = Writing::of(id, head)?;
        if let Some(head) = writing.head_without(id, head)?
            && !foreign::set_head(&mut parameters, &head)
        {
            return Err(Why::new("child.memory", "no room for a track's head"));
        }
        let listener = match is_sound(&stream) {
            true => Some(Listener::new(parameters.clone(), stream.time_base())?),
            false => None,
        };
        track.set_parameters(parameters);
        track.set_time_base(stream.time_base());
        let index = track.index();
        if let Some(matrix) = stream.side_data().find(|data| data.kind() == Type::DisplayMatrix) {
            foreign::turn_track(&mut muxer.output, index, matrix.data());
        }
        tracks.push(Some(Track { from: stream.time_base(), index, last: None, writing, listener }));
    }
    muxer.begin()?;
    let frames = copy(&mut source, &mut muxer, &mut tracks)?;
    let decoder = source.decoder(super::MAX_PIXELS)?;
    let (width, height) = upright_size(source.orientation, (decoder.width(), decoder.height()));
    let bytes = muxer.end()?;
    Ok(Rendition {
        media_type: media_type.to_owned(),
        width,
        height,
        frames,
        bytes,
        note: "lossless".to_owned(),
    })
}

pub(super) fn is_sound(stream: &ffmpeg_next::Stream<'_>) -> bool {
    stream.parameters().medium() == media::Type::Audio
}

fn copy(source: &mut Source, muxer: &mut Muxer<'_>, tracks: &mut [Option<Track>]) -> Result<u32, Why> {
    let whole = source.input.duration() / 1000;
    let mut frames = 0;
    let mut failures = 0;
    while let Some(packet) = source.next() {
        let Ok(mut packet) = packet else {
            failures += 1;
            if failures > 16 { break } else { continue }
        };
        let is_picture = packet.stream() == source.track;
        let stamp = packet.pts().unwrap_or(0);
        let Some(Some(track)) = tracks.get_mut(packet.stream()) else { continue };
        let Some(stream) = muxer.output.stream(track.index) else { continue };
        let to = stream.time_base();
        let rescaled = |time: Option<i64>| time.map(|time| scaled(time, track.from, to));
        let (pts, dts) = (rescaled(packet.pts()), rescaled(packet.dts().or(packet.pts())));
        // A muxer takes no times that run backwards.
        let dts = match (dts, track.last) {
            (Some(dts), Some(last)) if dts <= last => Some(last + 1),
            (dts, _) => dts,
        };
        let pts = match (pts, dts) {
            (Some(pts), Some(dts)) if pts < dts => Some(dts),
            (pts, dts) => pts.or(dts),
        };
        // Without it the copy would show what comes from here on otherwise than it was looked at.
        if packet.side_data().any(|data| data.kind() == Type::NewExtraData) {
            return Err(Why::new("media.changes", "a track tells its decoder otherwise in its middle"));
        }
        // A fresh one has nothing beside its bytes: what a container keeps beside them (Matroska's BlockAdditions, a second
        // picture of its transparency among them) nobody looked at.
        let data = packet.data().unwrap_or_default();
        let mut bare = match track.writing.without(data)? {
            Some(kept) => Packet::copy(&kept),
            None => Packet::copy(data),
        };
        bare.set_flags(packet.flags());
        bare.set_duration(packet.duration());
        packet = bare;
        if let Some(listener) = &mut track.listener
            && !listener.hears(&packet)?
        {
            continue;
        }
        track.last = dts.or(track.last);
        let duration = scaled(packet.duration(), track.from, to);
        if is_picture {
            frames += 1;
            let at = micros(stamp, track.from) / 1000;
            muxer.progress(at, whole)?;
        }
        packet.set_pts(pts);
        packet.set_dts(dts);
        packet.set_duration(duration);
        packet.set_position(-1);
        packet.set_stream(track.index);
        muxer.write(&packet)?;
    }
    Ok(frames)
}
