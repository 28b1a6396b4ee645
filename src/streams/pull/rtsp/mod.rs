//! A source that is played over RTSP: what a player says, and its pictures as a transport stream. All packets come on the
//! connection itself, so no other address is ever spoken to. Sound is left out.

pub mod auth;
pub mod message;
pub mod rtp;
pub mod sdp;
pub mod ts;

use super::{
    line::{Dial, Line},
    piece::Out,
    trouble::Trouble,
};
use crate::ports::{Random, random::SystemRandom};
use auth::{Account, Challenge};
use bytes::{Bytes, BytesMut};
use message::{Answer, Incoming};
use rtp::{Picture, Unpacker};
use sdp::Track;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use ts::Packer;
use url::Url;

/// Without TLS and with it.
const PORTS: (u16, u16) = (554, 322);
/// Bytes that are read at a time.
const SIP: usize = 64 << 10;
/// How long a server waits to hear from its player, where it does not say.
const PATIENT: u64 = 60;
/// Pictures that are left out until one comes at which decoding may begin. Some sources have none: they refresh bit by bit.
const LEAD: u32 = 250;

/// Plays it until it is over.
pub async fn play(dial: &Dial, url: &Url, stall: Duration, out: &Out) -> Result<(), Trouble> {
    let account = Account::of(url);
    let mut to = url.clone();
    // Of a URL with a host these cannot fail.
    let _bare = (to.set_username(""), to.set_password(None));
    let mut player = Player {
        line: dial.connect(url, PORTS, stall).await?,
        buffer: BytesMut::with_capacity(SIP),
        account,
        challenge: None,
        number: 0,
        session: None,
    };
    let told = player.ask("DESCRIBE", to.as_str(), &[("Accept", "application/sdp")]).await?;
    let text = String::from_utf8_lossy(&told.body).into_owned();
    let track = sdp::track(&text)?;
    let base = told.header("content-base").or(told.header("content-location"));
    let base = base.filter(|base| base.starts_with("rtsp") && !base.contains(char::is_whitespace));
    let base = base.unwrap_or(to.as_str()).to_owned();
    let at = control(&base, &track.control);
    let wish = ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1");
    let set = player.ask("SETUP", &at, &[wish]).await?;
    let channels = channels(set.header("transport").unwrap_or_default())?;
    let session = set.header("session").ok_or_else(|| Trouble::nonsense("it names no session"))?;
    let (id, rest) = session.split_once(';').unwrap_or((session, ""));
    let patience = rest.trim().strip_prefix("timeout=").and_then(|n| n.parse().ok()).unwrap_or(PATIENT);
    player.session = Some(id.trim().to_owned());
    player.ask("PLAY", &base, &[("Range", "npt=0.000-")]).await?;
    player.watch(&track, channels, (&base, Duration::from_secs(patience.clamp(4, 600) / 2)), out).await
}

/// Where a track is, from where the source was described: put behind it, as everybody does, not in the place of its end.
fn control(base: &str, control: &str) -> String {
    match control {
        "" | "*" => base.to_owned(),
        whole if whole.starts_with("rtsp://") || whole.starts_with("rtsps://") => whole.to_owned(),
        part if base.ends_with('/') => format!("{base}{part}"),
        part => format!("{base}/{part}"),
    }
}

/// On which packets come, and what is said of them.
fn channels(transport: &str) -> Result<(u8, u8), Trouble> {
    let within = transport.split(';').find_map(|part| part.trim().strip_prefix("interleaved="));
    let within = within
        .ok_or_else(|| Trouble::nonsense("it would send packets another way than on this connection"))?;
    let (first, second) = within.split_once('-').unwrap_or((within, within));
    let read = |text: &str| text.trim().parse().map_err(|_| Trouble::nonsense("channels that are none"));
    Ok((read(first)?, read(second)?))
}

struct Player {
    line: Line,
    buffer: BytesMut,
    account: Option<Account>,
    challenge: Option<Challenge>,
    number: u32,
    session: Option<String>,
}

impl Player {
    /// The answer that says yes; the second one, where the first asked who this is.
    async fn ask(&mut self, method: &str, to: &str, headers: &[(&str, &str)]) -> Result<Answer, Trouble> {
        for is_first in [true, false] {
            self.send(method, to, headers).await?;
            let stall = self.line.stall;
            // However little comes at a time.
            let answer = timeout(stall, self.answer()).await;
            let answer = answer.map_err(|_| Trouble::stalled(stall.as_secs()))??;
            match (answer.status, &self.account) {
                (200..=299, _) => return Ok(answer),
                (401, Some(_)) if is_first => {
                    self.challenge = Some(Challenge::read(answer.headers("www-authenticate"))?);
                }
                (401, Some(_)) => {
                    return Err(Trouble::new("source.refused", "name and password are refused"));
                }
                (401, None) => return Err(Trouble::new("source.refused", "it wants a name and a password")),
                (status, _) => {
                    return Err(Trouble::new("source.refused", format!("it answered {status} to {method}")));
                }
            }
        }
        Err(Trouble::nonsense("it asks who this is again and again"))
    }

