//! A container on its way out. It is written in one go, from front to back: a child has no file to go back in, and no
//! memory for all of it.

use crate::fault;
use ffmpeg_next::format::context::{Output, StreamIo};
use ffmpeg_next::{Dictionary, Packet, format};
use lazaret_sandbox::Why;
use lazaret_sandbox::child::RenditionSink;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Of sound alone, in microseconds.
const PIECE: &str = "2000000";

/// What the muxer wrote and nobody took yet.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Vec<u8>>>);

impl Write for Shelf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) struct Muxer<'a> {
    pub(super) output: Output,
    shelf: Shelf,
    out: &'a mut dyn RenditionSink,
    pub(super) bytes: u64,
}

impl<'a> Muxer<'a> {
    /// `name` is FFmpeg's for the container.
    pub(super) fn new(name: &str, out: &'a mut dyn RenditionSink) -> Result<Self, Why> {
        let shelf = Shelf::default();
        let io = StreamIo::from_write(shelf.clone()).map_err(fault::at("writing"))?;
        let output = format::output_to_stream(io, None, Some(name)).map_err(fault::at("the container"))?;
        Ok(Self { output, shelf, out, bytes: 0 })
    }

    pub(super) fn begin(&mut self) -> Result<(), Why> {
        self.start(Dictionary::new())
    }

    /// As [`Self::begin`], of sound alone: there is no picture to say where a piece of it begins.
    pub(super) fn begin_sound(&mut self) -> Result<(), Why> {
        let mut options = Dictionary::new();
        options.set("frag_duration", PIECE);
        self.start(options)
    }

    fn start(&mut self, mut options: Dictionary) -> Result<(), Why> {
        // Nothing random, no date and no name of a program.
        options.set("fflags", "+bitexact");
        options.set("movflags", "frag_keyframe+empty_moov+default_base_moof");
        self.output.write_header_with(options).map_err(fault::at("the header"))?;
        self.pass_on()
    }

    pub(super) fn write(&mut self, packet: &Packet) -> Result<(), Why> {
        packet.write_interleaved(&mut self.output).map_err(fault::at("a packet"))?;
        self.pass_on()
    }

    pub(super) fn progress(&mut self, done_ms: i64, of_ms: i64) -> Result<(), Why> {
        let thousandths = (done_ms.max(0) * 1000 / of_ms.max(1)).min(999);
        self.out.progress(thousandths as u16).map_err(fault::gone)
    }

    /// The number of bytes of all of it.
    pub(super) fn end(mut self) -> Result<u64, Why> {
        self.output.write_trailer().map_err(fault::at("the end"))?;
        self.pass_on()?;
        self.out.progress(1000).map_err(fault::gone)?;
        Ok(self.bytes)
    }

    fn pass_on(&mut self) -> Result<(), Why> {
        let mut shelf = self.shelf.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.bytes += shelf.len() as u64;
        self.out.write_all(&shelf).map_err(fault::gone)?;
        shelf.clear();
        Ok(())
    }
}
