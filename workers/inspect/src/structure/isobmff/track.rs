//! A track's sample tables (ISO/IEC 14496-12 section 8.7): how long each sample is, how many stand in a chunk, and where
//! the chunks lie.

use crate::structure::log::Log;
use crate::structure::source::{Source, Stop};

/// Samples or chunks of one track that are kept: more than a day of sound.
const ENTRIES: u64 = 4 << 20;

#[derive(Default)]
pub(super) struct Track {
    /// Length of every sample, or 0 where each has its own.
    fixed: u64,
    samples: u64,
    lengths: Vec<u32>,
    /// From which chunk on, counted from 1, how many samples stand in each.
    runs: Vec<(u64, u64)>,
    chunks: Vec<u64>,
}

impl Track {
    /// Reads one table of the box `stbl`; its content ends at `end`.
    pub(super) fn table(
        &mut self,
        source: &mut Source<'_>,
        kind: &[u8; 4],
        end: u64,
        log: &mut Log,
    ) -> Result<(), Stop> {
        match kind {
            b"stsz" => {
                source.skip(4)?;
                self.fixed = number(source)?;
                self.samples = entries(source, if self.fixed == 0 { 4 } else { 0 }, end)?;
                if self.fixed == 0 {
                    self.lengths = list(source, self.samples, |b: [u8; 4]| u32::from_be_bytes(b))?;
                }
            }
            b"stz2" => {
                source.skip(7)?;
                let bits = source.byte()?;
                self.samples = u64::from(u32::from_be_bytes(source.bytes()?));
                self.lengths = compact(source, bits, self.samples, end)?;
            }
            b"stsc" => {
                source.skip(4)?;
                let count = entries(source, 12, end)?;
                self.runs = list(source, count, |b: [u8; 12]| (big(&b[..4]), big(&b[4..8])))?;
            }
            b"stco" => {
                source.skip(4)?;
                let count = entries(source, 4, end)?;
                self.chunks = list(source, count, |b: [u8; 4]| big(&b))?;
            }
            b"co64" => {
                source.skip(4)?;
                let count = entries(source, 8, end)?;
                self.chunks = list(source, count, u64::from_be_bytes)?;
            }
            b"stsd" => {
                source.skip(8)?;
                // Any one of them may be that of the samples.
                while end.saturating_sub(source.position()) >= 8 {
                    let at = source.position();
                    let length = number(source)?;
                    let name: [u8; 4] = source.bytes()?;
                    if matches!(&name, b"encv" | b"enca" | b"enct" | b"encs" | b"drms" | b"drmi") {
                        log.partial("encrypted", "the media data is encrypted");
                    }
                    if length < 8 || length > end - at {
                        break;
                    }
                    source.seek(at + length)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Claims every chunk; whether its length could not be told. Sound in QuickTime's older way counts samples that are
    /// no bytes.
    pub(super) fn claim(self, size: u64, claimed: &mut Vec<(u64, u64)>) -> Result<bool, Stop> {
        let vague = self.fixed == 1;
        let mut runs = self.runs.iter().copied().peekable();
        let (mut in_chunk, mut sample) = (0, 0_u64);
        for (i, &start) in self.chunks.iter().enumerate() {
            while let Some((_, count)) = runs.next_if(|(first, _)| *first <= i as u64 + 1) {
                in_chunk = count;
            }
            let count = in_chunk.min(self.samples.saturating_sub(sample));
            let length = if vague { 1 } else { self.length(sample, count) };
            sample += count;
            let end = start.checked_add(length).filter(|end| *end <= size && start < size);
            let Some(end) = end else { return Err(Stop::Truncated(size)) };
            claimed.push((start, end));
        }
        Ok(vague)
    }

    fn length(&self, first: u64, count: u64) -> u64 {
        if self.fixed != 0 {
            return self.fixed.saturating_mul(count);
        }
        let from = usize::try_from(first).unwrap_or(usize::MAX).min(self.lengths.len());
        let to = from.saturating_add(usize::try_from(count).unwrap_or(usize::MAX)).min(self.lengths.len());
        self.lengths[from..to].iter().map(|l| u64::from(*l)).sum()
    }
}

fn number(source: &mut Source<'_>) -> Result<u64, Stop> {
    Ok(u64::from(u32::from_be_bytes(source.bytes()?)))
}

/// Reads how many entries of `width` bytes follow; they must end by `end`.
fn entries(source: &mut Source<'_>, width: u64, end: u64) -> Result<u64, Stop> {
    let count = number(source)?;
    if count * width > end.saturating_sub(source.position()) {
        return Err(source.malformed("a sample table longer than its box"));
    }
    if width > 0 && count > ENTRIES {
        return Err(Stop::Partial("limit.parts", format!("a sample table of {count} entries")));
    }
    Ok(count)
}

fn list<const N: usize, T>(
    source: &mut Source<'_>,
    count: u64,
    decode: fn([u8; N]) -> T,
) -> Result<Vec<T>, Stop> {
    (0..count).map(|_| source.bytes().map(decode)).collect()
}

/// The compact sample sizes of `stz2`: 4, 8 or 16 bits each.
fn compact(source: &mut Source<'_>, bits: u8, count: u64, end: u64) -> Result<Vec<u32>, Stop> {
    let bytes = (count * u64::from(bits)).div_ceil(8);
    if !matches!(bits, 4 | 8 | 16) || bytes > end.saturating_sub(source.position()) {
        return Err(source.malformed("a sample table that does not fit its box"));
    }
    if count > ENTRIES {
        return Err(Stop::Partial("limit.parts", format!("a sample table of {count} entries")));
    }
    let mut lengths = Vec::new();
    while (lengths.len() as u64) < count {
        match bits {
            4 => {
                let both = source.byte()?;
                lengths.extend([u32::from(both >> 4), u32::from(both & 15)]);
            }
            8 => lengths.push(u32::from(source.byte()?)),
            _ => lengths.push(u32::from(u16::from_be_bytes(source.bytes()?))),
        }
    }
    Ok(lengths)
}

fn big(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b))
}
