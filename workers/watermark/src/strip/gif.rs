//! GIF, by the GIF89a specification of 1990; loops by the Netscape 2.0 application extension.

use super::reader::Reader;
use super::{StripError, end, icc};

/// The GIF with its frames, palettes, delays, disposal, transparency, loop count and ICC profile; without comments,
/// plain text, other application extensions and anything after the trailer.
///
/// # Errors
/// [`StripError`] when a block is cut off, malformed or unknown, or when there is no picture or no trailer.
pub fn gif(bytes: &[u8]) -> Result<Vec<u8>, StripError> {
    let mut reader = Reader::new("gif", bytes);
    let mut out = Vec::with_capacity(bytes.len());
    let signature = reader.array::<6>()?;
    if !matches!(&signature, b"GIF87a" | b"GIF89a") {
        return reader.fail("it does not begin with its signature");
    }
    out.extend(signature);
    let screen = reader.array::<7>()?;
    out.extend(screen);
    let shared = palette(&mut reader, screen[4])?;
    let place = out.len();
    out.extend_from_slice(shared);

    let used = [false; 256];
    let mut gif = Blocks { reader, out, control: None, looped: false, profiled: false, pictures: 0, used };
    loop {
        match gif.reader.byte()? {
            0x2C => gif.picture()?,
            0x21 => gif.extension()?,
            0x3B => break,
            _ => return gif.reader.fail("there is an unknown block"),
        }
    }
    if gif.pictures == 0 {
        return gif.reader.fail("it ends without a picture");
    }
    gif.out.push(0x3B);
    gif.out[place..place + shared.len()].copy_from_slice(&shown(shared, &gif.used));
    Ok(gif.out)
}

struct Blocks<'a> {
    reader: Reader<'a>,
    out: Vec<u8>,
    /// The graphic control of the next picture: delay, disposal, transparency.
    control: Option<[u8; 4]>,
    looped: bool,
    profiled: bool,
    pictures: usize,
    /// Colours of the palette that pictures without their own share.
    used: [bool; 256],
}

impl Blocks<'_> {
    fn picture(&mut self) -> Result<(), StripError> {
        if let Some([flags, delay @ .., transparent]) = self.control.take() {
            let [low, high] = delay;
            // The upper three bits of the flags are reserved.
            self.out.extend([0x21, 0xF9, 4, flags & 0x1F, low, high, transparent, 0]);
        }
        let header = self.reader.array::<9>()?;
        let [_, _, _, _, w0, w1, h0, h1, _] = header;
        let count = u64::from(u16::from_le_bytes([w0, w1])) * u64::from(u16::from_le_bytes([h0, h1]));
        self.out.push(0x2C);
        self.out.extend(header);
        let own = palette(&mut self.reader, header[8])?;
        let code_size = self.reader.byte()?;
        if !(1..=11).contains(&code_size) {
            return self.reader.fail("a picture has an impossible code size");
        }
        let data = self.sub_blocks()?;
        let Some(pixels) = end::of_lzw(code_size, &data) else {
            return self.reader.fail("a picture's pixels do not end");
        };
        if pixels.count > count {
            return self.reader.fail("a picture has more pixels than its header says");
        }
        if own.is_empty() {
            self.used.iter_mut().zip(pixels.used).for_each(|(any, this)| *any |= this);
        }
        self.out.extend(shown(own, &pixels.used));
        self.out.push(code_size);
        self.write(&data[..pixels.end]);
        self.pictures += 1;
        Ok(())
    }

    /// In blocks of at most 255 bytes, and an empty one.
    fn write(&mut self, content: &[u8]) {
        for block in content.chunks(255) {
            self.out.push(block.len() as u8);
            self.out.extend_from_slice(block);
        }
        self.out.push(0);
    }

    fn extension(&mut self) -> Result<(), StripError> {
        match self.reader.byte()? {
            0xF9 => {
                if self.reader.byte()? != 4 {
                    return self.reader.fail("a graphic control has the wrong length");
                }
                self.control = Some(self.reader.array()?);
                if self.reader.byte()? != 0 {
                    return self.reader.fail("a graphic control has the wrong length");
                }
            }
            0xFF => {
                let length = self.reader.byte()?;
                let name = self.reader.take(usize::from(length))?;
                let content = self.sub_blocks()?;
                self.application(name, &content);
            }
            // Plain text is a picture of its own, which no browser shows: the control before it goes with it.
            0x01 => {
                self.control = None;
                self.sub_blocks()?;
            }
            _ => {
                self.sub_blocks()?;
            }
        }
        Ok(())
    }

    fn application(&mut self, name: &[u8], content: &[u8]) {
        match (name, content) {
            (b"NETSCAPE2.0" | b"ANIMEXTS1.0", [1, low, high, ..]) if !self.looped => {
                self.looped = true;
                self.out.extend([0x21, 0xFF, 11]);
                self.out.extend(b"NETSCAPE2.0");
                self.out.extend([3, 1, *low, *high, 0]);
            }
            (b"ICCRGBG1012", _) if !self.profiled => {
                let Some(profile) = icc::clean(content) else { return };
                self.profiled = true;
                self.out.extend([0x21, 0xFF, 11]);
                self.out.extend(name);
                self.write(&profile);
            }
            _ => {}
        }
    }

    fn sub_blocks(&mut self) -> Result<Vec<u8>, StripError> {
        let mut content = Vec::new();
        loop {
            match self.reader.byte()? {
                0 => return Ok(content),
                length => content.extend_from_slice(self.reader.take(usize::from(length))?),
            }
        }
    }
}

/// The colours that follow a header with these flags: bit 7 says whether, bits 0 to 2 how many.
fn palette<'a>(reader: &mut Reader<'a>, flags: u8) -> Result<&'a [u8], StripError> {
    match flags & 0x80 {
        0 => Ok(&[]),
        _ => reader.take(3 * (2 << (flags & 7))),
    }
}

/// The same palette, black where no pixel has the colour.
fn shown(palette: &[u8], used: &[bool; 256]) -> Vec<u8> {
    let colours = palette.as_chunks::<3>().0.iter().zip(used);
    colours.flat_map(|(colour, used)| if *used { *colour } else { [0; 3] }).collect()
}
