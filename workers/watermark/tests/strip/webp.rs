use crate::{assert_clean, contains, icc_profile, kept_profile, picture, planted};
use image::codecs::webp::{WebPDecoder, WebPEncoder};
use image::{AnimationDecoder, ImageDecoder};
use lazaret_watermark::strip;
use std::io::Cursor;

const META: [(&[u8; 4], &str); 4] =
    [(b"EXIF", "exif gps"), (b"XMP ", "xmp"), (b"ABCD", "unknown"), (b"ICCX", "odd")];

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut out = [name.as_slice(), &(content.len() as u32).to_le_bytes(), content].concat();
    if content.len() % 2 == 1 {
        out.push(0);
    }
    out
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk(b"RIFF", &[b"WEBP".to_vec(), chunks.concat()].concat())
}

/// The chunks of a file, by name.
fn chunks(webp: &[u8]) -> Vec<([u8; 4], Vec<u8>)> {
    let mut rest = &webp[12..];
    let mut found = Vec::new();
    while rest.len() >= 8 {
        let length = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
        found.push((rest[..4].try_into().unwrap(), rest[8..8 + length].to_vec()));
        rest = &rest[8 + length + length % 2..];
    }
    found
}

fn content(webp: &[u8], name: &[u8; 4]) -> Vec<u8> {
    chunks(webp).into_iter().find(|(n, _)| n == name).unwrap().1
}

fn lossless(seed: u32) -> Vec<u8> {
    let picture = picture(24, 18, seed);
    let mut out = Vec::new();
    WebPEncoder::new_lossless(&mut out).encode(&picture, 24, 18, image::ExtendedColorType::Rgba8).unwrap();
    out
}

fn lossy_with_alpha() -> Vec<u8> {
    let picture = picture(24, 18, 2);
    ::webp::Encoder::from_rgba(&picture, 24, 18).encode(60.0).to_vec()
}

fn header(flags: u8) -> Vec<u8> {
    chunk(b"VP8X", &[flags, 0xAA, 0xBB, 0xCC, 23, 0, 0, 17, 0, 0])
}

fn meta() -> Vec<Vec<u8>> {
    META.iter().map(|(name, place)| chunk(name, &planted(place))).collect()
}

/// All parts in one extended file, metadata before and after the picture, bytes after the end.
fn laden(flags: u8, before: Vec<Vec<u8>>, picture: Vec<Vec<u8>>) -> Vec<u8> {
    let parts = [vec![header(flags | 0x0D)], before, meta(), picture, meta()].concat();
    [riff(&parts), planted("after the end")].concat()
}

/// Three frames; with metadata inside and outside of the frames, or the same without any.
pub(crate) fn animated(with_meta: bool) -> Vec<u8> {
    let frame = |seed: u32, delay: u8| {
        let mut parts = vec![vec![0, 0, 0, 0, 0, 0, 23, 0, 0, 17, 0, 0, delay, 0, 0, 2]];
        let mut picture = vec![chunk(b"VP8L", &content(&lossless(seed), b"VP8L"))];
        if with_meta {
            picture.insert(0, chunk(b"WXYZ", &planted("in a frame")));
            picture.push(chunk(b"EXIF", &planted("behind its picture")));
        }
        parts.append(&mut picture);
        chunk(b"ANMF", &parts.concat())
    };
    let head = vec![chunk(b"ICCP", &kept_profile()), chunk(b"ANIM", &[1, 2, 3, 4, 5, 0])];
    let frames = vec![frame(1, 40), frame(2, 90), frame(3, 200)];
    if with_meta {
        return laden(0x32, head, frames);
    }
    riff(&[vec![chunk(b"VP8X", &[0x32, 0, 0, 0, 23, 0, 0, 17, 0, 0])], head, frames].concat())
}

#[test]
fn metadata_goes_and_the_picture_stays() {
    let profile = icc_profile(3145);
    let lossy = lossy_with_alpha();
    let cases = [
        (lossless(1), vec![chunk(b"VP8L", &content(&lossless(1), b"VP8L"))]),
        (
            lossy.clone(),
            vec![chunk(b"ALPH", &content(&lossy, b"ALPH")), chunk(b"VP8 ", &content(&lossy, b"VP8 "))],
        ),
    ];
    for (plain, parts) in cases {
        let input = laden(0x30, vec![chunk(b"ICCP", &profile)], parts);
        let output = strip::webp(&input).unwrap();
        assert_clean(&input, &output);
        let pixels = |bytes: &[u8]| image::load_from_memory(bytes).unwrap().into_rgba8();
        assert_eq!(pixels(&output), pixels(&plain));
        let mut decoder = WebPDecoder::new(Cursor::new(&output)).unwrap();
        assert_eq!(decoder.icc_profile().unwrap(), Some(kept_profile()));
        // EXIF and XMP bits and everything reserved are cleared, ICC and alpha stay.
        assert_eq!(content(&output, b"VP8X")[..4], [0x30, 0, 0, 0]);
        assert_eq!(strip::webp(&output).unwrap(), output, "a second strip changes nothing");
    }
}

