//! A source that is played over RTMP: what a player says, and its pictures as FLV. Sound is left out.

pub mod amf;
pub mod chunks;

use super::{
    line::{Dial, Line},
    piece::Out,
    trouble::Trouble,
};
use amf::Value;
use bytes::{Bytes, BytesMut};
use chunks::{Chunks, Message, chunked};
use std::time::Duration;
use url::Url;

/// Without TLS and with it.
const PORTS: (u16, u16) = (1935, 443);
const HANDSHAKE: usize = 1536;
/// Bytes that are read at a time.
const SIP: usize = 64 << 10;

/// Plays it until it is over.
pub async fn play(dial: &Dial, url: &Url, stall: Duration, out: &Out) -> Result<(), Trouble> {
    let (app, name) = names(url)?;
    let mut player = Player {
        line: dial.connect(url, PORTS, stall).await?,
        chunks: Chunks::default(),
        buffer: BytesMut::with_capacity(SIP),
        read: 0,
        acknowledged: 0,
        window: u32::MAX,
    };
    player.shake_hands().await?;
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    let place = format!("{}://{}{port}/{app}", url.scheme(), url.host_str().unwrap_or_default());
    let text = |text: &str| Value::Text(text.to_owned());
    let told = Value::Object(vec![
        ("app".into(), text(&app)),
        ("flashVer".into(), text("LNX 9,0,124,2")),
        ("tcUrl".into(), text(&place)),
        ("fpad".into(), Value::Flag(false)),
        ("capabilities".into(), Value::Number(15.0)),
        ("audioCodecs".into(), Value::Number(4071.0)),
        ("videoCodecs".into(), Value::Number(252.0)),
        ("videoFunction".into(), Value::Number(1.0)),
    ]);
    player.command(0, &[text("connect"), Value::Number(1.0), told]).await?;
    player.answer(1.0).await?;
    player.command(0, &[text("createStream"), Value::Number(2.0), Value::Null]).await?;
    let stream = player.answer(2.0).await?;
    let stream = stream.get(3).and_then(Value::number).unwrap_or(1.0) as u32;
    player
        .command(
            stream,
            &[text("play"), Value::Number(0.0), Value::Null, Value::Text(name), Value::Number(-2000.0)],
        )
        .await?;
    player.watch(out).await
}

/// The application, and the stream within it: what is behind the last slash, with its query.
fn names(url: &Url) -> Result<(String, String), Trouble> {
    let path = url.path().trim_start_matches('/');
    let (app, name) = path.rsplit_once('/').unwrap_or((path, ""));
    if app.is_empty() || name.is_empty() {
        return Err(Trouble::nonsense("the URL names no stream: rtmp://host/application/stream"));
    }
    let name = url.query().map_or_else(|| name.to_owned(), |query| format!("{name}?{query}"));
    Ok((app.to_owned(), name))
}

struct Player {
    line: Line,
    chunks: Chunks,
    buffer: BytesMut,
    /// Bytes so far, and those of them that the other end was told of.
    read: u64,
    acknowledged: u64,
    /// After so many bytes it wants to hear of them.
    window: u32,
}

impl Player {
    async fn shake_hands(&mut self) -> Result<(), Trouble> {
        let mut ours = [0; 1 + HANDSHAKE];
        ours[0] = 3;
        self.line.send(&ours).await?;
        while self.buffer.len() < 1 + 2 * HANDSHAKE {
            self.more().await?;
        }
        if self.buffer[0] != 3 {
            return Err(Trouble::nonsense("it does not speak RTMP"));
        }
        let theirs = self.buffer.split_to(1 + 2 * HANDSHAKE);
        self.line.send(&theirs[1..=HANDSHAKE]).await
    }

    async fn more(&mut self) -> Result<(), Trouble> {
        self.read += self.line.more(&mut self.buffer, SIP).await? as u64;
        if self.read - self.acknowledged >= u64::from(self.window) {
            self.acknowledged = self.read;
            // It counts in 32 bits, round and round.
            let told = (self.read as u32).to_be_bytes();
            self.line.send(&chunked(2, 3, 0, &told)).await?;
        }
        Ok(())
    }

    /// The next message that is not about the connection itself.
    async fn message(&mut self) -> Result<Message, Trouble> {
        loop {
            let Some(message) = self.chunks.next(&mut self.buffer)? else {
                self.more().await?;
                continue;
            };
            match (message.kind, &message.body[..]) {
                // A ping.
                (4, [0, 6, time @ ..]) => {
                    let answer = [&[0, 7], time].concat();
                    self.line.send(&chunked(2, 4, 0, &answer)).await?;
                }
                (5, [a, b, c, d, ..]) => self.window = u32::from_be_bytes([*a, *b, *c, *d]).max(1 << 16),
                _ => return Ok(message),
            }
        }
    }

    async fn command(&mut self, stream: u32, values: &[Value]) -> Result<(), Trouble> {
        self.line.send(&chunked(3, 20, stream, &amf::write(values))).await
    }

