//! A source that goes on: packets as they come through a pipe, frames shown one at a time when they are asked for. All that
//! comes is decoded, for nobody can say beforehand which frame a viewer will remember.

pub(crate) mod feed;
mod steady;
mod unseen;

use crate::clock::micros;
use crate::picture::{Painter, is_translucent, unknown_colours};
use crate::source::{Job, VIDEO, open_decoder, orientation};
use crate::{fault, foreign};
use feed::Feed;
use ffmpeg_next::format::stream::Disposition;
use ffmpeg_next::{Dictionary, Packet, Rational, codec, decoder, frame, media};
use image::metadata::Orientation;
use lazaret_media::sheet;
use lazaret_pixels::{Steps, View, upright_size};
use lazaret_sandbox::{Glimpse, GlimpseRequest, Glimpsed, Why};
use std::io::Write;
use steady::Steady;
use unseen::Unseen;

/// Tracks of video that are shown, each for itself: another codec in the middle begins another track. More are somebody
/// who hides something.
const TRACKS: usize = 8;
/// Failures in a row after which there is nothing to hope for.
const FAILURES: u32 = 1_000;
const QUALITY: i32 = 90;

pub(crate) struct Live {
    feed: Feed,
    tracks: Vec<Track>,
    painter: Painter,
    upright: Vec<u8>,
    /// Since the last glimpse.
    damaged: u64,
    passed_over: u64,
    unseen: Unseen,
    failures: u32,
    is_over: bool,
}

struct Track {
    stream: usize,
    codec: codec::Id,
    unit: Rational,
    orientation: Orientation,
    decoder: decoder::Video,
    steady: Steady,
    drained: bool,
}

impl Live {
    /// Reads the headers. What comes is gone once it is read.
    pub(crate) fn open(job: &Job) -> Result<Self, Why> {
        let feed = Feed::open(job)?;
        Ok(Self {
            feed,
            tracks: Vec::new(),
            painter: Painter::default(),
            upright: Vec::new(),
            damaged: 0,
            passed_over: 0,
            unseen: Unseen::default(),
            failures: 0,
            is_over: false,
        })
    }

    /// The next frame that is due, written as a JPEG.
    pub(crate) fn next(&mut self, request: &GlimpseRequest, out: &mut dyn Write) -> Result<Glimpsed, Why> {
        let frame = self.frame(request, out)?;
        let (damaged, passed_over) =
            (std::mem::take(&mut self.damaged), std::mem::take(&mut self.passed_over));
        Ok(Glimpsed { frame, damaged, passed_over, unseen: self.unseen.told(&self.feed.input) })
    }

    fn frame(&mut self, request: &GlimpseRequest, out: &mut dyn Write) -> Result<Option<Glimpse>, Why> {
        loop {
            for n in 0..self.tracks.len() {
                if let Some(glimpse) = self.shown(n, request, out)? {
                    return Ok(Some(glimpse));
                }
            }
            if self.is_over {
                return match self.tracks.is_empty() {
                    true => Err(Why::new("source.no_video", "there is no video in it")),
                    false => Ok(None),
                };
            }
            self.read(request.max_pixels)?;
            if self.failures > FAILURES {
                return Err(Why::new("source.corrupt", "nothing that comes can be decoded"));
            }
        }
    }

    /// Hands the next packet to its decoder.
    fn read(&mut self, max_pixels: u64) -> Result<(), Why> {
        let mut packet = Packet::empty();
        match packet.read(&mut self.feed.input) {
            Ok(()) => {}
            Err(ffmpeg_next::Error::Eof) => {
                self.is_over = true;
                for track in &mut self.tracks {
                    // One that was drained already has nothing more to give.
                    let _ = track.decoder.send_eof();
                }
                return Ok(());
            }
            Err(_) => {
                self.damage();
                return Ok(());
            }
        }
        let Some(track) = self.track(packet.stream(), max_pixels)? else { return Ok(()) };
        self.unseen.came(track);
        let track = &mut self.tracks[track];
        let is_damaged = packet.is_corrupt();
        if track.decoder.send_packet(&packet).is_err() || is_damaged {
            self.damage();
        }
        Ok(())
    }

