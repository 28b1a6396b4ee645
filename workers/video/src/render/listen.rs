//! Sound that is taken over as it is. Whatever bytes a track of it holds would go with it, so each packet is decoded
//! first, and one that no decoder takes is left out.

use crate::fault;
use crate::source::{AUDIO, open_decoder};
use ffmpeg_next::codec::Parameters;
use ffmpeg_next::error::EAGAIN;
use ffmpeg_next::{Dictionary, Error, Packet, Rational, decoder, frame};
use lazaret_sandbox::Why;

pub(super) struct Listener(decoder::Audio);

impl Listener {
    /// An error where its decoder does not take what the container keeps for it.
    pub(super) fn new(parameters: Parameters, unit: Rational) -> Result<Self, Why> {
        let decoder = open_decoder(parameters, unit, &AUDIO, Dictionary::new())?;
        Ok(Self(decoder.audio().map_err(fault::at("the decoder of sound"))?))
    }

    pub(super) fn hears(&mut self, packet: &Packet) -> bool {
        // One without bytes would tell the decoder that it was the last.
        if packet.size() == 0 || self.0.send_packet(packet).is_err() {
            return false;
        }
        let mut frame = frame::Audio::empty();
        loop {
            match self.0.receive_frame(&mut frame) {
                Ok(()) => {}
                Err(Error::Eof | Error::Other { errno: EAGAIN }) => return true,
                Err(_) => return false,
            }
        }
    }
}
