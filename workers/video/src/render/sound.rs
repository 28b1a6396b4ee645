//! A track of sound on its way into an MP4: as it is where it is AAC, else made AAC.

use super::listen::Listener;
use super::muxer::Muxer;
use super::transcode::is_aac;
use super::userdata;
use crate::clock::scaled;
use crate::source::{AUDIO, open_decoder};
use crate::{fault, foreign};
use ffmpeg_next::codec::{self, Id, Parameters};
use ffmpeg_next::format::sample::{Sample, Type};
use ffmpeg_next::software::resampling;
use ffmpeg_next::{ChannelLayout, Dictionary, Packet, Rational, Stream, decoder, encoder, frame};
use lazaret_sandbox::Why;

const FORMAT: Sample = Sample::F32(Type::Planar);
const BITS_A_SECOND: usize = 128_000;
/// What AAC knows (ISO/IEC 14496-3, table 1.18) and players play.
const RATES: [u32; 6] = [48_000, 44_100, 32_000, 24_000, 22_050, 16_000];

/// Samples a second that are made AAC at all.
const SLOWEST: u32 = 4_000;

pub(super) struct Sound {
    /// Track of the input.
    pub(super) from: usize,
    unit: Rational,
    track: usize,
    last: Option<i64>,
    kind: Kind,
}

enum Kind {
    Kept(Listener),
    Remade(Remade),
}

struct Remade {
    decoder: decoder::Audio,
    resampler: Option<resampling::Context>,
    encoder: encoder::audio::Encoder,
    layout: ChannelLayout,
    rate: u32,
    /// Samples that do not fill a frame yet, by channel.
    waiting: Vec<Vec<f32>>,
    /// Of the next sample, in samples.
    at: Option<i64>,
}

impl Sound {
    /// `anew`: also where it is AAC already.
    pub(super) fn new(stream: &Stream<'_>, anew: bool, muxer: &mut Muxer<'_>) -> Result<Self, Why> {
        let (from, unit) = (stream.index(), stream.time_base());
        let parameters = (!anew && is_aac(stream.parameters().id())).then(|| bare(stream)).transpose()?;
        if let Some(parameters) = parameters.flatten() {
            let listener = Listener::new(parameters.clone(), unit)?;
            let copied = muxer.output.add_stream(encoder::find(Id::None));
            let mut track = copied.map_err(fault::at("a track"))?;
            track.set_parameters(parameters);
            track.set_time_base(unit);
            return Ok(Self { from, unit, track: track.index(), last: None, kind: Kind::Kept(listener) });
        }
        let remade = Remade::new(stream)?;
        let mut track = muxer.output.add_stream(encoder::find(Id::AAC)).map_err(fault::at("a track"))?;
        track.set_parameters(&remade.encoder);
        track.set_time_base(remade.unit());
        Ok(Self { from, unit, track: track.index(), last: None, kind: Kind::Remade(remade) })
    }

    /// Nothing of it was written.
    pub(super) fn is_unheard(&self) -> bool {
        self.last.is_none()
    }

    /// A packet, or the end.
    pub(super) fn take(&mut self, packet: Option<&Packet>, muxer: &mut Muxer<'_>) -> Result<(), Why> {
        let Some(to) = muxer.output.stream(self.track).map(|stream| stream.time_base()) else {
            return Ok(());
        };
        let (track, unit) = (self.track, self.unit);
        let mut write = |mut packet: Packet, from: Rational, last: &mut Option<i64>| {
            let time = scaled(packet.pts().or(packet.dts()).unwrap_or(0), from, to);
            let time = last.map_or(time, |last| time.max(last + 1));
            *last = Some(time);
            let duration = scaled(packet.duration(), from, to);
            packet.set_pts(Some(time));
            packet.set_dts(Some(time));
            packet.set_duration(duration);
            packet.set_position(-1);
            packet.set_stream(track);
            muxer.write(&packet)
        };
        let last = &mut self.last;
        match (&mut self.kind, packet) {
            (Kind::Kept(listener), Some(packet)) => match listener.hears(packet)? {
                true => write(packet.clone(), unit, last),
                false => Ok(()),
            },
            (Kind::Kept(_), None) => Ok(()),
            (Kind::Remade(remade), packet) => {
                let from = remade.unit();
                remade.take(packet, unit, &mut |packet| write(packet, from, last))
            }
        }
    }
}

/// Its parameters, without what stands behind those that decoders read. `None` where it cannot be told what does.
fn bare(stream: &Stream<'_>) -> Result<Option<Parameters>, Why> {
    let mut parameters = stream.parameters().clone();
    match userdata::Writing::Bare.head_without(parameters.id(), foreign::head(&parameters)) {
        Ok(Some(head)) if !foreign::set_head(&mut parameters, &head) => {
            Err(Why::new("child.memory", "no room for a track's head"))
        }
        Ok(_) => Ok(Some(parameters)),
        Err(_) => Ok(None),
    }
}

type Writing<'a> = dyn FnMut(Packet) -> Result<(), Why> + 'a;

