//! RTSP's messages (RFC 2326), as much of them as takes part in playing a source, and the packets between them. Pure.

use crate::streams::pull::trouble::Trouble;
use bytes::{Buf, Bytes, BytesMut};

/// Of what stands before a message's body, and of the body, in bytes.
const HEAD: usize = 16 << 10;
const BODY: usize = 64 << 10;

#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// What came on one of the channels.
    Packet(u8, Bytes),
    Answer(Answer),
    /// Something that the other end asks for, and that nobody here does.
    Request,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl Answer {
    /// All headers of that name.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let of = self.headers.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name));
        of.map(|(_, value)| value.as_str())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Takes the next one out of `bytes`, if it is whole.
pub fn next(bytes: &mut BytesMut) -> Result<Option<Incoming>, Trouble> {
    while bytes.starts_with(b"\r\n") {
        bytes.advance(2);
    }
    match bytes.first() {
        None => return Ok(None),
        Some(b'$') => return Ok(packet(bytes)),
        Some(byte) if !byte.is_ascii_uppercase() && *byte != b'\r' => {
            return Err(Trouble::nonsense("it does not speak RTSP"));
        }
        Some(_) => {}
    }
    let Some(end) = memchr::memmem::find(&bytes[..bytes.len().min(HEAD)], b"\r\n\r\n") else {
        return match bytes.len() {
            0..HEAD => Ok(None),
            _ => Err(Trouble::nonsense(format!("headers of more than {HEAD} bytes"))),
        };
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    // What servers say is said back to them, in headers and lines of requests.
    if head.split("\r\n").any(|line| line.contains(|byte: char| byte.is_control() && byte != '\t')) {
        return Err(Trouble::nonsense("headers that hold control characters"));
    }
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .collect();
    let answer = |status, body| Answer { status, headers, body };
    let status = first.strip_prefix("RTSP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
    if status.is_none() && !first.ends_with(" RTSP/1.0") {
        return Err(Trouble::nonsense("it does not speak RTSP"));
    }
    let told = answer(status.unwrap_or(0), Bytes::new());
    let length = told.header("content-length").map_or(Ok(0), str::parse::<usize>);
    let length = length.ok().filter(|length| *length <= BODY);
    let length = length.ok_or_else(|| Trouble::nonsense(format!("a message of more than {BODY} bytes")))?;
    if bytes.len() < end + 4 + length {
        return Ok(None);
    }
    bytes.advance(end + 4);
    let body = bytes.split_to(length).freeze();
    Ok(Some(match status {
        Some(_) => Incoming::Answer(Answer { body, ..told }),
        None => Incoming::Request,
    }))
}

/// A dollar, a channel and a length stand before each (10.12).
fn packet(bytes: &mut BytesMut) -> Option<Incoming> {
    let [_, channel, high, low] = *bytes.first_chunk()?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if bytes.len() < 4 + length {
        return None;
    }
    bytes.advance(4);
    Some(Incoming::Packet(channel, bytes.split_to(length).freeze()))
}

/// A request; headers hold no line breaks.
pub fn request(method: &str, to: &str, headers: &[(&str, String)]) -> Vec<u8> {
    let mut text = format!("{method} {to} RTSP/1.0\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8]) -> Result<Vec<Incoming>, Trouble> {
        let (mut bytes, mut all) = (BytesMut::from(bytes), Vec::new());
        while let Some(incoming) = next(&mut bytes)? {
            all.push(incoming);
        }
        Ok(all)
    }

    #[test]
    fn answers_packets_and_requests_one_after_another() {
        let bytes = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nv=0$\x02\0\x02abOPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n\
            \r\nRTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\"\r\nwww-authenticate: Digest nonce=\"b\"\r\n\r\n";
        let read = all(bytes).unwrap();
        let Incoming::Answer(first) = &read[0] else { panic!("{read:?}") };
        assert_eq!((first.status, first.header("cseq"), &first.body[..]), (200, Some("1"), &b"v=0"[..]));
        assert_eq!(read[1..3], [Incoming::Packet(2, Bytes::from_static(b"ab")), Incoming::Request]);
        let Incoming::Answer(last) = &read[3] else { panic!("{read:?}") };
        assert_eq!((last.status, last.headers("WWW-Authenticate").count()), (401, 2));
        // In the smallest steps.
        let (mut buffer, mut count) = (BytesMut::new(), 0);
        for byte in bytes {
            buffer.extend_from_slice(&[*byte]);
            count += usize::from(next(&mut buffer).unwrap().is_some());
        }
        assert_eq!((count, buffer.len()), (4, 0));
    }

    #[test]
    fn what_is_something_else_or_never_ends_is_said() {
        let endless = [&b"RTSP/1.0 200 OK\r\n"[..], &b"X: y\r\n".repeat(HEAD / 6)].concat();
        for wrong in [
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            b"\x03\0\0",
            b"220 mail.example ESMTP\r\n",
            b"RTSP/1.0 200 OK\r\nContent-Length: 65537\r\n\r\n",
            b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"RTSP/1.0 OK\r\n\r\n",
            b"RTSP/1.0 200 OK\r\nSession: 1\nX: 2\r\n\r\n",
            b"RTSP/1.0 401 No\r\nWWW-Authenticate: Digest nonce=\"a\rb\"\r\n\r\n",
            &endless,
        ] {
            assert_eq!(all(wrong).unwrap_err().code, "source.protocol", "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), head in "(RTSP/1.0 200 OK\r\n|[$]..)?") {
            let _ = all(&[head.as_bytes(), &bytes].concat());
        }
    }
}