    /// The answer to a command of ours.
    async fn answer(&mut self, number: f64) -> Result<Vec<Value>, Trouble> {
        loop {
            let message = self.message().await?;
            let Some(values) = command(&message) else { continue };
            let of_ours = values.get(1).and_then(Value::number) == Some(number);
            match values.first().and_then(Value::text) {
                Some("_result") if of_ours => return Ok(values),
                Some("_error") if of_ours => return Err(refused(&values)),
                Some("close") => return Err(refused(&values)),
                _ => {}
            }
        }
    }

    async fn watch(mut self, out: &Out) -> Result<(), Trouble> {
        out.bytes(Bytes::from_static(b"FLV\x01\x01\0\0\0\x09\0\0\0\0")).await?;
        loop {
            let message = self.message().await?;
            match message.kind {
                9 if !message.body.is_empty() => out.bytes(tag(&message)).await?,
                // The stream is at its end.
                4 if message.body.starts_with(&[0, 1]) => return Ok(()),
                _ => {
                    let Some(values) = command(&message) else { continue };
                    if is_over(&values)? {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// The values of a command.
fn command(message: &Message) -> Option<Vec<Value>> {
    match message.kind {
        20 => Some(amf::read(&message.body)),
        // Of the other dialect, in which commands are the same behind a zero.
        17 => Some(amf::read(message.body.get(1..)?)),
        _ => None,
    }
}

fn is_over(values: &[Value]) -> Result<bool, Trouble> {
    match values.first().and_then(Value::text) {
        Some("FCUnpublish" | "deleteStream" | "closeStream") => return Ok(true),
        Some("_error" | "close") => return Err(refused(values)),
        Some("onStatus") => {}
        _ => return Ok(false),
    }
    let told = |name| values.iter().find_map(|value| value.member(name)?.text());
    match told("code") {
        Some("NetStream.Play.UnpublishNotify" | "NetStream.Play.Stop" | "NetStream.Play.Complete") => {
            Ok(true)
        }
        _ if told("level") == Some("error") => Err(refused(values)),
        _ => Ok(false),
    }
}

/// Says the server's code alone: its description is free text, which may repeat the name of the stream, a secret.
fn refused(values: &[Value]) -> Trouble {
    let code = values.iter().find_map(|value| value.member("code")?.text());
    let is_code = |code: &&str| {
        (1..=64).contains(&code.len())
            && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
    };
    Trouble::new("source.refused", code.filter(is_code).unwrap_or("it gives no reason"))
}

/// A message of video as FLV has it.
fn tag(message: &Message) -> Bytes {
    let length = message.body.len() as u32;
    let (size, at) = (length.to_be_bytes(), message.at.to_be_bytes());
    let head = [9, size[1], size[2], size[3], at[1], at[2], at[3], at[0], 0, 0, 0];
    let mut tag = BytesMut::with_capacity(message.body.len() + 15);
    tag.extend_from_slice(&head);
    tag.extend_from_slice(&message.body);
    tag.extend_from_slice(&(length + 11).to_be_bytes());
    tag.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_played() {
        let names = |url: &str| names(&Url::parse(url).unwrap()).ok();
        let pair = |app: &str, name: &str| Some((app.to_owned(), name.to_owned()));
        assert_eq!(names("rtmp://h/live/key"), pair("live", "key"));
        assert_eq!(names("rtmp://h:1936/a/b/key?token=1"), pair("a/b", "key?token=1"));
        assert_eq!((names("rtmp://h/live"), names("rtmp://h/live/"), names("rtmp://h")), (None, None, None));
    }

    #[test]
    fn ends_and_refusals() {
        let status = |level: &str, code: &str| {
            let text = |text: &str| Value::Text(text.to_owned());
            let told = Value::Object(vec![("level".into(), text(level)), ("code".into(), text(code))]);
            is_over(&[text("onStatus"), Value::Number(0.0), Value::Null, told])
        };
        assert_eq!(status("status", "NetStream.Play.Start"), Ok(false));
        assert_eq!(status("status", "NetStream.Play.UnpublishNotify"), Ok(true));
        assert_eq!(status("error", "NetStream.Play.StreamNotFound").unwrap_err().code, "source.refused");
        assert_eq!(is_over(&[Value::Text("onMetaData".into())]), Ok(false));
        assert_eq!(is_over(&[]), Ok(false));
    }

    #[test]
    fn a_refusal_never_repeats_the_key() {
        let why = |code: &str| {
            let text = |text: &str| Value::Text(text.to_owned());
            let told = Value::Object(vec![
                ("level".into(), text("error")),
                ("description".into(), text("no such stream: live/secret-key?token=1")),
                ("code".into(), text(code)),
            ]);
            is_over(&[text("onStatus"), Value::Number(0.0), Value::Null, told]).unwrap_err().detail
        };
        assert_eq!(why("NetStream.Play.StreamNotFound"), "NetStream.Play.StreamNotFound");
        for other in ["", "no such stream: secret-key", "secret-key", &"a".repeat(65)] {
            assert_eq!(why(other), "it gives no reason", "{other}");
        }
        let told = Value::Object(vec![("description".into(), Value::Text("secret-key".into()))]);
        assert_eq!(refused(&[told]).detail, "it gives no reason");
    }
}
