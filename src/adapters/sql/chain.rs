//! The audit log's chain of hashes: the same in both stores, so that a log can move.

use super::damaged;
use crate::ports::{
    Result,
    store::{AuditHead, AuditLine, Forged},
};
use sha2::{Digest, Sha256};

/// What the first line has in place of a predecessor's hash.
pub(in crate::adapters) const GENESIS: [u8; 32] = [0; 32];

/// SHA-256 of the previous hash, sequence and time as big-endian 64-bit numbers, then each text after its length in
/// bytes as such a number: no two lines share an encoding.
pub(in crate::adapters) fn chained(previous: &[u8; 32], line: &AuditLine) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(line.sequence.to_be_bytes());
    hasher.update(line.at.as_millisecond().to_be_bytes());
    for text in [&line.actor, &line.action, &line.subject, &line.detail] {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text);
    }
    hasher.finalize().into()
}

/// All lines, one after the other.
pub(in crate::adapters) struct Walk<'a> {
    last: AuditHead,
    /// The last line there ever was, as the store keeps it beside the log; some keep no hash of it.
    given: (u64, Option<[u8; 32]>),
    noted: &'a [AuditHead],
}

impl<'a> Walk<'a> {
    pub(in crate::adapters) fn new(given: (u64, Option<[u8; 32]>), noted: &'a [AuditHead]) -> Self {
        Self { last: AuditHead { sequence: 0, hash: GENESIS }, given, noted }
    }

    /// The number of the last line that was looked at.
    pub(in crate::adapters) fn at(&self) -> u64 {
        self.last.sequence
    }

    pub(in crate::adapters) fn step(
        &mut self,
        line: &AuditLine,
        hash: [u8; 32],
    ) -> std::result::Result<(), Forged> {
        let sequence = self.last.sequence + 1;
        let follows = line.sequence == sequence && chained(&self.last.hash, line) == hash;
        let given = self.given.0 != sequence || self.given.1.is_none_or(|given| given == hash);
        if !follows || !given {
            return Err(Forged::Line(sequence));
        }
        if self.noted.iter().any(|noted| noted.sequence == sequence && noted.hash != hash) {
            return Err(Forged::Noted(sequence));
        }
        self.last = AuditHead { sequence, hash };
        Ok(())
    }

    /// There are no more.
    pub(in crate::adapters) fn end(self) -> std::result::Result<AuditHead, Forged> {
        let last = self.last.sequence;
        if last < self.given.0 {
            return Err(Forged::Line(last + 1));
        }
        let is_there = |noted: &AuditHead| match noted.sequence {
            0 => noted.hash == GENESIS,
            sequence => sequence <= last,
        };
        match self.noted.iter().find(|noted| !is_there(noted)) {
            Some(noted) => Err(Forged::Noted(noted.sequence)),
            None => Ok(self.last),
        }
    }
}

pub(in crate::adapters) fn as_hash(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| damaged("an audit hash that is not 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    /// A stored format: a change here makes every log out there look forged.
    #[test]
    fn the_hash_of_a_line_is_golden() {
        let line = AuditLine {
            sequence: 1,
            at: Timestamp::from_millisecond(1_790_000_000_000).unwrap(),
            actor: "key:k1".into(),
            action: "upload.accepted".into(),
            subject: "s".into(),
            detail: "{}".into(),
        };
        let expected = "95c5bd00cf7e3818b1a6c264f57f5b3c6514ebfb7ad4f54063173b9366f419ee";
        assert_eq!(crate::hex(&chained(&GENESIS, &line)), expected);
    }
}
