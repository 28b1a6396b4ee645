//! The pipe, as FFmpeg may read it.

use crate::fault;
use crate::source::{AUDIO, Job, VIDEO};
use ffmpeg_next::format::context::{Input, StreamIo};
use ffmpeg_next::{Dictionary, format};
use lazaret_sandbox::Why;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

/// How sources that go on are packed. None of these can seek, and none asks for another file.
const FEEDS: [(&str, &str); 4] =
    [("flv", "video/x-flv"), ("mpegts", "video/mp2t"), ("mov", "video/mp4"), ("matroska", "video/webm")];
/// Of those, bytes and microseconds that may be read to find out what is in it.
const PROBE: [(&str, &str); 3] =
    [("probesize", "2000000"), ("analyzeduration", "3000000"), ("fpsprobesize", "0")];
/// Bytes that FFmpeg reads at a time of what goes on: as much as there is, at most.
const SIP: usize = 32 << 10;
/// Of a packet of a transport stream (ISO/IEC 13818-1, 2.4.3.2), in bytes.
const PACKET: usize = 188;
/// Where services are described, by name, in one of many alphabets. FFmpeg would load tables to read them.
const SERVICES: u16 = 0x11;

/// What goes on.
pub(crate) struct Feed {
    pub(crate) input: Input,
}

impl Feed {
    /// Reads the headers of what goes on. What comes is gone once it is read.
    pub(crate) fn open(job: &Job) -> Result<Feed, Why> {
        let of = FEEDS.iter().find(|(_, media_type)| *media_type == job.media_type);
        let (demuxer, _) =
            of.ok_or_else(|| Why::new("source.format", format!("{} is not followed here", job.media_type)))?;
        let mut options = Dictionary::new();
        options.set("format_whitelist", demuxer);
        options.set("protocol_whitelist", "");
        options.set("codec_whitelist", &[&VIDEO[..], &AUDIO].concat().join(","));
        for (option, value) in PROBE {
            options.set(option, value);
        }
        let pipe = Pipe(Arc::clone(&job.file));
        let io = match *demuxer {
            "mpegts" => StreamIo::from_read_with_capacity(Sieve::new(pipe), SIP),
            _ => StreamIo::from_read_with_capacity(pipe, SIP),
        };
        let io = io.map_err(fault::at("reading"))?;
        let input = format::input_from_stream(io, None, Some(options)).map_err(fault::at("the header"))?;
        Ok(Feed { input })
    }
}

/// Waits for what comes.
struct Pipe(Arc<File>);

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(into)
    }
}

/// A transport stream without the descriptions of services: their packets are made such as hold nothing.
pub(crate) struct Sieve<R> {
    from: R,
    /// What came and is not a whole packet yet.
    rest: Vec<u8>,
    /// Packets on their way out.
    ready: io::Cursor<Vec<u8>>,
}

impl<R: Read> Sieve<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, rest: Vec::new(), ready: io::Cursor::default() }
    }

    /// False at the end.
    fn refill(&mut self) -> io::Result<bool> {
        let begin = self.rest.len();
        self.rest.resize(begin + SIP, 0);
        let read = self.from.read(&mut self.rest[begin..]);
        self.rest.truncate(begin + *read.as_ref().unwrap_or(&0));
        if read? == 0 {
            return Ok(false);
        }
        let ready = self.ready.get_mut();
        ready.clear();
        let mut rest = &self.rest[..];
        while rest.len() >= PACKET {
            if rest[0] != 0x47 {
                rest = &rest[1..];
                continue;
            }
            let (packet, after) = rest.split_at(PACKET);
            let begin = ready.len();
            ready.extend_from_slice(packet);
            if u16::from_be_bytes([packet[1] & 0x1f, packet[2]]) == SERVICES {
                ready[begin + 1..begin + 4].copy_from_slice(&[0x1f, 0xff, 0x10]);
            }
            rest = after;
        }
        self.rest = rest.to_vec();
        self.ready.set_position(0);
        Ok(true)
    }
}

impl<R: Read> Read for Sieve<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.ready.read(into)?;
            if read > 0 || into.is_empty() || !self.refill()? {
                return Ok(read);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(pid: u16, fill: u8) -> Vec<u8> {
        let [high, low] = pid.to_be_bytes();
        [&[0x47, 0x40 | high, low, 0x10][..], &[fill; PACKET - 4]].concat()
    }

    #[test]
    fn descriptions_of_services_are_left_out() {
        let stream =
            [packet(0, 1), packet(0x11, 2), b"noise".to_vec(), packet(0x100, 3), packet(0x1011, 4)].concat();
        for step in [1, 7, 188, 1000] {
            // In pieces of any size.
            let pieces = stream.chunks(step).map(io::Cursor::new);
            let whole =
                pieces.fold(Box::new(io::empty()) as Box<dyn Read>, |all, piece| Box::new(all.chain(piece)));
            let (mut sieve, mut out) = (Sieve::new(whole), Vec::new());
            sieve.read_to_end(&mut out).unwrap();
            let nothing = [&[0x47, 0x1f, 0xff, 0x10][..], &[2; PACKET - 4]].concat();
            assert_eq!(out, [packet(0, 1), nothing, packet(0x100, 3), packet(0x1011, 4)].concat(), "{step}");
        }
    }
}