    async fn send(&mut self, method: &str, to: &str, headers: &[(&str, &str)]) -> Result<(), Trouble> {
        self.number += 1;
        let mut all = vec![("CSeq", self.number.to_string()), ("User-Agent", "lazaret".to_owned())];
        all.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        all.extend(self.session.clone().map(|session| ("Session", session)));
        if let (Some(challenge), Some(account)) = (&self.challenge, &self.account) {
            let mut own = [0; 8];
            SystemRandom.fill(&mut own).map_err(|e| Trouble::new("source.child", e.to_string()))?;
            all.push(("Authorization", challenge.answer(account, method, to, &crate::hex(&own))));
        }
        self.line.send(&message::request(method, to, &all)).await
    }

    async fn incoming(&mut self) -> Result<Incoming, Trouble> {
        loop {
            if let Some(incoming) = message::next(&mut self.buffer)? {
                return Ok(incoming);
            }
            self.line.more(&mut self.buffer, SIP).await?;
        }
    }

    /// The answer to what was asked last. Packets that come before it are of a time that nobody saw anyway.
    async fn answer(&mut self) -> Result<Answer, Trouble> {
        loop {
            if let Incoming::Answer(answer) = self.incoming().await?
                && answer.header("cseq").is_none_or(|number| number.parse() == Ok(self.number))
            {
                return Ok(answer);
            }
        }
    }

    /// `alive` is what to ask about, and how often, so that the server knows that somebody is there.
    async fn watch(
        mut self,
        track: &Track,
        channels: (u8, u8),
        alive: (&str, Duration),
        out: &Out,
    ) -> Result<(), Trouble> {
        let mut shown = Shown { packer: Packer::new(track.codec), lead: 0, sets: Some(sets(track)) };
        let (mut unpacker, mut told) = (Unpacker::new(track), Instant::now());
        loop {
            match self.incoming().await? {
                Incoming::Packet(channel, packet) if channel == channels.0 => {
                    for picture in unpacker.packet(&packet)?.into_iter().flatten() {
                        if let Some(bytes) = shown.picture(picture) {
                            out.bytes(bytes).await?;
                        }
                    }
                }
                Incoming::Packet(channel, packet) if channel == channels.1 && rtp::is_goodbye(&packet) => {
                    return Ok(());
                }
                Incoming::Packet(..) | Incoming::Answer(_) | Incoming::Request => {}
            }
            if told.elapsed() > alive.1 {
                told = Instant::now();
                self.send("GET_PARAMETER", alive.0, &[]).await?;
            }
        }
    }
}

/// Units that were told beforehand, as they stand in a stream.
fn sets(track: &Track) -> Bytes {
    track.sets.iter().flat_map(|set| [&[0, 0, 0, 1][..], set].concat()).collect()
}

struct Shown {
    packer: Packer,
    /// Pictures that were left out.
    lead: u32,
    /// Until the first picture is sent.
    sets: Option<Bytes>,
}

impl Shown {
    fn picture(&mut self, mut picture: Picture) -> Option<Bytes> {
        if self.sets.is_some() && !picture.is_key && self.lead < LEAD {
            self.lead += 1;
            return None;
        }
        if let Some(sets) = self.sets.take() {
            picture.bytes = [sets, picture.bytes].concat().into();
        }
        Some(self.packer.picture(&picture))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_tracks_are() {
        assert_eq!(control("rtsp://h/cam?a=b", "trackID=1"), "rtsp://h/cam?a=b/trackID=1");
        assert_eq!(control("rtsp://h/cam/", "trackID=1"), "rtsp://h/cam/trackID=1");
        assert_eq!(control("rtsp://h/cam", "rtsp://other/x"), "rtsp://other/x");
        assert_eq!(
            (control("rtsp://h/cam", "*"), control("rtsp://h/cam", "")),
            ("rtsp://h/cam".into(), "rtsp://h/cam".into())
        );
    }

    #[test]
    fn only_channels_of_this_connection_will_do() {
        assert_eq!(channels("RTP/AVP/TCP;unicast;interleaved=2-3;ssrc=1"), Ok((2, 3)));
        assert_eq!(channels("RTP/AVP/TCP;interleaved=4"), Ok((4, 4)));
        for wrong in ["", "RTP/AVP;unicast;client_port=5000-5001", "RTP/AVP/TCP;interleaved=300-301"] {
            assert_eq!(channels(wrong).unwrap_err().code, "source.protocol", "{wrong}");
        }
    }
}