#[test]
fn animation_stays_frame_by_frame() {
    let (input, plain) = (animated(true), animated(false));
    let output = strip::webp(&input).unwrap();
    assert_clean(&input, &output);
    let frames = |bytes: &[u8]| {
        let frames = WebPDecoder::new(Cursor::new(bytes)).unwrap().into_frames();
        frames.map(|f| f.unwrap()).map(|f| (f.delay(), f.into_buffer())).collect::<Vec<_>>()
    };
    assert_eq!(frames(&output).len(), 3);
    assert_eq!(frames(&output), frames(&plain));
    // With it background, loop count, disposal, blending and profile.
    assert_eq!(output, plain);
}

#[test]
fn the_simple_form_ends_with_its_picture() {
    for plain in [lossless(4), ::webp::Encoder::from_rgb(&[90; 24 * 18 * 3], 24, 18).encode(50.0).to_vec()] {
        let (name, picture) = chunks(&plain).remove(0);
        assert!(matches!(&name, b"VP8L" | b"VP8 "));
        let input = riff(&[vec![chunk(&name, &picture)], meta()].concat());
        let output = strip::webp(&input).unwrap();
        assert_clean(&input, &output);
        assert_eq!(output, riff(&[chunk(&name, &picture)]));
    }
}

#[test]
fn a_false_profile_goes_with_its_flag() {
    let parts = vec![chunk(b"VP8L", &content(&lossless(1), b"VP8L"))];
    let input = laden(0x30, vec![chunk(b"ICCP", &planted("no profile"))], parts);
    let output = strip::webp(&input).unwrap();
    assert_clean(&input, &output);
    assert_eq!(content(&output, b"VP8X")[0], 0x10);
    assert!(!contains(&output, b"ICCP"));
}

#[test]
fn a_file_without_a_picture_is_refused() {
    let still = chunk(b"VP8L", &content(&lossless(1), b"VP8L"));
    let cases = [
        laden(0x10, vec![], vec![]),
        // Said to be animated, but with a still picture only; and the other way round.
        laden(0x12, vec![], vec![still.clone()]),
        laden(0x10, vec![chunk(b"ANIM", &[0; 6])], vec![chunk(b"ANMF", &[0; 16])]),
        laden(0x12, vec![chunk(b"ANIM", &[0; 6])], vec![chunk(b"ANMF", &[0; 16])]),
        riff(&[chunk(b"VP8X", &[0; 11]), still]),
        riff(&[chunk(b"EXIF", b"Exif")]),
    ];
    for (number, input) in cases.iter().enumerate() {
        assert!(strip::webp(input).is_err(), "case {number}");
    }
}

/// The chunk of a picture may be longer than its pixels, and so may each part of one.
#[test]
fn nothing_hides_behind_the_pixels() {
    let pixels = |bytes: &[u8]| image::load_from_memory(bytes).unwrap().into_rgba8();
    let hidden = planted("behind the pixels");
    let behind = |webp: &[u8], wanted: &[u8; 4]| {
        let parts = chunks(webp).into_iter().map(|(name, content)| {
            let more: &[u8] = if name == *wanted { &hidden } else { b"" };
            chunk(&name, &[&content, more].concat())
        });
        riff(&parts.collect::<Vec<_>>())
    };
    let lossy = lossy_with_alpha();
    let mut cases = vec![
        (behind(&lossless(1), b"VP8L"), lossless(1)),
        (behind(&lossy, b"VP8 "), lossy.clone()),
        (behind(&lossy, b"ALPH"), lossy.clone()),
    ];
    // Behind the first partition of a lossy picture, whose length its first three bytes tell.
    let mut first = content(&lossy, b"VP8 ");
    let tag = u32::from_le_bytes([first[0], first[1], first[2], 0]);
    let end = 10 + (tag >> 5) as usize;
    first[..3].copy_from_slice(&(tag + ((hidden.len() as u32) << 5)).to_le_bytes()[..3]);
    first.splice(end..end, hidden.iter().copied());
    let parts = chunks(&lossy)
        .into_iter()
        .map(|(name, content)| chunk(&name, if &name == b"VP8 " { &first } else { &content }));
    cases.push((riff(&parts.collect::<Vec<_>>()), lossy));
    for (n, (input, plain)) in cases.iter().enumerate() {
        assert_eq!(pixels(input), pixels(plain), "decoders do not see it: {n}");
        let output = strip::webp(input).unwrap();
        assert_clean(input, &output);
        assert_eq!(pixels(&output), pixels(plain), "{n}");
    }
}
