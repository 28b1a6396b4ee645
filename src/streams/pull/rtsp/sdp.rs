//! What a source says that it brings (SDP, RFC 8866): the one track of video, and how it is packed. Pure.

use crate::streams::pull::trouble::Trouble;
use base64::{Engine, engine::general_purpose::STANDARD};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    H264,
    H265,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    pub codec: Codec,
    /// Of its packets.
    pub payload: u8,
    /// Where it is set up, from where it was described.
    pub control: String,
    /// Units that a decoder needs before all others.
    pub sets: Vec<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Media<'a> {
    payload: Option<u8>,
    encoding: &'a str,
    format: &'a str,
    control: &'a str,
}

pub fn track(text: &str) -> Result<Track, Trouble> {
    let mut videos: Vec<Media<'_>> = Vec::new();
    let mut within = false;
    for line in text.lines().map(str::trim) {
        if let Some(media) = line.strip_prefix("m=") {
            within = media.starts_with("video ");
            let mut words = media.split_ascii_whitespace().skip(2);
            if within && words.next() != Some("RTP/AVP") {
                return Err(Trouble::new(
                    "source.encrypted",
                    "its packets are encrypted, or packed in a way of their own",
                ));
            }
            if within {
                // Of seven bits.
                let payload = words.next().and_then(|n| n.parse().ok()).filter(|n| *n < 128);
                videos.push(Media { payload, ..Media::default() });
            }
        }
        let Some(media) = videos.last_mut().filter(|_| within) else { continue };
        match line.split_once(':') {
            Some(("a=rtpmap", text)) => media.encoding = said(text),
            Some(("a=fmtp", text)) => media.format = said(text),
            Some(("a=control", text)) => media.control = text.trim(),
            _ => {}
        }
    }
    match &videos[..] {
        [] => Err(Trouble::new("source.no_video", "there is no video in it")),
        [media] => media.track(),
        more => Err(Trouble::new(
            "source.tracks",
            format!("{} tracks of video, of which one is followed", more.len()),
        )),
    }
}

/// What is said of a payload, behind its number.
fn said(text: &str) -> &str {
    text.split_once(' ').map_or("", |(_, rest)| rest.trim())
}

impl Media<'_> {
    fn track(&self) -> Result<Track, Trouble> {
        let encoding = self.encoding.to_ascii_uppercase();
        let codec = match encoding.as_str() {
            "H264/90000" => Codec::H264,
            "H265/90000" => Codec::H265,
            _ => return Err(Trouble::new("source.format", format!("{encoding} is not followed over RTSP"))),
        };
        // Packets out of order, on purpose.
        let is_mixed = self.of("packetization-mode") == Some("2")
            || self.of("sprop-max-don-diff").is_some_and(|most| most != "0");
        if is_mixed {
            return Err(Trouble::new("source.format", "its units are interleaved, which is not followed"));
        }
        let names = match codec {
            Codec::H264 => &["sprop-parameter-sets"][..],
            Codec::H265 => &["sprop-vps", "sprop-sps", "sprop-pps"],
        };
        let sets = names.iter().filter_map(|name| self.of(name)).flat_map(|list| list.split(','));
        let sets =
            sets.filter_map(|set| STANDARD.decode(set.trim()).ok()).filter(|set| !set.is_empty()).collect();
        let payload = self.payload.ok_or_else(|| Trouble::nonsense("a track without a number"))?;
        if self.control.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(Trouble::nonsense("a track that is nowhere"));
        }
        Ok(Track { codec, payload, control: self.control.to_owned(), sets })
    }

    /// Of a format's parameters.
    fn of(&self, name: &str) -> Option<&str> {
        let mut all = self.format.split(';').filter_map(|pair| pair.split_once('='));
        all.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_video_among_what_else_there_is() {
        let text = "v=0\r\nc=IN IP4 127.0.0.1\r\na=control:*\r\nm=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=control:track1\r\n\
            m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
            a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z2QADA==,aOs=; profile-level-id=64000C\r\na=control:streamid=1\r\n";
        let read = track(text).unwrap();
        assert_eq!((read.codec, read.payload, read.control.as_str()), (Codec::H264, 96, "streamid=1"));
        assert_eq!(read.sets, [vec![0x67, 0x64, 0, 0x0c], vec![0x68, 0xeb]]);
        let other = "m=video 0 RTP/AVP 97\na=rtpmap:97 h265/90000\na=fmtp:97 sprop-vps=QAE=; sprop-sps=QgE=;sprop-pps=RAE=\n";
        let read = track(other).unwrap();
        assert_eq!((read.codec, read.sets.len(), read.control.as_str()), (Codec::H265, 3, ""));
    }

    #[test]
    fn what_cannot_be_followed_is_said() {
        let of = |text: &str| track(text).unwrap_err().code;
        let video = "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n";
        assert_eq!(of("v=0\nm=audio 0 RTP/AVP 8\n"), "source.no_video");
        assert_eq!(of(&video.repeat(2)), "source.tracks");
        assert_eq!(of("m=video 0 RTP/AVP 26\n"), "source.format");
        assert_eq!(of(&video.replace("H264", "VP9")), "source.format");
        assert_eq!(of(&format!("{video}a=fmtp:96 packetization-mode=2\n")), "source.format");
        assert_eq!(of(&video.replace("RTP/AVP", "RTP/SAVP")), "source.encrypted");
        assert_eq!(of(&format!("{video}a=control:a b\n")), "source.protocol");
        assert_eq!(of(&video.replace("AVP 96", "AVP x")), "source.protocol");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(m=video 0 RTP/AVP 96\n)?([am]=[a-z:0-9 /=;,-]{0,40}\n){0,10}") {
            let _ = track(&text);
        }
    }
}
