//! GIF, after the GIF89a specification: block by block, from the header to the trailer.

use super::log::Log;
use super::source::{Source, Stop};

pub(super) fn walk(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    let header: [u8; 6] = source.bytes()?;
    if &header != b"GIF87a" && &header != b"GIF89a" {
        return Err(Stop::Malformed(0, "no gif header".to_owned()));
    }
    let screen: [u8; 7] = source.bytes()?;
    let size = sides([screen[0], screen[1], screen[2], screen[3]]);
    colour_table(source, screen[4])?;
    let mut images = 0_u64;
    let mut stray = 0_u64;
    loop {
        let at = source.position();
        match source.byte()? {
            0x2c => {
                image(source, size, log)?;
                images += 1;
            }
            0x21 => {
                source.byte()?;
                sub_blocks(source)?;
            }
            0x3b if images == 0 => {
                return Err(Stop::Malformed(at, "the file ends without a picture".to_owned()));
            }
            0x3b => return Ok(()),
            // Some encoders leave one terminator too many, and decoders step over it.
            0x00 => {
                stray += 1;
                if stray == 1 {
                    log.malformed(at, "an empty block between blocks");
                }
            }
            other => return Err(Stop::Malformed(at, format!("{other:#04x} begins no block"))),
        }
    }
}

/// Image descriptor, local colour table, and the compressed picture.
fn image(source: &mut Source<'_>, screen: [u32; 2], log: &mut Log) -> Result<(), Stop> {
    let at = source.position();
    let descriptor: [u8; 9] = source.bytes()?;
    let [l0, l1, t0, t1, w0, w1, h0, h1, packed] = descriptor;
    let ([left, top], [width, height]) = (sides([l0, l1, t0, t1]), sides([w0, w1, h0, h1]));
    // Some viewers cut off what is outside, some make the screen larger: they show different pictures.
    if left + width > screen[0] || top + height > screen[1] {
        log.malformed(at, "a picture that reaches beyond the screen");
    }
    colour_table(source, packed)?;
    source.byte()?;
    sub_blocks(source)
}

/// Two numbers of 16 bits, little endian: across and down.
fn sides(bytes: [u8; 4]) -> [u32; 2] {
    let [a, b, c, d] = bytes;
    [[a, b], [c, d]].map(|side| u16::from_le_bytes(side).into())
}

/// Steps over the colour table that `packed` announces, if any.
fn colour_table(source: &mut Source<'_>, packed: u8) -> Result<(), Stop> {
    if packed & 0x80 == 0 {
        return Ok(());
    }
    source.skip(3 << ((packed & 0x07) + 1))
}

/// Steps over data sub-blocks and their terminator.
fn sub_blocks(source: &mut Source<'_>) -> Result<(), Stop> {
    loop {
        match source.byte()? {
            0 => return Ok(()),
            length => source.skip(u64::from(length))?,
        }
    }
}
