//! The file, as FFmpeg may read it.

use crate::fault;
use ffmpeg_next::codec::{self, Parameters};
use ffmpeg_next::format::context::{Input, StreamIo};
use ffmpeg_next::format::stream::Disposition;
use ffmpeg_next::{Dictionary, Packet, Rational, decoder, format, media, threading};
use image::metadata::Orientation;
use lazaret_sandbox::Why;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// One file.
pub(crate) struct Job {
    pub(crate) file: Arc<File>,
    size: u64,
    pub(crate) media_type: String,
}

/// The demuxers there are, by the types that they are for: of films, and of sound, which is played to people and is nothing
/// else here.
const FILMS: [(&str, &[&str]); 2] = [
    ("mov", &["video/mp4", "video/quicktime", "video/x-m4v", "video/3gpp", "video/3gpp2"]),
    ("matroska", &["video/webm", "video/x-matroska"]),
];
const SOUNDS: [(&str, &[&str]); 5] = [
    ("mov", &["audio/mp4"]),
    ("matroska", &["audio/webm", "audio/x-matroska"]),
    ("mp3", &["audio/mpeg"]),
    ("ogg", &["audio/ogg", "audio/opus", "application/ogg"]),
    ("wav", &["audio/wav"]),
];
/// The decoders that may run at all. Others are left out: rare ones are where mistakes stay unseen.
pub(crate) const VIDEO: [&str; 11] = [
    "h264",
    "hevc",
    "mpeg4",
    "h263",
    "vp8",
    "vp9",
    "libdav1d",
    "mjpeg",
    "mpeg1video",
    "mpeg2video",
    "prores",
];
pub(crate) const AUDIO: [&str; 11] =
    ["aac", "mp3float", "mp3", "opus", "libopus", "vorbis", "flac", "ac3", "alac", "pcm_s16le", "pcm_s16be"];
/// The code of what has no track of pictures.
pub(crate) const NO_PICTURES: &str = "video.none";
/// Bytes that FFmpeg reads at a time.
const BUFFER: usize = 256 << 10;

impl Job {
    pub(crate) fn new(file: File, size: u64, media_type: &str) -> Self {
        Self { file: Arc::new(file), size, media_type: media_type.to_owned() }
    }

    /// In bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Reads the headers of a film.
    pub(crate) fn open(&self) -> Result<Source, Why> {
        Source::new(self.input(&FILMS)?)
    }

    /// Reads the headers of sound, or of a film that is to be heard.
    pub(crate) fn open_to_be_heard(&self) -> Result<Input, Why> {
        self.input(&[&FILMS[..], &SOUNDS].concat())
    }

    /// By its type; what is in it may be something else.
    pub(crate) fn is_called_film(&self) -> bool {
        FILMS.iter().any(|(_, types)| types.contains(&self.media_type.as_str()))
    }

