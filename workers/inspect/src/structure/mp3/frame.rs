//! One frame of MPEG audio.

/// How much of the first frame [`Frame::announced`] wants to see.
pub(super) const HEAD: usize = 64;

#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Version, layer and sampling rate, which do not change within a file.
    pub kind: u32,
    /// In bytes, header and all.
    pub length: u64,
    /// Where a Xing header stands, counted from the frame's first byte.
    info: usize,
}

/// Kilobits a second, by the index of ISO/IEC 11172-3 section 2.4.2.3 and 13818-3 section 2.4.2.3.
const RATES: [[u64; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

impl Frame {
    /// The frame that begins with `bytes`, of which four are needed.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, &'static str> {
        let Some(head) = bytes.first_chunk::<4>() else { return Ok(None) };
        let head = u32::from_be_bytes(*head);
        let (version, layer) = (head >> 19 & 3, head >> 17 & 3);
        let (rate, sampling) = ((head >> 12 & 15) as usize, (head >> 10 & 3) as usize);
        if head >> 21 != 0x7ff || version == 1 || layer == 0 || rate == 15 || sampling == 3 {
            return Ok(None);
        }
        if rate == 0 {
            return Err("mpeg audio of a free bit rate");
        }
        let first_version = version == 3;
        let table = match (first_version, layer) {
            (true, 3) => 0,
            (true, 2) => 1,
            (true, _) => 2,
            (false, 3) => 3,
            (false, _) => 4,
        };
        let halved = match version {
            3 => 1,
            2 => 2,
            _ => 4,
        };
        let hertz = [44_100, 48_000, 32_000][sampling] / halved;
        let (bits, padding) = (RATES[table][rate] * 1000, u64::from(head >> 9 & 1));
        let length = match (layer, first_version) {
            (3, _) => (12 * bits / hertz + padding) * 4,
            (1, false) => 72 * bits / hertz + padding,
            _ => 144 * bits / hertz + padding,
        };
        let mono = head >> 6 & 3 == 3;
        let side = match (first_version, mono) {
            (true, false) => 32,
            (true, true) | (false, false) => 17,
            (false, true) => 9,
        };
        Ok(Some(Self { kind: head & 0xfffe_0c00, length, info: 4 + side }))
    }

    /// How many frames are to follow this first one, as its Xing, Info or VBRI header says.
    pub(super) fn announced(&self, bytes: &[u8]) -> Option<u64> {
        let number = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk::<4>()?));
        let named = |at: usize, names: &[&[u8; 4]]| {
            bytes.get(at..at + 4).is_some_and(|name| names.iter().any(|n| *n == name))
        };
        if named(self.info, &[b"Xing", b"Info"]) {
            let has_frames = number(self.info + 4)? & 1 == 1;
            return if has_frames { number(self.info + 8).map(u64::from) } else { None };
        }
        if named(36, &[b"VBRI"]) { number(36 + 14).map(u64::from) } else { None }
    }
}