impl Remade {
    fn new(stream: &Stream<'_>) -> Result<Self, Why> {
        let decoder = open_decoder(stream.parameters(), stream.time_base(), &AUDIO, Dictionary::new())?
            .audio()
            .map_err(fault::at("the decoder of sound"))?;
        // A packet of a second becomes many minutes otherwise, and nothing that anybody hears is so slow.
        if decoder.rate() < SLOWEST {
            let why = format!("sound of {} samples a second", decoder.rate());
            return Err(Why::new("video.unsupported", why));
        }
        let layout = if decoder.channels() == 1 { ChannelLayout::MONO } else { ChannelLayout::STEREO };
        let rate = RATES.into_iter().find(|rate| *rate <= decoder.rate()).unwrap_or(RATES[5]);
        let coder =
            encoder::find(Id::AAC).ok_or_else(|| Why::new("video.unsupported", "FFmpeg has no AAC"))?;
        let context = codec::Context::new_with_codec(coder);
        let mut audio = context.encoder().audio().map_err(fault::at("the encoder of sound"))?;
        audio.set_rate(rate as i32);
        audio.set_format(FORMAT);
        audio.set_channel_layout(layout);
        audio.set_bit_rate(BITS_A_SECOND);
        audio.set_time_base(Rational(1, rate as i32));
        audio.set_flags(codec::Flags::GLOBAL_HEADER);
        let mut options = Dictionary::new();
        options.set("threads", "1");
        let encoder = audio.open_as_with(coder, options).map_err(fault::at("the encoder of sound"))?;
        let waiting = vec![Vec::new(); layout.channels() as usize];
        Ok(Self { decoder, resampler: None, encoder, layout, rate, waiting, at: None })
    }

    fn unit(&self) -> Rational {
        Rational(1, self.rate as i32)
    }

    fn take(&mut self, packet: Option<&Packet>, unit: Rational, write: &mut Writing<'_>) -> Result<(), Why> {
        let sent = match packet {
            Some(packet) => self.decoder.send_packet(packet),
            None => self.decoder.send_eof(),
        };
        // A damaged piece of sound is left out.
        if sent.is_ok() {
            let mut frame = frame::Audio::empty();
            while self.decoder.receive_frame(&mut frame).is_ok() {
                self.resample(&mut frame, unit)?;
                self.encode(false, write)?;
            }
        }
        if packet.is_none() {
            self.encode(true, write)?;
            self.encoder.send_eof().map_err(fault::at("the encoder of sound"))?;
            self.receive(write)?;
        }
        Ok(())
    }

    fn resample(&mut self, frame: &mut frame::Audio, unit: Rational) -> Result<(), Why> {
        if frame.channel_layout().is_empty() {
            frame.set_channel_layout(ChannelLayout::default(i32::from(frame.channels())));
        }
        let is_for = |resampler: &resampling::Context| {
            let made = resampler.input();
            (made.format, made.channel_layout, made.rate)
                == (frame.format(), frame.channel_layout(), frame.rate())
        };
        if !self.resampler.as_ref().is_some_and(is_for) {
            let (from, to) = (frame.channel_layout(), self.layout);
            let made = resampling::Context::get(frame.format(), from, frame.rate(), FORMAT, to, self.rate);
            self.resampler = Some(made.map_err(fault::at("sound"))?);
        }
        self.at.get_or_insert_with(|| {
            scaled(frame.timestamp().unwrap_or(0), unit, Rational(1, self.rate as i32))
        });
        let Some(resampler) = &mut self.resampler else { return Ok(()) };
        let mut resampled = frame::Audio::empty();
        resampler.run(frame, &mut resampled).map_err(fault::at("sound"))?;
        for (channel, waiting) in self.waiting.iter_mut().enumerate() {
            waiting.extend_from_slice(resampled.plane::<f32>(channel));
        }
        Ok(())
    }

    /// Encodes whole frames; at the end what is left as well.
    fn encode(&mut self, all: bool, write: &mut Writing<'_>) -> Result<(), Why> {
        let size = (self.encoder.frame_size() as usize).max(1);
        loop {
            let ready = self.waiting[0].len();
            let samples = if ready >= size { size } else { ready };
            if samples == 0 || (samples < size && !all) {
                return Ok(());
            }
            let mut frame = frame::Audio::new(FORMAT, samples, self.layout);
            frame.set_rate(self.rate);
            for (channel, waiting) in self.waiting.iter_mut().enumerate() {
                frame.plane_mut::<f32>(channel).copy_from_slice(&waiting[..samples]);
                waiting.drain(..samples);
            }
            let at = self.at.get_or_insert(0);
            frame.set_pts(Some(*at));
            *at += samples as i64;
            self.encoder.send_frame(&frame).map_err(fault::at("the encoder of sound"))?;
            self.receive(write)?;
        }
    }

    fn receive(&mut self, write: &mut Writing<'_>) -> Result<(), Why> {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            write(std::mem::replace(&mut packet, Packet::empty()))?;
        }
        Ok(())
    }
}
