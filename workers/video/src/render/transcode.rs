//! The film with a mark or a name on every picture: H.264 and AAC in MP4.

use super::muxer::Muxer;
use super::remux::is_sound;
use super::sound::Sound;
use super::userdata::Writing;
use super::{MAX_PIXELS, within};
use crate::clock::{micros, scaled};
use crate::fault;
use crate::picture::Painter;
use crate::source::{Job, Source};
use ffmpeg_next::codec::{self, Id};
use ffmpeg_next::color::{Range, Space};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::software::scaling::{Context, Flags};
use ffmpeg_next::{Dictionary, Packet, Rational, decoder, encoder, frame, picture};
use image::RgbImage;
use image::metadata::Orientation;
use lazaret_pixels::{View, upright_size};
use lazaret_sandbox::child::RenditionSink;
use lazaret_sandbox::{Rendition, Why};
use lazaret_watermark::{Mark, sign_rgb};

/// Of the pictures' times.
const UNIT: Rational = Rational(1, 90_000);

/// What is put onto every picture.
pub(super) enum Onto<'a> {
    /// For publishing, so all of the film must be whole.
    Mark(&'a Mark),
    /// For one person's eyes: what of the film can be played is, no picture larger than this, and nothing of it as it came.
    Name { text: String, max_edge: u32 },
}

impl Onto<'_> {
    fn is_lenient(&self) -> bool {
        matches!(self, Self::Name { .. })
    }

    fn size(&self, upright: (u32, u32)) -> (u32, u32) {
        match self {
            Self::Mark(_) => upright,
            Self::Name { max_edge, .. } => within(upright, *max_edge),
        }
    }

    /// Of the encoder. Who looks goes to and fro, and does not want to wait.
    fn settings(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Mark(_) => &[("preset", "veryfast"), ("crf", "23")],
            Self::Name { .. } => &[("preset", "superfast"), ("crf", "28"), ("g", "50")],
        }
    }

    fn put(&self, image: &mut RgbImage) {
        match self {
            Self::Mark(mark) => mark.apply_rgb(image),
            Self::Name { text, .. } => sign_rgb(image, text),
        }
    }
}

pub(super) fn transcode(job: &Job, onto: Onto<'_>, out: &mut dyn RenditionSink) -> Result<Rendition, Why> {
    let lenient = onto.is_lenient();
    let mut source = job.open()?;
    let mut muxer = Muxer::new("mp4", out)?;
    let mut pictures = Pictures::new(&source, onto, &mut muxer)?;
    let mut sounds: Vec<Sound> = Vec::new();
    for stream in source.input.streams().filter(is_sound) {
        match Sound::new(&stream, lenient, &mut muxer) {
            Ok(sound) => sounds.push(sound),
            Err(_) if lenient => {}
            Err(why) => return Err(why),
        }
    }
    muxer.begin()?;
    let whole = source.input.duration() / 1000;
    let mut failures = 0;
    while let Some(packet) = source.next() {
        let Ok(packet) = packet else {
            failures += 1;
            if failures > 16 { break } else { continue }
        };
        if packet.stream() == source.track {
            let at = micros(packet.pts().unwrap_or(0), source.unit) / 1000;
            muxer.progress(at, whole)?;
            pictures.take(Some(&packet), &mut muxer)?;
        } else if let Some(sound) = sounds.iter_mut().find(|sound| sound.from == packet.stream()) {
            let taken = sound.take(Some(&packet), &mut muxer);
            if !lenient {
                taken?;
            }
        }
    }
    pictures.take(None, &mut muxer)?;
    for sound in &mut sounds {
        let ended = sound.take(None, &mut muxer);
        if !lenient {
            ended?;
        }
    }
    let (width, height, frames) = (pictures.size.0, pictures.size.1, pictures.frames);
    let bytes = muxer.end()?;
    let note = "re-encoded".to_owned();
    Ok(Rendition { media_type: "video/mp4".to_owned(), width, height, frames, bytes, note })
}

struct Pictures<'a> {
    decoder: decoder::Video,
    unit: Rational,
    orientation: Orientation,
    painter: Painter,
    onto: Onto<'a>,
    scaler: Option<(u32, u32, Context)>,
    encoder: encoder::video::Encoder,
    track: usize,
    size: (u32, u32),
    last: Option<i64>,
    frames: u32,
}

