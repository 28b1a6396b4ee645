//! Files and archives, made here.

use flate2::{Compression, write::DeflateEncoder};
use std::{
    fs::File,
    io::{Seek, Write},
};

pub fn eicar() -> Vec<u8> {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD", "-ANTIVIRUS-TEST-FILE!$H+H*"].concat().into_bytes()
}

pub fn zeros(mebibytes: usize) -> Vec<u8> {
    vec![0; mebibytes << 20]
}

/// An open file with no name, its offset at its end.
pub fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    assert_eq!(file.stream_position().unwrap(), bytes.len() as u64);
    file
}

/// A deflated member, or an encrypted one (nobody knows its key).
pub enum Member {
    Plain(String, Vec<u8>),
    Encrypted(String),
}

pub fn plain(name: &str, bytes: impl Into<Vec<u8>>) -> Member {
    Member::Plain(name.to_owned(), bytes.into())
}

pub fn locked(name: &str) -> Member {
    Member::Encrypted(name.to_owned())
}

pub fn zip(members: &[Member]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let (name, flags, method, crc, size, data) = match member {
            Member::Plain(name, bytes) => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
                encoder.write_all(bytes).unwrap();
                let mut crc = flate2::Crc::new();
                crc.update(bytes);
                (name, 0_u16, 8_u16, crc.sum(), bytes.len(), encoder.finish().unwrap())
            }
            Member::Encrypted(name) => (name, 1, 0, 0x1234_5678, 100, vec![0xA5; 112]),
        };
        let mut common = Vec::new();
        for v in [20, flags, method, 0, 0x21] {
            common.extend(v.to_le_bytes());
        }
        for v in [crc, data.len() as u32, size as u32] {
            common.extend(v.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend((out.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(data);
    }
    let (count, at) = (members.len() as u16, out.len() as u32);
    out.extend(&directory);
    out.extend(b"PK\x05\x06\x00\x00\x00\x00");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

pub fn nested(depth: usize, inside: Vec<u8>) -> Vec<u8> {
    (0..depth).fold(inside, |inside, _| zip(&[plain("n.zip", inside)]))
}
