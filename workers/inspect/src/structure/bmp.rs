//! BMP, after Microsoft's "Bitmap Storage" (wingdi.h: BITMAPFILEHEADER, BITMAPCOREHEADER, BITMAPINFOHEADER,
//! BITMAPV4HEADER, BITMAPV5HEADER) and OS/2's BITMAPINFOHEADER2: headers, masks, palette, pixels, colour profile.

use super::extents::Extents;
use super::log::Log;
use super::source::{Source, Stop};

const FILE_HEADER: u64 = 14;

/// What the headers say.
struct Header {
    /// Bytes of the information header.
    length: u64,
    width: u64,
    height: u64,
    depth: u64,
    compression: u32,
    image: u64,
    colors: u64,
    /// Where a V5 header keeps its colour profile: offset from the information header, and length.
    profile: Option<(u64, u64)>,
    /// The profile is the name of another file.
    linked: bool,
}

pub(super) fn walk(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    let file: [u8; 14] = source.bytes()?;
    if !file.starts_with(b"BM") {
        return Err(Stop::Malformed(0, "no bmp header".to_owned()));
    }
    let stated = u64::from(word(&file, 2));
    let pixels = u64::from(word(&file, 10));
    let header = Header::read(source)?;
    let mut parts = Extents::new(source.size());
    let head = FILE_HEADER + header.length + header.masks() + header.palette()?;
    parts.claim(0, head)?;
    if pixels < FILE_HEADER + header.length {
        return Err(Stop::Malformed(10, "the pixels begin within the header".to_owned()));
    }
    let length = header.pixels(source, pixels)?;
    parts.claim(pixels, length)?;
    if let Some((offset, length)) = header.profile {
        parts.claim(FILE_HEADER + offset, length)?;
        if header.linked {
            log.active(FILE_HEADER + offset, "the colour profile is taken from another file");
        }
    }
    parts.settle(source, log)?;
    let end = source.position();
    // Some writers pad, some leave the field at 0; a size that cuts into the pixels or reaches past the file does not
    // come from them.
    if stated > source.size() {
        return Err(Stop::Truncated(source.size()));
    }
    if stated != 0 && stated < end {
        log.malformed(2, format!("the header says {stated} bytes, the picture ends at {end}"));
    }
    Ok(())
}

impl Header {
    fn read(source: &mut Source<'_>) -> Result<Self, Stop> {
        let length = u32::from_le_bytes(source.bytes()?);
        if length == 12 {
            let core: [u8; 8] = source.bytes()?;
            return Self {
                length: 12,
                width: u64::from(half(&core, 0)),
                height: u64::from(half(&core, 2)),
                depth: u64::from(half(&core, 6)),
                compression: 0,
                image: 0,
                colors: 0,
                profile: None,
                linked: false,
            }
            .checked();
        }
        if !matches!(length, 40 | 52 | 56 | 64 | 108 | 124) {
            return Err(Stop::Malformed(FILE_HEADER, format!("an information header of {length} bytes")));
        }
        let mut fields = vec![0; usize::try_from(length - 4).unwrap_or_default()];
        source.read(&mut fields)?;
        let signed = |at| i32::from_le_bytes(word(&fields, at).to_le_bytes());
        let space = word(&fields, 52).to_be_bytes();
        let profile = (length == 124 && matches!(&space, b"MBED" | b"LINK"))
            .then(|| (u64::from(word(&fields, 108)), u64::from(word(&fields, 112))));
        Self {
            length: u64::from(length),
            width: u64::from(signed(0).unsigned_abs()),
            height: u64::from(signed(4).unsigned_abs()),
            depth: u64::from(half(&fields, 10)),
            compression: word(&fields, 12),
            image: u64::from(word(&fields, 16)),
            colors: u64::from(word(&fields, 28)),
            profile,
            linked: &space == b"LINK",
        }
        .checked()
    }

    fn checked(self) -> Result<Self, Stop> {
        let depths: &[u64] = match self.compression {
            0 => &[1, 2, 4, 8, 16, 24, 32],
            1 => &[8],
            2 => &[4],
            3 | 6 => &[16, 32],
            4 | 5 => &[0],
            other => return Err(Stop::Malformed(30, format!("compression {other}"))),
        };
        if !depths.contains(&self.depth) {
            return Err(Stop::Malformed(28, format!("{} bits a pixel", self.depth)));
        }
        if self.width == 0 || self.height == 0 {
            return Err(Stop::Malformed(18, "a picture without pixels".to_owned()));
        }
        Ok(self)
    }

    /// Bit masks that stand behind a header of 40 bytes alone.
    fn masks(&self) -> u64 {
        match (self.length, self.compression) {
            (40, 3) => 12,
            (40, 6) => 16,
            _ => 0,
        }
    }

    fn palette(&self) -> Result<u64, Stop> {
        let entry = if self.length == 12 { 3 } else { 4 };
        let colors = match (self.colors, self.depth) {
            (0, 1..=8) => 1 << self.depth,
            (n, _) if n > 1 << 16 => {
                return Err(Stop::Malformed(46, format!("a palette of {n} colors")));
            }
            (n, _) => n,
        };
        Ok(colors * entry)
    }

    /// How many bytes the pixels take from `at` on.
    fn pixels(&self, source: &mut Source<'_>, at: u64) -> Result<u64, Stop> {
        match self.compression {
            1 | 2 => run_lengths(source, at, self.compression == 2),
            4 | 5 => Ok(self.image),
            _ => {
                let row = (self.width * self.depth).div_ceil(32) * 4;
                row.checked_mul(self.height).ok_or(Stop::Truncated(source.size()))
            }
        }
    }
}

/// Steps through run-length encoded rows, which end with the escape 1, and gives their length.
fn run_lengths(source: &mut Source<'_>, at: u64, nibbles: bool) -> Result<u64, Stop> {
    source.seek(at)?;
    loop {
        let [count, value] = source.bytes()?;
        match (count, value) {
            (0, 1) => return Ok(source.position() - at),
            (0, 2) => source.skip(2)?,
            (0, 0) | (1.., _) => {}
            (0, literal) => {
                let bytes = if nibbles { u64::from(literal).div_ceil(2) } else { u64::from(literal) };
                source.skip(bytes.next_multiple_of(2))?;
            }
        }
    }
}

fn half(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}
