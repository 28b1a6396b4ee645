//! Which picture a HEIF or AVIF file shows, and where its pieces lie: ISO/IEC 23008-12 (items and their properties), ISO/IEC
//! 14496-12 section 8.11 (the boxes that hold them), ISO/IEC 23000-22 (MIAF) and the AVIF specification.
//!
//! Nothing is decoded here, and no byte of a picture is read. What is not understood, told twice, or told otherwise by two
//! boxes is no picture: [`Flaw`].

mod draw;
mod fields;
mod grid;
mod locations;
mod meta;
mod properties;
mod transforms;

pub use properties::{Colours, Nclx};
pub use transforms::Crop;

use crate::quote::quoted_bytes;
use fields::Fields;
use meta::Meta;
use std::io::{self, Read, Seek, SeekFrom};

/// Why a file shows no picture that could be decoded.
#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    #[error(transparent)]
    Io(#[from] io::Error),
    /// In words for people.
    #[error("{0}")]
    Malformed(String),
    /// By the rules, and not understood here.
    #[error("{0}")]
    Unsupported(String),
    /// More of something than is looked at.
    #[error("{0}")]
    Limit(String),
}

impl Flaw {
    fn malformed(why: impl Into<String>) -> Self {
        Self::Malformed(why.into())
    }

    fn unsupported(why: impl Into<String>) -> Self {
        Self::Unsupported(why.into())
    }
}

/// The picture that a file shows: its primary item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Still {
    pub colour: Drawn,
    /// As large as `colour`; its brightness says how opaque the picture is.
    pub alpha: Option<Drawn>,
    /// The colours are multiplied by the alpha already.
    pub premultiplied: bool,
    /// What is shown of it, in its own pixels.
    pub crop: Option<Crop>,
    /// How what is shown is turned then, as EXIF's orientation has it, 1 to 8.
    pub orientation: u8,
    pub colours: Colours,
    /// There are other items than those of this picture, or another one that a reader may choose.
    pub beside: bool,
    /// Where in the file the EXIF block of the picture lies, with the four bytes before it that say where in it TIFF begins:
    /// beginning and end of each piece. Empty where it has none, several, or one that is not there.
    pub exif: Vec<(u64, u64)>,
    /// There is a track of pictures, which readers of sequences show in its place.
    pub sequence: bool,
}

/// Tiles side by side, in rows from the top; a picture of one item is one tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// In pixels; the tiles may reach beyond.
    pub width: u32,
    pub height: u32,
    pub columns: u32,
    /// Of every tile.
    pub tile: (u32, u32),
    pub tiles: Vec<Coded>,
}

/// One coded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coded {
    pub codec: Codec,
    /// Where in the file the decoder's configuration lies: beginning and end.
    pub head: (u64, u64),
    /// Where its bytes lie, in order: beginning and end of each piece, all of them within the file.
    pub pieces: Vec<(u64, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    Hevc,
    Av1,
}

/// Boxes on the first level.
const BOXES: usize = 1024;
/// Bytes of the box `meta`. A camera's has some thousand.
const META: u64 = 16 << 20;

/// What the file of `size` bytes shows.
///
/// # Errors
/// [`Flaw`]: it cannot be read, or it shows nothing that is understood here.
pub fn still(file: &mut (impl Read + Seek), size: u64) -> Result<Still, Flaw> {
    let (mut at, mut metas, mut sequence) = (0, Vec::new(), false);
    for count in 0.. {
        if at == size {
            break;
        }
        if count == BOXES {
            return Err(Flaw::Limit(format!("more than {BOXES} boxes")));
        }
        let (kind, content, end) = head(file, at, size)?;
        match &kind {
            b"meta" => metas.push((content, end)),
            b"moov" | b"moof" => sequence = true,
            _ => {}
        }
        at = end;
    }
    let &[(start, end)] = &metas[..] else {
        return Err(Flaw::malformed(format!("{} descriptions of items, where one is to be", metas.len())));
    };
    if end - start > META {
        return Err(Flaw::Limit(format!(
            "{} bytes describe its items, at most {META} are read",
            end - start
        )));
    }
    let mut bytes = vec![0; usize::try_from(end - start).unwrap_or_default()];
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut bytes)?;
    let meta = Meta::read(Fields::new(&bytes, start))?;
    let mut reading = |at: u64, into: &mut [u8]| {
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(into)
    };
    draw::draw(&meta, size, sequence, &mut reading)
}

/// Kind, content and end of the box at `at`, which ends within the file.
fn head(file: &mut (impl Read + Seek), at: u64, size: u64) -> Result<([u8; 4], u64, u64), Flaw> {
    let cut = || Flaw::malformed(format!("the file ends within a box, at byte {at}"));
    let mut read = |from: u64| -> Result<[u8; 8], Flaw> {
        if size - from < 8 {
            return Err(cut());
        }
        let mut bytes = [0; 8];
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    };
    let [a, b, c, d, kind @ ..] = read(at)?;
    let (content, length) = match u32::from_be_bytes([a, b, c, d]) {
        0 => (8, size - at),
        1 => (16, u64::from_be_bytes(read(at + 8)?)),
        length => (8, u64::from(length)),
    };
    if length < content {
        return Err(Flaw::malformed(format!("box {} shorter than its head", quoted_bytes(&kind))));
    }
    let end = at.checked_add(length).filter(|end| *end <= size).ok_or_else(cut)?;
    Ok((kind, at + content, end))
}
