//! What is said of one item (ISO/IEC 23008-12, 6.5; ISO/IEC 14496-12, 12.1.5).

use super::fields::{Fields, Part};
use super::meta::{Item, Meta};
use super::transforms::{Transform, clap};
use super::{Codec, Flaw};
use crate::quote::quoted_bytes;

/// How the numbers of a picture become colours, where the file says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Colours {
    pub nclx: Option<Nclx>,
    /// An ICC profile, as it stands there.
    pub icc: Option<Vec<u8>>,
}

/// By the numbers of ITU-T H.273.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nclx {
    pub primaries: u16,
    pub transfer: u16,
    pub matrix: u16,
    pub full_range: bool,
}

/// [`Colours`] before they are copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told<'a> {
    nclx: Option<Nclx>,
    icc: Option<&'a [u8]>,
}

/// Bytes of an ICC profile; those of printers have a million.
const PROFILE: usize = 4 << 20;

/// All of one item.
#[derive(Debug, Default)]
pub(super) struct Properties<'a> {
    pub size: Option<(u32, u32)>,
    /// The decoder's configuration.
    pub head: Option<(Codec, (u64, u64))>,
    pub colours: Told<'a>,
    /// In the order in which they are made.
    pub transforms: Vec<Transform>,
    /// What an auxiliary picture is for.
    pub auxiliary: Option<&'a [u8]>,
}

/// Known, and nothing that changes what is seen here.
const HARMLESS: &[&[u8; 4]] =
    &[b"pixi", b"pasp", b"clli", b"mdcv", b"cclv", b"amve", b"rloc", b"a1lx", b"udes", b"altt", b"free"];

impl<'a> Properties<'a> {
    pub(super) fn of(meta: &Meta<'a>, item: &Item) -> Result<Self, Flaw> {
        let mut all = Self::default();
        for (index, essential) in &item.properties {
            let Some(Part { kind, content }) = meta.properties.get(index - 1) else {
                return Err(Flaw::malformed(format!("there is no property {index}")));
            };
            all.take(kind, *content, *essential)?;
        }
        Ok(all)
    }

    fn take(&mut self, kind: &[u8; 4], mut fields: Fields<'a>, essential: bool) -> Result<(), Flaw> {
        let twice = match kind {
            b"ispe" => {
                fields.version()?;
                let size = (fields.u32()?, fields.u32()?);
                self.size.replace(size).is_some()
            }
            // Their versions; decoders take what begins otherwise for a stream without one.
            b"hvcC" if fields.rest().first() == Some(&1) => {
                self.head.replace((Codec::Hevc, fields.range())).is_some()
            }
            b"av1C" if fields.rest().first() == Some(&0x81) => {
                self.head.replace((Codec::Av1, fields.range())).is_some()
            }
            b"hvcC" | b"av1C" => return Err(Flaw::unsupported("a coding of an unknown version")),
            b"colr" => self.colours.take(fields)?,
            b"auxC" => {
                fields.version()?;
                let name = fields.rest().split(|byte| *byte == 0).next().unwrap_or_default();
                self.auxiliary.replace(name).is_some()
            }
            b"clap" => self.transform(clap(fields)?),
            b"irot" => self.transform(Transform::Turn(fields.u8()? & 3)),
            b"imir" => self.transform(Transform::Mirror { across: fields.u8()? & 1 == 1 }),
            // Who does not know it must not show the item.
            kind if essential && !HARMLESS.contains(&kind) => {
                return Err(Flaw::unsupported(format!(
                    "a property that is not followed: {}",
                    quoted_bytes(kind)
                )));
            }
            _ => false,
        };
        if twice {
            return Err(Flaw::malformed(format!("two properties {} of one item", quoted_bytes(kind))));
        }
        Ok(())
    }

    /// Whether there was one of the kind.
    fn transform(&mut self, transform: Transform) -> bool {
        let of_kind = |other: &Transform| std::mem::discriminant(other) == std::mem::discriminant(&transform);
        let twice = self.transforms.iter().any(of_kind);
        self.transforms.push(transform);
        twice
    }
}

impl<'a> Told<'a> {
    /// Whether there was one of the kind.
    fn take(&mut self, mut fields: Fields<'a>) -> Result<bool, Flaw> {
        Ok(match &fields.kind()? {
            b"nclx" => {
                let nclx = Nclx {
                    primaries: fields.u16()?,
                    transfer: fields.u16()?,
                    matrix: fields.u16()?,
                    full_range: fields.u8()? >> 7 == 1,
                };
                self.nclx.replace(nclx).is_some()
            }
            b"prof" | b"rICC" if fields.rest().len() > PROFILE => {
                return Err(Flaw::Limit(format!("a colour profile of more than {PROFILE} bytes")));
            }
            b"prof" | b"rICC" => self.icc.replace(fields.rest()).is_some(),
            other => return Err(Flaw::unsupported(format!("colours by {}", quoted_bytes(other)))),
        })
    }

    pub(super) fn or(self, other: Self) -> Self {
        if self == Self::default() { other } else { self }
    }

    pub(super) fn owned(self) -> Colours {
        Colours { nclx: self.nclx, icc: self.icc.map(<[u8]>::to_vec) }
    }
}
