use crate::source::{self, VIDEO};
use crate::{fault, foreign};
use ffmpeg_next::codec::{Id, Parameters};
use ffmpeg_next::{Dictionary, Packet, Rational, decoder, frame, media};
use lazaret_inspect::heif::{Codec, Coded};
use lazaret_sandbox::Why;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Decodes coded pictures of one file, one at a time.
pub(super) struct Decoders<'a> {
    file: &'a File,
    /// For pictures that are configured as this one and as large.
    last: Option<(Kind, decoder::Video)>,
}

/// Codec, configuration and size.
type Kind = (Codec, Vec<u8>, (u32, u32));

/// What a decoder may add to each side: coded pictures are made of blocks.
const BLOCK: u64 = 128;

impl<'a> Decoders<'a> {
    pub(super) fn new(file: &'a File) -> Self {
        Self { file, last: None }
    }

    /// The picture, which is of this size, and the only one that its bytes hold.
    pub(super) fn decode(&mut self, coded: &Coded, size: (u32, u32)) -> Result<frame::Video, Why> {
        let kind = (coded.codec, self.read(&[coded.head])?, size);
        let packet = Packet::copy(&self.read(&coded.pieces)?);
        if self.last.as_ref().is_none_or(|(last, _)| *last != kind) {
            let decoder = open(&kind)?;
            self.last = Some((kind, decoder));
        }
        let Some((_, decoder)) = &mut self.last else {
            return Err(Why::new("media.undecodable", "no decoder"));
        };
        let (mut frame, mut more) = (frame::Video::empty(), frame::Video::empty());
        decoder.send_packet(&packet).map_err(fault::at("a coded picture"))?;
        decoder.send_eof().map_err(fault::at("a coded picture"))?;
        decoder.receive_frame(&mut frame).map_err(fault::at("a coded picture"))?;
        if frame.is_corrupt() {
            return Err(Why::new("media.undecodable", "a coded picture that is damaged"));
        }
        match decoder.receive_frame(&mut more) {
            Err(ffmpeg_next::Error::Eof) => {}
            Ok(()) => return Err(Why::new("media.undecodable", "more than one coded picture in an item")),
            Err(error) => return Err(fault::at("behind a coded picture")(error)),
        }
        // It begins anew with the next one, and keeps its configuration.
        decoder.flush();
        let decoded = (frame.width(), frame.height());
        if decoded != size {
            let detail = format!("told to be {}x{}, is {}x{}", size.0, size.1, decoded.0, decoded.1);
            return Err(Why::new("media.undecodable", detail));
        }
        Ok(frame)
    }

    fn read(&self, pieces: &[(u64, u64)]) -> Result<Vec<u8>, Why> {
        let mut bytes = Vec::new();
        for (start, end) in pieces {
            let at = bytes.len();
            let length = usize::try_from(end - start).map_err(|e| Why::new("child.memory", e.to_string()))?;
            bytes.resize(at + length, 0);
            self.file
                .read_exact_at(&mut bytes[at..], *start)
                .map_err(|e| Why::new("io.unreadable", e.to_string()))?;
        }
        Ok(bytes)
    }
}

fn open((codec, head, size): &Kind) -> Result<decoder::Video, Why> {
    let mut parameters = Parameters::new();
    parameters.set_medium(media::Type::Video);
    parameters.set_id(match codec {
        Codec::Hevc => Id::HEVC,
        Codec::Av1 => Id::AV1,
    });
    if !foreign::set_head(&mut parameters, head) {
        return Err(Why::new("child.memory", "no memory for the decoder"));
    }
    let mut options = Dictionary::new();
    let most = (u64::from(size.0) + BLOCK) * (u64::from(size.1) + BLOCK);
    options.set("max_pixels", &most.to_string());
    // By itself it makes up what it cannot decode.
    options.set("err_detect", "explode");
    source::open_decoder(parameters, Rational::new(1, 1), &VIDEO, options)?
        .video()
        .map_err(fault::at("the decoder"))
}