impl<'a> Pictures<'a> {
    fn new(source: &Source, onto: Onto<'a>, muxer: &mut Muxer<'_>) -> Result<Self, Why> {
        let decoder = source.decoder(MAX_PIXELS)?;
        let upright = onto.size(upright_size(source.orientation, (decoder.width(), decoder.height())));
        // Colours of two pixels by two are one.
        let size = ((upright.0 & !1).max(2), (upright.1 & !1).max(2));
        let coder = encoder::find_by_name("libx264")
            .ok_or_else(|| Why::new("video.unsupported", "FFmpeg has no libx264"))?;
        let context = codec::Context::new_with_codec(coder);
        let mut video = context.encoder().video().map_err(fault::at("the encoder"))?;
        video.set_width(size.0);
        video.set_height(size.1);
        video.set_format(Pixel::YUV420P);
        video.set_time_base(UNIT);
        video.set_colorspace(Space::SMPTE170M);
        video.set_color_range(Range::MPEG);
        video.set_flags(codec::Flags::GLOBAL_HEADER);
        let mut options = Dictionary::new();
        for (key, value) in [("threads", "1"), ("a53cc", "0")].iter().chain(onto.settings()) {
            options.set(key, value);
        }
        let encoder = video.open_as_with(coder, options).map_err(fault::at("the encoder"))?;
        let mut track = muxer.output.add_stream(coder).map_err(fault::at("a track"))?;
        track.set_parameters(&encoder);
        track.set_time_base(UNIT);
        let track = track.index();
        Ok(Self {
            decoder,
            unit: source.unit,
            orientation: source.orientation,
            painter: Painter::default(),
            onto,
            scaler: None,
            encoder,
            track,
            size,
            last: None,
            frames: 0,
        })
    }

    /// A packet, or the end.
    fn take(&mut self, packet: Option<&Packet>, muxer: &mut Muxer<'_>) -> Result<(), Why> {
        let sent = match packet {
            Some(packet) => self.decoder.send_packet(packet),
            None => self.decoder.send_eof(),
        };
        // The look at it found all frames whole, or it was not to be published.
        if !self.onto.is_lenient() {
            sent.map_err(fault::at("a frame"))?;
        }
        let mut frame = frame::Video::empty();
        while self.decoder.receive_frame(&mut frame).is_ok() {
            self.encode(&frame)?;
            self.pass_on(muxer)?;
        }
        if packet.is_none() {
            self.encoder.send_eof().map_err(fault::at("the encoder"))?;
            self.pass_on(muxer)?;
        }
        Ok(())
    }

    fn encode(&mut self, frame: &frame::Video) -> Result<(), Why> {
        let mut time = scaled(frame.timestamp().unwrap_or(0), self.unit, UNIT);
        if let Some(last) = self.last {
            time = time.max(last + 1);
        }
        self.last = Some(time);
        let view = self.painter.paint(frame, MAX_PIXELS)?;
        let mut image = upright(&view, self.orientation)?;
        self.onto.put(&mut image);
        let (width, height) = image.dimensions();
        let mut coloured = frame::Video::new(Pixel::RGB24, width, height);
        let (stride, row) = (coloured.stride(0), width as usize * 3);
        for (line, pixels) in coloured.data_mut(0).chunks_mut(stride).zip(image.as_raw().chunks(row)) {
            line[..row].copy_from_slice(pixels);
        }
        let mut fitted = frame::Video::empty();
        self.scaler(width, height)?.run(&coloured, &mut fitted).map_err(fault::at("colours"))?;
        fitted.set_pts(Some(time));
        fitted.set_kind(picture::Type::None);
        self.frames += 1;
        self.encoder.send_frame(&fitted).map_err(fault::at("the encoder"))
    }

    fn scaler(&mut self, width: u32, height: u32) -> Result<&mut Context, Why> {
        if self.scaler.as_ref().is_none_or(|(w, h, _)| (*w, *h) != (width, height)) {
            let (to, flags) = (self.size, Flags::BICUBIC);
            let scaler = Context::get(Pixel::RGB24, width, height, Pixel::YUV420P, to.0, to.1, flags)
                .map_err(fault::at("colours"))?;
            self.scaler = Some((width, height, scaler));
        }
        let scaler = self.scaler.as_mut().map(|(.., scaler)| scaler);
        scaler.ok_or_else(|| Why::new("media.undecodable", "no scaler"))
    }

    fn pass_on(&mut self, muxer: &mut Muxer<'_>) -> Result<(), Why> {
        let Some(to) = muxer.output.stream(self.track).map(|stream| stream.time_base()) else {
            return Ok(());
        };
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            // The encoder writes its own name and settings between the pictures.
            if let Some(kept) = Writing::H264(None).without(packet.data().unwrap_or_default())? {
                let mut bare = Packet::copy(&kept);
                bare.set_flags(packet.flags());
                bare.set_duration(packet.duration());
                bare.set_pts(packet.pts());
                bare.set_dts(packet.dts());
                packet = bare;
            }
            packet.rescale_ts(UNIT, to);
            packet.set_stream(self.track);
            muxer.write(&packet)?;
        }
        Ok(())
    }
}

fn upright(view: &View<'_>, orientation: Orientation) -> Result<RgbImage, Why> {
    let image = RgbImage::from_raw(view.width, view.height, view.pixels.to_vec())
        .ok_or_else(|| Why::new("media.undecodable", "a frame of the wrong size"))?;
    if orientation == Orientation::NoTransforms {
        return Ok(image);
    }
    let mut image = image::DynamicImage::ImageRgb8(image);
    image.apply_orientation(orientation);
    Ok(image.into_rgb8())
}

/// Sound that is AAC already is taken over as it is.
pub(super) fn is_aac(id: Id) -> bool {
    id == Id::AAC
}
