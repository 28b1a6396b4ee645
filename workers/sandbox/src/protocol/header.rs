/// Bytes of a message's header.
pub const LENGTH: usize = 20;
/// Longest head. Reports bound their findings, so this is generous.
pub const HEAD_MAX: usize = 4 << 20;
const MAGIC: [u8; 4] = *b"LZR1";

/// What stands before every message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub sequence: u64,
    pub head_length: u32,
    pub blob_length: u32,
}

impl Header {
    pub fn encode(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..12].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.head_length.to_be_bytes());
        bytes[16..].copy_from_slice(&self.blob_length.to_be_bytes());
        bytes
    }

    /// `None` where this is no header of ours or its head is too long. The blob is for the reader to judge: how long
    /// it may be hangs on what was asked.
    pub fn decode(bytes: &[u8; LENGTH]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<4>()?;
        let (sequence, rest) = rest.split_first_chunk::<8>()?;
        let (head, rest) = rest.split_first_chunk::<4>()?;
        let (blob, _) = rest.split_first_chunk::<4>()?;
        let header = Self {
            sequence: u64::from_be_bytes(*sequence),
            head_length: u32::from_be_bytes(*head),
            blob_length: u32::from_be_bytes(*blob),
        };
        (*magic == MAGIC && header.head_length as usize <= HEAD_MAX).then_some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_encoded_decodes(sequence: u64, head_length in 0..=HEAD_MAX as u32, blob_length: u32) {
            let header = Header { sequence, head_length, blob_length };
            prop_assert_eq!(Header::decode(&header.encode()), Some(header));
        }

        #[test]
        fn nonsense_is_refused(bytes: [u8; LENGTH]) {
            let ours = bytes.starts_with(&MAGIC);
            prop_assert!(ours || Header::decode(&bytes).is_none());
        }
    }

    #[test]
    fn a_head_that_is_too_long_is_refused() {
        let header = Header { sequence: 1, head_length: HEAD_MAX as u32 + 1, blob_length: 0 };
        assert_eq!(Header::decode(&header.encode()), None);
    }
}
