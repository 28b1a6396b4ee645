//! Packets of films, of which copies keep pictures and nothing else, and the packets of a transport stream.

use lazaret_video::fuzzing::{Id, kept, sieved};
use std::io::{Cursor, Read};

const CODECS: [Id; 11] = [
    Id::H264,
    Id::HEVC,
    Id::MPEG1VIDEO,
    Id::MPEG4,
    Id::MJPEG,
    Id::AV1,
    Id::VP9,
    Id::AAC,
    Id::OPUS,
    Id::VORBIS,
    Id::FLAC,
];
/// Of a transport stream, in bytes.
const PACKET: usize = 188;

/// A codec, the length of a head, the head, a packet. Or, for a codec that is none, a transport stream.
pub fn run(data: &[u8]) {
    let [codec, length, rest @ ..] = data else { return };
    let Some(id) = CODECS.get(usize::from(*codec)) else { return transport(rest, usize::from(*length) + 1) };
    let (head, packet) = rest.split_at(usize::from(*length).min(rest.len()));
    let Ok((kept_head, kept_packet)) = kept(*id, head, packet) else { return };
    assert!(kept_head.len() <= head.len() && kept_packet.len() <= packet.len(), "more than there was");
    // Nothing is left that would go, or it was read otherwise the first time.
    let again = kept(*id, &kept_head, &kept_packet);
    assert_eq!(again, Ok((kept_head, kept_packet)), "{id:?}: {head:x?} {packet:x?}");
}

fn transport(stream: &[u8], step: usize) {
    let whole = sieved(stream).ok();
    let pieces = stream.chunks(step).map(Cursor::new);
    let pieces =
        pieces.fold(Box::new(std::io::empty()) as Box<dyn Read>, |all, piece| Box::new(all.chain(piece)));
    // A stack of readers as high as the stream is long.
    if stream.len() / step < 200 {
        assert_eq!(sieved(pieces).ok(), whole, "it is how bytes come that counts");
    }
    let whole = whole.unwrap_or_default();
    assert!(whole.len().is_multiple_of(PACKET) && whole.len() <= stream.len());
    assert!(whole.chunks(PACKET).all(|packet| packet[0] == 0x47));
}

pub fn seeds() -> Vec<Vec<u8>> {
    let unit = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
    let avc = [
        &[1, 100, 0, 31, 0xff, 0xe1, 0, 3][..],
        &[0x67, 100, 0],
        &[1, 0, 2, 0x68, 0xee],
        &[0xfd, 0xf8, 0xf8, 0],
    ];
    let mut hevc = [0; 23];
    (hevc[0], hevc[21], hevc[22]) = (1, 3, 2);
    let hevc = [&hevc[..], &[0xa0, 0, 1, 0, 2, 0x40, 1], &[39, 0, 1, 0, 3, 0x4e, 1, 5]].concat();
    let h264 =
        [unit(&[6, 1, 2, 0xaa, 0xbb, 0x80]), unit(&[6, 5, 2, 8, 8, 0x80]), unit(&[0x65, 1, 2, 3])].concat();
    let h265 = [unit(&[0x4e, 1, 5, 2, 8, 8, 0x80]), unit(&[0x26, 1, 2, 3])].concat();
    let codes = [&[0, 0, 0, 1, 9, 16][..], &[0, 0, 1, 6, 5, 2, 8, 8, 0x80], &[0, 0, 1, 0x65, 1]].concat();
    let xvid = [&[0, 0, 1, 0xb0, 1][..], b"\0\0\x01\xb2XviD0050", &[0, 0, 1, 0xb6, 9]].concat();
    let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xdb\0\x03\0\xff\xda\0\x02\x01\xff\0\xff\xd9behind".to_vec();
    let av1 = b"\x12\0\x0a\x02ab\x2a\x03\x04cd\x32\x02ef".to_vec();
    let ts = |pid: u16| {
        let [high, low] = pid.to_be_bytes();
        [&[0x47, 0x40 | high, low, 0x10][..], &[7; PACKET - 4]].concat()
    };
    let stream = [ts(0), ts(0x11), b"noise".to_vec(), ts(0x100), ts(0x11)].concat();
    let seed =
        |codec: u8, head: &[u8], packet: &[u8]| [&[codec, head.len() as u8][..], head, packet].concat();
    vec![
        seed(0, &avc.concat(), &h264),
        seed(0, &[], &codes),
        seed(1, &hevc, &h265),
        seed(2, &[], &codes),
        seed(3, &xvid, &xvid),
        seed(4, &[], &jpeg),
        seed(5, b"\x81\0\0\0\x0a\x02ab", &av1),
        seed(7, &[0x12, 0x10, 0x56, 0xe5, 0], b"sound"),
        seed(8, b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0", b"sound"),
        seed(10, &[7; 34], b"sound"),
        [&[99, 90][..], &stream].concat(),
        [&[99, 3][..], &stream].concat(),
    ]
}