    /// The headers, of one of these types.
    fn input(&self, demuxers: &[(&'static str, &[&str])]) -> Result<Input, Why> {
        let of = demuxers.iter().find(|(_, types)| types.contains(&self.media_type.as_str()));
        let (demuxer, _) = of.ok_or_else(|| {
            Why::new("video.unsupported", format!("{} is not decoded here", self.media_type))
        })?;
        let mut options = Dictionary::new();
        options.set("format_whitelist", demuxer);
        options.set("protocol_whitelist", "");
        options.set("codec_whitelist", &[&VIDEO[..], &AUDIO].concat().join(","));
        // An edit list hides frames from those who follow it, and from nobody else.
        options.set("ignore_editlist", "1");
        let reader = Reader { file: Arc::clone(&self.file), size: self.size, at: 0 };
        let io = StreamIo::from_read_seek_with_capacity(reader, BUFFER).map_err(fault::at("reading"))?;
        format::input_from_stream(io, None, Some(options)).map_err(fault::at("the header"))
    }
}

/// An open film, and the track that is shown.
pub(crate) struct Source {
    pub(crate) input: Input,
    pub(crate) track: usize,
    pub(crate) unit: Rational,
    pub(crate) orientation: Orientation,
    /// What is in the file that nobody looks at, and should.
    pub(crate) unseen: Option<String>,
    pub(crate) sound: bool,
}

impl Source {
    fn new(input: Input) -> Result<Self, Why> {
        let (mut videos, mut covers, mut drawn, mut sound) = (Vec::new(), 0, 0, false);
        let mut translucent = false;
        for stream in input.streams() {
            let parameters = stream.parameters();
            match parameters.medium() {
                media::Type::Video if stream.disposition().contains(Disposition::ATTACHED_PIC) => covers += 1,
                media::Type::Video => {
                    translucent |= stream.metadata().get("alpha_mode") == Some("1");
                    videos.push(stream.index());
                }
                media::Type::Audio => sound = true,
                media::Type::Subtitle if is_drawn(parameters.id()) => drawn += 1,
                _ => {}
            }
        }
        let Some(track) = videos.first().copied() else {
            return Err(Why::new(NO_PICTURES, "there is no video in it"));
        };
        let unseen = match (videos.len(), covers, drawn) {
            (2.., ..) => Some(format!("{} tracks of video, of which one is looked at", videos.len())),
            (_, 1.., _) => Some("a cover picture, which is not looked at".to_owned()),
            (_, _, 1..) => Some("subtitles that are pictures, which are not looked at".to_owned()),
            _ if translucent => Some("transparency, behind which other pictures may be".to_owned()),
            _ => None,
        };
        let stream = input.stream(track).ok_or_else(|| Why::new(NO_PICTURES, "there is no video in it"))?;
        let (unit, orientation) = (stream.time_base(), orientation(&stream));
        Ok(Self { input, track, unit, orientation, unseen, sound })
    }

    pub(crate) fn parameters(&self) -> Result<Parameters, Why> {
        let stream = self.input.stream(self.track);
        stream.map(|stream| stream.parameters()).ok_or_else(|| Why::new(NO_PICTURES, "the track is gone"))
    }

    /// The next packet of any track. An error is one of this packet alone.
    pub(crate) fn next(&mut self) -> Option<Result<Packet, ffmpeg_next::Error>> {
        next_packet(&mut self.input)
    }

    /// The decoder of the track.
    pub(crate) fn decoder(&self, max_pixels: u64) -> Result<decoder::Video, Why> {
        let mut options = Dictionary::new();
        options.set("max_pixels", &max_pixels.to_string());
        open_decoder(self.parameters()?, self.unit, &VIDEO, options)?
            .video()
            .map_err(fault::at("the decoder"))
    }
}

/// As [`Source::next`].
pub(crate) fn next_packet(input: &mut Input) -> Option<Result<Packet, ffmpeg_next::Error>> {
    let mut packet = Packet::empty();
    match packet.read(input) {
        Ok(()) => Some(Ok(packet)),
        Err(ffmpeg_next::Error::Eof) => None,
        Err(error) => Some(Err(error)),
    }
}

/// On one thread: a child may start none.
pub(crate) fn open_decoder(
    parameters: Parameters,
    unit: Rational,
    known: &[&str],
    options: Dictionary,
) -> Result<decoder::Opened, Why> {
    let id = parameters.id();
    let codec = decoder::find(id).filter(|codec| known.contains(&codec.name())).ok_or_else(|| {
        Why::new("video.unsupported", format!("{} is not decoded here", id.name()).to_lowercase())
    })?;
    let context = codec::Context::from_parameters(parameters).map_err(fault::at("the decoder"))?;
    let mut decoder = context.decoder();
    decoder.set_threading(threading::Config::count(1));
    decoder.set_packet_time_base(unit);
    decoder.open_as_with(codec, options).map_err(fault::at("the decoder"))
}

/// Sound that is decoded here.
pub(crate) fn is_known_sound(id: codec::Id) -> bool {
    decoder::find(id).is_some_and(|codec| AUDIO.contains(&codec.name()))
}

pub(crate) fn is_drawn(id: codec::Id) -> bool {
    use codec::Id;
    matches!(id, Id::DVD_SUBTITLE | Id::DVB_SUBTITLE | Id::HDMV_PGS_SUBTITLE | Id::XSUB)
}

/// As the display matrix says (ISO/IEC 14496-12, 8.3.2.3): the first two rows and columns, in 1/65536.
pub(crate) fn orientation(stream: &format::stream::Stream<'_>) -> Orientation {
    use ffmpeg_next::codec::packet::side_data::Type;
    let Some(matrix) = stream.side_data().find(|data| data.kind() == Type::DisplayMatrix) else {
        return Orientation::NoTransforms;
    };
    let (numbers, _) = matrix.data().as_chunks::<4>();
    let at = |n: usize| numbers.get(n).map_or(0, |n| i32::from_ne_bytes(*n).signum());
    match (at(0), at(1), at(3), at(4)) {
        (0, 1, -1, 0) => Orientation::Rotate90,
        (-1, 0, 0, -1) => Orientation::Rotate180,
        (0, -1, 1, 0) => Orientation::Rotate270,
        (-1, 0, 0, 1) => Orientation::FlipHorizontal,
        (1, 0, 0, -1) => Orientation::FlipVertical,
        (0, 1, 1, 0) => Orientation::Rotate90FlipH,
        (0, -1, -1, 0) => Orientation::Rotate270FlipH,
        _ => Orientation::NoTransforms,
    }
}

/// Reads by position: the descriptor came over the socket, and a child can make no other of it.
struct Reader {
    file: Arc<File>,
    size: u64,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = into.len().min(left);
        let read = self.file.read_at(&mut into[..most], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
        };
        self.at = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