    /// Where the track of this stream is; one that is new is opened. `None` of what is no video.
    fn track(&mut self, index: usize, max_pixels: u64) -> Result<Option<usize>, Why> {
        let known = self.tracks.iter().position(|track| track.stream == index);
        let Some(stream) = self.feed.input.stream(index) else { return Ok(None) };
        let parameters = stream.parameters();
        // One that goes on in another codec needs another decoder.
        if let Some(at) = known.filter(|at| self.tracks[*at].codec == parameters.id()) {
            return Ok(Some(at));
        }
        if parameters.medium() != media::Type::Video
            || stream.disposition().contains(Disposition::ATTACHED_PIC)
        {
            return Ok(None);
        }
        if known.is_none() && self.tracks.len() == TRACKS {
            return Err(Why::new("source.tracks", format!("more than {TRACKS} tracks of video")));
        }
        let (width, height) = foreign::size(&parameters);
        if u64::from(width) * u64::from(height) > max_pixels {
            let detail = format!("{width}x{height} pixels, at most {max_pixels} are decoded");
            return Err(Why::new("limit.pixels", detail));
        }
        let mut options = Dictionary::new();
        options.set("max_pixels", &max_pixels.to_string());
        let (codec, unit) = (parameters.id(), stream.time_base());
        let decoder = open_decoder(parameters, unit, &VIDEO, options)?;
        let decoder = decoder.video().map_err(fault::at("the decoder"))?;
        let orientation = orientation(&stream);
        if let Some(at) = known {
            let track = &mut self.tracks[at];
            (track.codec, track.decoder, track.orientation) = (codec, decoder, orientation);
            return Ok(Some(at));
        }
        let steady = Steady::default();
        self.tracks.push(Track { stream: index, codec, unit, orientation, decoder, steady, drained: false });
        Ok(Some(self.tracks.len() - 1))
    }

    /// The next frame of the track that is due, of those that its decoder has.
    fn shown(
        &mut self,
        n: usize,
        request: &GlimpseRequest,
        out: &mut dyn Write,
    ) -> Result<Option<Glimpse>, Why> {
        use ffmpeg_next::Error;
        use ffmpeg_next::error::EAGAIN;
        let pause = i64::try_from(request.pause_ms).unwrap_or(i64::MAX / 1000).saturating_mul(1000);
        let mut frame = frame::Video::empty();
        while !self.tracks[n].drained {
            let track = &mut self.tracks[n];
            match track.decoder.receive_frame(&mut frame) {
                Ok(()) => {}
                Err(Error::Other { errno: EAGAIN }) => break,
                Err(Error::Eof) => {
                    track.drained = true;
                    break;
                }
                Err(_) => {
                    self.damage();
                    break;
                }
            }
            track.steady.step(frame.timestamp().map(|time| micros(time, track.unit)));
            // What is not whole shows what its publisher wants it to.
            if frame.is_corrupt() || frame.has_decode_errors() {
                self.damage();
                continue;
            }
            self.failures = 0;
            if is_translucent(&frame) {
                self.unseen.is_translucent = true;
            }
            if let Some(what) = unknown_colours(&frame) {
                self.unseen.colours.get_or_insert(what);
            }
            if track.steady.is_due(pause) {
                let (at, orientation) = (track.steady.at, track.orientation);
                return self.show(&frame, at, orientation, request.max_pixels, out).map(Some);
            }
            self.passed_over += 1;
        }
        Ok(None)
    }

    fn show(
        &mut self,
        frame: &frame::Video,
        at: i64,
        orientation: Orientation,
        max_pixels: u64,
        out: &mut dyn Write,
    ) -> Result<Glimpse, Why> {
        let view = self.painter.paint(frame, max_pixels)?;
        let (width, height) = upright_size(orientation, (view.width, view.height));
        let pixels = match orientation {
            Orientation::NoTransforms => view.pixels,
            _ => {
                turn(&view, orientation, (width, height), &mut self.upright);
                &self.upright
            }
        };
        let made = sheet::jpeg(pixels, (width as usize, height as usize), QUALITY, out)?;
        Ok(Glimpse { at_ms: at.unsigned_abs() / 1000, width, height, bytes: made.bytes })
    }

    fn damage(&mut self) {
        self.damaged += 1;
        self.failures += 1;
    }
}

fn turn(view: &View<'_>, orientation: Orientation, (width, height): (u32, u32), into: &mut Vec<u8>) {
    let steps = Steps::of(view, orientation);
    into.clear();
    for y in 0..height as isize {
        for x in 0..width as isize {
            let at = (steps.origin + x * steps.right + y * steps.down) as usize;
            into.extend_from_slice(&view.pixels[at..at + 3]);
        }
    }
}
