//! What a source says over RTMP: chunks to messages, and the values of commands.

use bytes::BytesMut;
use lazaret::streams::pull::rtmp::{
    amf::{self, Value},
    chunks::{Chunks, Message, chunked},
};

/// Messages, and whether all went well, of bytes that come so many at a time.
fn heard(data: &[u8], step: usize) -> (Vec<Message>, bool) {
    let (mut chunks, mut buffer, mut messages) = (Chunks::default(), BytesMut::new(), Vec::new());
    for piece in data.chunks(step) {
        buffer.extend_from_slice(piece);
        loop {
            match chunks.next(&mut buffer) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(_) => return (messages, false),
            }
        }
    }
    (messages, true)
}

pub fn run(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let whole = heard(rest, rest.len().max(1));
    assert_eq!(heard(rest, usize::from(*first) + 1), whole, "it is how bytes come that counts");
    let held: usize = whole.0.iter().map(|message| message.body.len()).sum();
    assert!(held <= rest.len(), "{held} bytes out of {}", rest.len());
    // What we send, others read as we do.
    let (sent, fine) = heard(&chunked(3, 20, 1, rest), 4096);
    assert!(fine && sent.len() == 1 && sent[0].body == rest, "{} messages", sent.len());
    for message in whole.0.iter().map(|message| &message.body[..]).chain([rest]) {
        let written = amf::write(&amf::read(message));
        assert_eq!(amf::write(&amf::read(&written)), written);
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let member = |name: &str, value| (name.to_owned(), value);
    let command = [
        Value::Text("onStatus".to_owned()),
        Value::Number(1.0),
        Value::Null,
        Value::Object(vec![
            member("code", Value::Text("NetStream.Play.Start".to_owned())),
            member("live", Value::Flag(true)),
            member("within", Value::Object(vec![member("n", Value::Number(-0.5))])),
        ]),
    ];
    let command = chunked(3, 20, 0, &amf::write(&command));
    let size = chunked(2, 1, 0, &4096_u32.to_be_bytes());
    let picture = chunked(6, 9, 1, &[7; 700]);
    // An array, a date, a long text, a map, and one that ends too early.
    let others = b"\x0a\0\0\0\x01\x05\x0b\0\0\0\0\0\0\0\0\0\0\x0c\0\0\0\x01a\x08\0\0\0\0\0\0\x09\x02\0\x09a";
    let dropped = [&picture[..40], &chunked(2, 2, 0, &6_u32.to_be_bytes())].concat();
    let all = [command.clone(), picture.clone(), size, picture].concat();
    let seeds = [all, command, dropped, chunked(3, 20, 0, others), others.to_vec()];
    seeds.into_iter().map(|seed| [&[6][..], &seed].concat()).collect()
}
