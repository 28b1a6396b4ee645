//! What a source says over RTSP: its messages, the track that it describes, how it wants a name and password to be proved,
//! and packets to pictures to a transport stream.

use bytes::BytesMut;
use lazaret::streams::pull::rtsp::{
    auth::Challenge,
    message::{self, Incoming},
    rtp::{Picture, Unpacker, is_goodbye},
    sdp::{self, Codec, Track},
    ts::Packer,
};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Messages,
    Description,
    Challenge,
    Packets(Codec),
}

const PARTS: [Part; 5] = [
    Part::Messages,
    Part::Description,
    Part::Challenge,
    Part::Packets(Codec::H264),
    Part::Packets(Codec::H265),
];
/// Of a transport stream, in bytes.
const PACKET: usize = 188;
const PAYLOAD: u8 = 96;

/// Messages, and whether all went well, of bytes that come so many at a time.
fn heard(data: &[u8], step: usize) -> (Vec<Incoming>, bool) {
    let (mut buffer, mut messages) = (BytesMut::new(), Vec::new());
    for piece in data.chunks(step) {
        buffer.extend_from_slice(piece);
        loop {
            match message::next(&mut buffer) {
                Ok(Some(incoming)) => messages.push(incoming),
                Ok(None) => break,
                Err(trouble) => {
                    assert!(crate::is_for_people(&trouble.to_string()), "{trouble}");
                    return (messages, false);
                }
            }
        }
    }
    (messages, true)
}

fn messages(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let whole = heard(rest, rest.len().max(1));
    assert_eq!(heard(rest, usize::from(*first) + 1), whole, "it is how bytes come that counts");
    let held = whole.0.iter().map(|incoming| match incoming {
        Incoming::Packet(_, bytes) => bytes.len(),
        Incoming::Answer(answer) => answer.body.len(),
        Incoming::Request => 0,
    });
    let held: usize = held.sum();
    assert!(held <= rest.len(), "{held} bytes out of {}", rest.len());
}

fn description(text: &str) {
    match sdp::track(text) {
        Ok(track) => {
            let held: usize = track.sets.iter().map(Vec::len).sum();
            assert!(track.payload < 128 && held <= text.len(), "{track:?}");
            // It goes into the line of a request.
            assert!(!track.control.contains(char::is_control), "{track:?}");
        }
        Err(trouble) => assert!(crate::is_for_people(&trouble.to_string()), "{trouble}"),
    }
}

fn challenge(text: &str) {
    let headers = text.lines().map(|line| format!("WWW-Authenticate: {line}\r\n"));
    let said = format!("RTSP/1.0 401 Unauthorized\r\n{}\r\n", headers.collect::<String>());
    let Ok(Some(Incoming::Answer(answer))) = message::next(&mut BytesMut::from(said.as_bytes())) else {
        return;
    };
    match Challenge::read(answer.headers("WWW-Authenticate")) {
        // What is answered goes into the header of a request.
        Ok(Challenge::Digest { realm, nonce, opaque, .. }) => {
            let said = [realm, nonce, opaque.unwrap_or_default()].concat();
            assert!(!said.contains(|byte: char| byte.is_control() && byte != '\t'), "{said:?}");
        }
        Ok(Challenge::Basic) => {}
        Err(trouble) => assert!(crate::is_for_people(&trouble.to_string()), "{trouble}"),
    }
}

/// Packets stand behind their lengths of two bytes.
fn packets(codec: Codec, mut data: &[u8]) {
    let track = Track { codec, payload: PAYLOAD, control: String::new(), sets: Vec::new() };
    let (mut unpacker, mut packer) = (Unpacker::new(&track), Packer::new(codec));
    let (mut came, mut gone) = (0, 0);
    while let Some((length, rest)) = data.split_first_chunk() {
        let (packet, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len()));
        data = rest;
        came += packet.len();
        is_goodbye(packet);
        let Ok(pictures) = unpacker.packet(packet) else { break };
        for picture in pictures.into_iter().flatten() {
            assert!(picture.bytes.starts_with(&[0, 0, 0, 1]), "{picture:?}");
            gone += picture.bytes.len();
            packed(&mut packer, &picture);
        }
    }
    // Of four bytes before each unit, at least two came.
    assert!(gone <= 3 * came, "{gone} bytes out of {came}");
}

fn packed(packer: &mut Packer, picture: &Picture) {
    let out = packer.picture(picture);
    assert!(out.len().is_multiple_of(PACKET) && out.len() > picture.bytes.len(), "{} bytes", out.len());
    assert!(out.chunks(PACKET).all(|packet| packet[0] == 0x47));
}

pub fn run(data: &[u8]) {
    let Some((part, data)) = crate::choose(&PARTS, data) else { return };
    match part {
        Part::Messages => messages(data),
        Part::Description => description(&String::from_utf8_lossy(data)),
        Part::Challenge => challenge(&String::from_utf8_lossy(data)),
        Part::Packets(codec) => packets(*codec, data),
    }
}

/// A packet, behind its length.
fn packet(sequence: u16, stamp: u32, is_last: bool, body: &[u8]) -> Vec<u8> {
    let head = [0x80, PAYLOAD | if is_last { 0x80 } else { 0 }];
    let packet = [&head[..], &sequence.to_be_bytes(), &stamp.to_be_bytes(), &[0; 4], body].concat();
    let length = u16::try_from(packet.len()).unwrap_or_default();
    [&length.to_be_bytes()[..], &packet].concat()
}

pub fn seeds() -> Vec<Vec<u8>> {
    let said = b"\x06RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nv=0$\x02\0\x02abOPTIONS * RTSP/1.0\r\n\r\n\r\n\
        RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\"\r\n\r\n";
    let described = "v=0\r\nm=audio 0 RTP/AVP 97\r\na=control:trackID=0\r\nm=video 0 RTP/AVP 96\r\n\
        a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAHg==,aM4G4g==\r\n\
        a=control:trackID=1\r\n";
    let h265 =
        described.replace("H264", "H265").replace("sprop-parameter-sets=", "sprop-vps=QAE=;sprop-sps=");
    let wanted = "Digest realm=\"a, b\", nonce=\"n=1\", algorithm=SHA-256, qop=\"auth\", opaque=\"o\"\nBasic realm=\"a\"";
    let h264_packets = [
        packet(65_535, u32::MAX - 10, false, &[24, 0, 2, 0x67, 1, 0, 2, 0x68, 2]),
        packet(0, u32::MAX - 10, false, &[0x7c, 0x85, 3, 4]),
        packet(1, u32::MAX - 10, true, &[0x7c, 0x45, 6]),
        packet(4, 5989, true, &[0x41, 8]),
        b"\0\x08\x80\xcb\0\x01\0\0\0\0".to_vec(),
    ];
    let h265_packets = [
        packet(1, 0, false, &[0x60, 1, 0, 3, 0x40, 1, 7]),
        packet(2, 0, false, &[0x62, 1, 0x93, 3, 4]),
        packet(3, 0, true, &[0x62, 1, 0x53, 5]),
        packet(4, 3000, true, &[0x02, 1, 8]),
    ];
    let seeds = [
        (Part::Messages, said.to_vec()),
        (Part::Description, described.into()),
        (Part::Description, h265.into()),
        (Part::Challenge, wanted.into()),
        (Part::Packets(Codec::H264), h264_packets.concat()),
        (Part::Packets(Codec::H265), h265_packets.concat()),
    ];
    seeds.iter().filter_map(|(part, bytes)| crate::chosen(&PARTS, part, bytes)).collect()
}
