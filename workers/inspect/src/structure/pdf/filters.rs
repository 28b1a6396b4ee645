//! The filters of ISO 32000-1 section 7.4 that hide names, undone as a stream is read. Each ends by its own mark, so a
//! stream's length, which may lie, is not needed.

use super::dictionary::{Dictionary, Filter};
use flate2::read::ZlibDecoder;
use std::io::{self, BufRead, BufReader, Read};
use weezl::{BitOrder, LzwStatus, decode::Decoder};

/// `raw` with the filters of its dictionary undone, up to the first that makes a picture.
pub(super) fn undo<'a>(raw: impl Read + 'a, dictionary: &Dictionary) -> Box<dyn Read + 'a> {
    let mut out: Box<dyn Read + 'a> = Box::new(raw);
    for filter in &dictionary.filters {
        out = match filter {
            Filter::Flate => Box::new(ZlibDecoder::new(out)),
            Filter::Lzw => Box::new(Lzw::new(out, dictionary.late)),
            Filter::Ascii85 => Box::new(Ascii::new(out, ascii85)),
            Filter::AsciiHex => Box::new(Ascii::new(out, hex)),
            Filter::RunLength => Box::new(Ascii::new(out, runs)),
            Filter::Picture | Filter::Crypt | Filter::Unknown => break,
        };
    }
    out
}

struct Lzw<R> {
    input: BufReader<R>,
    decoder: Decoder,
    ended: bool,
}

impl<R: Read> Lzw<R> {
    fn new(input: R, late: bool) -> Self {
        let decoder = if late {
            Decoder::new(BitOrder::Msb, 8)
        } else {
            Decoder::with_tiff_size_switch(BitOrder::Msb, 8)
        };
        Self { input: BufReader::new(input), decoder, ended: false }
    }
}

impl<R: Read> Read for Lzw<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            let have = self.input.fill_buf()?;
            if have.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let result = self.decoder.decode_bytes(have, into);
            self.input.consume(result.consumed_in);
            match result.status {
                Ok(LzwStatus::Done) => self.ended = true,
                Ok(LzwStatus::NoProgress) if result.consumed_in == 0 && result.consumed_out == 0 => {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                Ok(_) => {}
                Err(e) => return Err(io::Error::new(io::ErrorKind::InvalidData, e)),
            }
            if result.consumed_out > 0 {
                return Ok(result.consumed_out);
            }
        }
        Ok(0)
    }
}

/// Decodes the next group of bytes from its input into its output, which is empty; `false` at the mark of the end.
type Group = fn(&mut dyn BufRead, &mut Vec<u8>) -> io::Result<bool>;

/// A filter that is undone group by group.
struct Ascii<R> {
    input: R,
    decode: Group,
    ready: Vec<u8>,
    ended: bool,
}

impl<R: Read> Ascii<BufReader<R>> {
    fn new(input: R, decode: Group) -> Self {
        Self { input: BufReader::new(input), decode, ready: Vec::new(), ended: false }
    }
}

impl<R: BufRead> Read for Ascii<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < into.len() {
            if self.ready.is_empty() {
                if self.ended {
                    break;
                }
                self.ended = !(self.decode)(&mut self.input, &mut self.ready)?;
                continue;
            }
            let n = self.ready.len().min(into.len() - filled);
            into[filled..filled + n].copy_from_slice(&self.ready[..n]);
            self.ready.drain(..n);
            filled += n;
        }
        Ok(filled)
    }
}

fn byte(input: &mut dyn BufRead) -> io::Result<u8> {
    let mut byte = [0];
    input.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn hex(input: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
    let mut pair = 0;
    let mut digits = 0;
    while digits < 2 {
        match byte(input)? {
            b'>' => {
                if digits == 1 {
                    out.push(pair << 4);
                }
                return Ok(false);
            }
            b => match char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok()) {
                Some(d) => {
                    pair = pair << 4 | d;
                    digits += 1;
                }
                None if super::is_white(b) => {}
                None => return Err(io::ErrorKind::InvalidData.into()),
            },
        }
    }
    out.push(pair);
    Ok(true)
}

fn ascii85(input: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
    let (mut group, mut digits) = (0_u32, 0);
    while digits < 5 {
        match byte(input)? {
            b'z' if digits == 0 => {
                out.extend([0; 4]);
                return Ok(true);
            }
            b @ b'!'..=b'u' => {
                group = group.wrapping_mul(85).wrapping_add(u32::from(b - b'!'));
                digits += 1;
            }
            b'~' => {
                let whole = (digits..5).fold(group, |group, _| group.wrapping_mul(85).wrapping_add(84));
                out.extend(whole.to_be_bytes().iter().take(usize::saturating_sub(digits, 1)));
                return Ok(false);
            }
            b if super::is_white(b) => {}
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
    out.extend(group.to_be_bytes());
    Ok(true)
}

fn runs(input: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
    match byte(input)? {
        128 => return Ok(false),
        n @ 0..128 => {
            out.resize(usize::from(n) + 1, 0);
            input.read_exact(out)?;
        }
        n => {
            let again = byte(input)?;
            out.resize(257 - usize::from(n), again);
        }
    }
    Ok(true)
}
