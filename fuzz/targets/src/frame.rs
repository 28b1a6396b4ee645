//! Frames of live streams as their publishers send them.

use lazaret::streams::frame::{Frame, HEADER, RAW};
use lazaret_fixtures::picture;

pub fn run(data: &[u8]) {
    let Ok(frame) = Frame::read(data.to_vec().into()) else { return };
    assert!(!frame.bytes.is_empty() && frame.bytes.len() <= data.len());
    assert!(data.ends_with(&frame.bytes), "the picture is the rest of the frame");
    assert_eq!(frame.sequence.is_some(), data.starts_with(b"LZF1"));
    if frame.media_type == RAW {
        let side =
            |at: usize| u64::from(u32::from_be_bytes(frame.bytes[at..at + 4].try_into().unwrap_or_default()));
        assert_eq!(side(0) * side(4) * 3, frame.bytes.len() as u64 - 8);
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let head = |kind: u8, width: u32, height: u32| {
        let mut head = b"LZF1".to_vec();
        head.extend([kind, 0, 0, 0]);
        head.extend(7_u64.to_be_bytes());
        head.extend(1_700_000_000_000_u64.to_be_bytes());
        head.extend(width.to_be_bytes());
        head.extend(height.to_be_bytes());
        assert_eq!(head.len(), HEADER);
        head
    };
    let jpeg = picture::jpeg(&picture::landscape(16, 16, 1), 80);
    vec![
        jpeg.clone(),
        [head(0, 0, 0), jpeg].concat(),
        [head(1, 2, 2), vec![9; 12]].concat(),
        [head(1, u32::MAX, u32::MAX), vec![9; 12]].concat(),
        b"\x89PNG\r\n\x1a\n and more".to_vec(),
        b"RIFF\0\0\0\0WEBPVP8 ".to_vec(),
    ]
}
