//! What a source brings: bytes, packed in one of a few ways, which a child unpacks.

use super::trouble::Trouble;
use bytes::Bytes;
use tokio::sync::mpsc;

/// Pieces that wait to be taken; a source that brings more waits.
const WAITING: usize = 16;
/// Largest piece.
const PIECE: usize = 64 << 10;

#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    Bytes(Bytes),
    /// What follows has nothing to do with what came before.
    Cut,
}

#[derive(Debug, Clone)]
pub struct Out(mpsc::Sender<Piece>);

pub fn channel() -> (Out, mpsc::Receiver<Piece>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Out(sender), receiver)
}

impl Out {
    pub async fn bytes(&self, mut bytes: Bytes) -> Result<(), Trouble> {
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE));
            self.send(Piece::Bytes(piece)).await?;
        }
        Ok(())
    }

    pub async fn cut(&self) -> Result<(), Trouble> {
        self.send(Piece::Cut).await
    }

    async fn send(&self, piece: Piece) -> Result<(), Trouble> {
        self.0.send(piece).await.map_err(|_| Trouble::new("source.left", "nobody takes what comes"))
    }
}

/// How bytes are packed, by how they begin; a media type for the child. `None` while there are too few to tell.
pub fn packing(head: &[u8]) -> Option<Result<&'static str, Trouble>> {
    if head.len() < 12 {
        return None;
    }
    Some(match head {
        [b'F', b'L', b'V', 1, ..] => Ok("video/x-flv"),
        [0x47, ..] => Ok("video/mp2t"),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => Ok("video/webm"),
        [_, _, _, _, b'f' | b's', b't', b'y', b'p', ..]
        | [_, _, _, _, b'm', b'o', b'o', b'v' | b'f', ..]
        | [_, _, _, _, b's', b'i', b'd', b'x', ..] => Ok("video/mp4"),
        // Sound alone: MP3 or AAC, with or without tags before it.
        [b'I', b'D', b'3', ..] | [0xff, 0xe0..=0xff, ..] => {
            Err(Trouble::new("source.no_video", "there is no video in it"))
        }
        _ => Err(Trouble::new(
            "source.format",
            "it is neither MPEG-TS, FLV, fragmented MP4, WebM nor a playlist",
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_is_shows_at_its_beginning() {
        let of = |head: &[u8]| packing(&[head, &[0; 12]].concat()).unwrap().map_err(|trouble| trouble.code);
        assert_eq!(of(b"FLV\x01"), Ok("video/x-flv"));
        assert_eq!(of(&[0x47, 0x40]), Ok("video/mp2t"));
        assert_eq!(of(b"\0\0\0\x18ftyp"), Ok("video/mp4"));
        assert_eq!(of(b"\0\0\0\x18styp"), Ok("video/mp4"));
        assert_eq!(of(b"\0\0\0\x18moof"), Ok("video/mp4"));
        assert_eq!(of(b"\x1a\x45\xdf\xa3"), Ok("video/webm"));
        assert_eq!(of(b"ID3\x04"), Err("source.no_video"));
        assert_eq!(of(&[0xff, 0xf1]), Err("source.no_video"));
        assert_eq!(of(b"<html>"), Err("source.format"));
        assert!(packing(b"FLV\x01").is_none());
    }
}
