//! Pictures made to cost more than they are, or to be another size than they say: each is bounded before memory is spent,
//! and the child that looked at it lives on.

mod support;

use lazaret_sandbox::{Coverage, Pool, PoolConfig, RenditionSpec};
use std::io::Write;
use support::*;

/// What a child may have here: far less than any of these would take.
const MEMORY: u64 = 256 << 20;
/// To which the bombs would unpack.
const LARGE: usize = 1 << 30;

fn tight() -> Pool {
    Pool::new(PoolConfig { memory_bytes: MEMORY, ..config() })
}

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let named = [&name[..], content].concat();
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[..], &named, &crc32fast::hash(&named).to_be_bytes()].concat()
}

/// `size` zeros, as a zlib stream.
fn zeros(size: usize) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let piece = vec![0; 1 << 20];
    for _ in 0..size >> 20 {
        encoder.write_all(&piece).unwrap();
    }
    encoder.finish().unwrap()
}

/// A PNG of 4 by 4 with these chunks behind its header.
fn png_with(chunks: &[Vec<u8>]) -> Vec<u8> {
    let plain = png(&red(4, 4));
    let (head, tail) = plain.split_at(33);
    [head, &chunks.concat(), tail].concat()
}

/// An indexed PNG of 4 by 4 whose pixels are all `index`.
fn indexed(palette: &[u8], index: u8) -> Vec<u8> {
    let mut data = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..4 {
        data.write_all(&[0, index, index, index, index]).unwrap();
    }
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &[0, 0, 0, 4, 0, 0, 0, 4, 8, 3, 0, 0, 0]),
        chunk(b"PLTE", palette),
        chunk(b"IDAT", &data.finish().unwrap()),
        chunk(b"IEND", b""),
    ]
    .concat()
}

/// The code of what was not looked at, or `complete`.
async fn claim(pool: &Pool, file: &[u8], media_type: &str) -> String {
    match picture(pool, file, media_type).await.0 {
        Err(trouble) => trouble.code().to_owned(),
        Ok(picture) => match picture.coverage {
            Coverage::Complete => "complete".into(),
            Coverage::Partial(why) | Coverage::Failed(why) => why.code,
        },
    }
}

/// None costs the child, which has far less memory than any asks for.
async fn survives(cases: &[(&str, &str, Vec<u8>, &str)]) {
    let pool = tight();
    for (name, media_type, file, expected) in cases {
        assert!(file.len() < 8 << 20, "{name}: a bomb is small");
        assert_eq!(claim(&pool, file, media_type).await, *expected, "{name}");
        let rendered = render(&pool, file, media_type, RenditionSpec::Original).await;
        match (rendered, *expected) {
            (Ok((_, out)), "complete") => assert!(out.len() < 1 << 20, "{name}: nothing of it is passed on"),
            (Err(trouble), expected) => {
                assert!(expected != "complete" && trouble.code() != "child.memory", "{name}: {trouble}");
            }
            (Ok(_), expected) => panic!("{name}: a copy of what is {expected}"),
        }
    }
    is_well(&pool).await;
}

#[tokio::test]
async fn profiles_and_texts_that_unpack_without_end() {
    let bomb = zeros(LARGE);
    let profile = chunk(b"iCCP", &[&b"icc\0\0"[..], &bomb].concat());
    let text = chunk(b"zTXt", &[&b"Comment\0\0"[..], &bomb].concat());
    let international = chunk(b"iTXt", &[&b"Comment\0\x01\0\0\0"[..], &bomb].concat());
    // Sixty pieces of a profile that says to be two gibibytes.
    let mut pieces = jpeg(&photo(16, 16));
    let mut header = vec![0; 65_000];
    header[..4].copy_from_slice(&(2u32 << 30).to_be_bytes());
    header[36..40].copy_from_slice(b"acsp");
    for number in (1..=60u8).rev() {
        let content = [&b"ICC_PROFILE\0"[..], &[number, 60], &header].concat();
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        pieces.splice(2..2, [&[0xff, 0xe2][..], &length, &content].concat());
    }
    survives(&[
        ("a profile", "image/png", png_with(&[profile]), "complete"),
        ("a text", "image/png", png_with(&[text]), "complete"),
        ("an international text", "image/png", png_with(&[international]), "complete"),
        ("a profile in pieces", "image/jpeg", pieces, "complete"),
    ])
    .await;
}

#[tokio::test]
async fn palettes_that_are_too_large_too_small_or_none() {
    survives(&[
        ("as it should be", "image/png", indexed(&[255, 0, 0], 0), "complete"),
        ("an index beyond it", "image/png", indexed(&[255, 0, 0], 200), "complete"),
        ("too many colours", "image/png", indexed(&[7; 3 * 300], 0), "media.undecodable"),
        ("no colour", "image/png", indexed(&[], 0), "media.undecodable"),
        ("half a colour", "image/png", indexed(&[1, 2], 0), "media.undecodable"),
    ])
    .await;
}

#[tokio::test]
async fn frames_of_another_size_than_the_header_says() {
    // A frame of 65,535 by 65,535 on a screen of 8 by 8.
    let mut frame = gif(1, 8, 8);
    let descriptor = frame.windows(10).position(|w| w[0] == 0x2c && w[5..9] == [8, 0, 8, 0]).unwrap();
    frame[descriptor + 5..descriptor + 9].copy_from_slice(&[0xff; 4]);
    // A canvas of 16,384 by 16,384 around a picture of 16 by 16.
    let small = webp(&red(16, 16));
    let canvas = [&b"VP8X\x0a\0\0\0\0\0\0\0"[..], &[0xff, 0x3f, 0, 0xff, 0x3f, 0]].concat();
    let body = [&b"WEBP"[..], &canvas, &small[12..]].concat();
    let around = [&b"RIFF"[..], &u32::try_from(body.len()).unwrap().to_le_bytes(), &body].concat();
    // An animation of 4 by 4 with a frame of 60,000 by 60,000.
    let wide = chunk(
        b"fcTL",
        &[0, 0, 0, 0, 0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0],
    );
    let animated = png_with(&[chunk(b"acTL", &[0, 0, 0, 1, 0, 0, 0, 0]), wide]);
    // 65,500 by 65,500 in a few hundred bytes.
    let mut tall = jpeg(&photo(16, 16));
    let frame_header = tall.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    tall[frame_header + 5..frame_header + 9].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
    survives(&[
        ("gif", "image/gif", frame, "limit.pixels"),
        ("webp", "image/webp", around, "limit.pixels"),
        ("apng", "image/png", animated, "media.undecodable"),
        ("jpeg", "image/jpeg", tall, "limit.pixels"),
    ])
    .await;
}
