//! Sound that is taken over as it is. Whatever bytes a track of it holds would go with it, so each packet is decoded
//! first, and one that no decoder takes is left out.

use crate::fault;
use crate::source::{AUDIO, open_decoder};
use ffmpeg_next::codec::Parameters;
use ffmpeg_next::error::EAGAIN;
use ffmpeg_next::{Dictionary, Error, Packet, Rational, decoder, frame};
use lazaret_sandbox::Why;

pub(super) struct Listener {
    decoder: decoder::Audio,
    parameters: Parameters,
    unit: Rational,
}

impl Listener {
    /// An error where its decoder does not take what the container keeps for it.
    pub(super) fn new(parameters: Parameters, unit: Rational) -> Result<Self, Why> {
        let decoder = open(&parameters, unit)?;
        Ok(Self { decoder, parameters, unit })
    }

    pub(super) fn hears(&mut self, packet: &Packet) -> Result<bool, Why> {
        let is_heard = self.decode(packet);
        if !is_heard {
            // What it took from the packet it must forget: whoever plays the copy will not have had it.
            self.decoder = open(&self.parameters, self.unit)?;
        }
        Ok(is_heard)
    }

    fn decode(&mut self, packet: &Packet) -> bool {
        // One without bytes would tell the decoder that it was the last.
        if packet.size() == 0 || self.decoder.send_packet(packet).is_err() {
            return false;
        }
        let mut frame = frame::Audio::empty();
        loop {
            match self.decoder.receive_frame(&mut frame) {
                Ok(()) => {}
                Err(Error::Eof | Error::Other { errno: EAGAIN }) => return true,
                Err(_) => return false,
            }
        }
    }
}

fn open(parameters: &Parameters, unit: Rational) -> Result<decoder::Audio, Why> {
    let decoder = open_decoder(parameters.clone(), unit, &AUDIO, Dictionary::new())?;
    decoder.audio().map_err(fault::at("the decoder of sound"))
}
