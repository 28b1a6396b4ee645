//! The bytes that canaries are made of, built in memory.

/// The EICAR test file, from two halves so that no copy of this source is taken for it.
pub(crate) fn eicar() -> Vec<u8> {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD", "-ANTIVIRUS-TEST-FILE!$H+H*"].concat().into_bytes()
}

/// A zip nested deeper than any clamd follows (its own cap is 100): 12 KB. A daemon that says `OK` to it has
/// `AlertExceedsMax` off, whatever its other limits are.
pub(crate) fn too_deep() -> Vec<u8> {
    (0..105).fold(b"at the bottom".to_vec(), |inside, _| {
        zip(Member {
            name: "n.zip",
            method: STORED,
            size: inside.len() as u32,
            crc: crc32(&inside),
            data: &inside,
        })
    })
}

/// A 2 MB zip whose one member unpacks to over 2 GiB of zeros, more than any clamd scans. 1.4.6 cuts such a member at
/// its `MaxFileSize` without a word, `AlertExceedsMax` or not; only where `MaxScanSize` is no larger does the cut
/// member reach a limit that it tells of.
pub(crate) fn too_large() -> Vec<u8> {
    let (data, size) = deflated_zeros((1 << 31) + 258);
    zip(Member { name: "zeros", method: DEFLATED, size, crc: 0, data: &data })
}

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

struct Member<'a> {
    name: &'a str,
    method: u16,
    size: u32,
    /// Not checked by clamd.
    crc: u32,
    data: &'a [u8],
}

/// A zip of one member, as APPNOTE.TXT 4.3 draws it.
fn zip(m: Member) -> Vec<u8> {
    let mut common = Vec::new(); // What local and central header share: from version needed to extra length.
    for v in [20_u16, 0, m.method, 0, 0x21] {
        common.extend(v.to_le_bytes());
    }
    for v in [m.crc, m.data.len() as u32, m.size] {
        common.extend(v.to_le_bytes());
    }
    common.extend((m.name.len() as u16).to_le_bytes());
    common.extend([0, 0]);

    let mut out = Vec::with_capacity(m.data.len() + 120);
    out.extend(b"PK\x03\x04");
    out.extend(&common);
    out.extend(m.name.as_bytes());
    out.extend(m.data);
    let directory = out.len() as u32;
    out.extend(b"PK\x01\x02\x14\x00");
    out.extend(&common);
    out.extend([0; 14]); // Comment length, disk, attributes, and the local header's offset, which is 0.
    out.extend(m.name.as_bytes());
    let directory_size = out.len() as u32 - directory;
    out.extend(b"PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00");
    out.extend(directory_size.to_le_bytes());
    out.extend(directory.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xEDB8_8320 } else { c >> 1 })
    })
}

/// One dynamic block (RFC 1951, 3.2.7) that says zero once, then "258 more of the same" in two zero bits as often as
/// needed: at least `least` zeros, and how many they are.
fn deflated_zeros(least: u32) -> (Vec<u8>, u32) {
    let mut bits = Bits::default();
    bits.put(1, 1); // The last block,
    bits.put(2, 2); // with codes of its own:
    bits.put(286 - 257, 5); // literals and lengths 0 to 285,
    bits.put(0, 5); // one distance,
    bits.put(18 - 4, 4); // and 18 lengths of code lengths, in the order 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1.
    for length in [0_u32, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2] {
        bits.put(length, 3);
    }
    // Codes of code lengths: 18 (a run of zeros) is `0`, 1 is `10`, 2 is `11`; the first bit comes first.
    let run = |bits: &mut Bits, zeros: u32| {
        bits.put(0, 1);
        bits.put(zeros - 11, 7);
    };
    bits.put(0b11, 2); // literal 0 has 2 bits: `10`
    run(&mut bits, 138);
    run(&mut bits, 117);
    bits.put(0b11, 2); // 256, the end, has 2 bits: `11`
    run(&mut bits, 28);
    bits.put(0b01, 2); // 285, length 258, has 1 bit: `0`
    bits.put(0b01, 2); // distance 1 has 1 bit: `0`
    bits.put(0b01, 2); // literal 0
    let runs = least.div_ceil(258);
    for _ in 0..runs {
        bits.put(0, 2);
    }
    bits.put(0b11, 2); // the end
    bits.put(0, 7);
    (bits.bytes, 1 + runs * 258)
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    /// The lowest bit first; bits that fill no byte yet are held back.
    fn put(&mut self, value: u32, width: u32) {
        self.held |= value << self.count;
        self.count += width;
        while self.count >= 8 {
            self.bytes.push(self.held.to_le_bytes()[0]);
            self.held >>= 8;
            self.count -= 8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_have_the_shape_they_claim() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(eicar().len(), 68);
        assert!(too_deep().len() < 16 * 1024);
        let large = too_large();
        assert!(large.len() < 3 << 20, "{}", large.len());
    }
}
