//! What single parts of pictures, films, sound and documents say, each in a file that is whole but for it.

use crate::build::*;
use crate::containers::report;
use crate::support::{Said, assert_told};
use lazaret_fixtures::document::{pdf_of, pdf_stream};
use lazaret_fixtures::film::{boxed, full, heif, mp4};
use lazaret_fixtures::sound::*;

const PNG: &str = "image/png";
const MP4: &str = "video/mp4";
const MP3: &str = "audio/mpeg";
const OGG: &str = "audio/ogg";
const WAV: &str = "audio/wav";
const PDF: &str = "application/pdf";

type Case = (&'static str, &'static str, Vec<u8>, &'static [Said], Said);

fn hold(cases: Vec<Case>) {
    for (name, media_type, file, found, gap) in cases {
        assert_told(name, &report(media_type, &file), found, gap);
    }
}

/// The film with its header's own box, of 108 bytes, become another.
fn instead(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut film = mp4();
    let at = film.windows(4).position(|w| w == b"mvhd").unwrap();
    film[at..at + 4].copy_from_slice(kind);
    film[at + 4..at + 4 + content.len()].copy_from_slice(content);
    film
}

#[test]
fn films() {
    let second = |film: Vec<u8>, kind: &[u8; 4]| [film, boxed(kind, b"")].concat();
    let encrypted = {
        let mut film = mp4();
        let at = film.windows(4).position(|w| w == b"avc1").unwrap();
        film[at..at + 4].copy_from_slice(b"encv");
        film
    };
    hold(vec![
        ("a second header", MP4, second(mp4(), b"moov"), &[("malformed", "second movie header")], ("", "")),
        (
            "no box at the end of one",
            MP4,
            instead(b"dinf", &[boxed(b"free", &[0; 88]), b"\0\0\0\0".to_vec()].concat()),
            &[],
            ("", ""),
        ),
        (
            "something at the end of one",
            MP4,
            instead(b"dinf", &[boxed(b"free", &[0; 88]), b"evil".to_vec()].concat()),
            &[("malformed", "that are no box")],
            ("", ""),
        ),
        ("other movies", MP4, instead(b"rmra", b""), &[("active", "other movies")], ("", "")),
        ("a packed header", MP4, instead(b"cmov", b""), &[], ("compressed", "")),
        ("keys", MP4, instead(b"pssh", b""), &[], ("encrypted", "")),
        ("a scheme", MP4, instead(b"sinf", &boxed(b"schm", &[0; 92])), &[], ("encrypted", "")),
        ("an encrypted track", MP4, encrypted, &[], ("encrypted", "")),
    ]);
}

#[test]
fn pictures() {
    let frame = jpeg_segment(0xc0, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0]);
    let data = png_chunk(b"IDAT", b"\x78\x9c\x63\0\0\0\x02\0\x01");
    let header = png_chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
    let text = png_chunk(b"tEXt", b"Comment\0x");
    let behind = |chunk: Vec<u8>| {
        let file = png();
        [&file[..file.len() - 12], &chunk, &file[file.len() - 12..]].concat()
    };
    let end = [&png()[..png().len() - 12], &png_chunk(b"IEND", b"more")].concat();
    let webp = webp_with(&[
        [b"VP8L\x07\0\0\0\x2f\0\0\0\0\x88\x88", &b"x"[..]].concat(),
        riff_chunk(b"EXIF", b"more"),
    ]);
    hold(vec![
        (
            "a marker alone",
            "image/jpeg",
            jpeg_with(&[vec![0xff, 0xd0]]),
            &[("malformed", "marker ffd0")],
            ("", ""),
        ),
        (
            "something between",
            "image/jpeg",
            jpeg_with(&[b"evil".to_vec()]),
            &[("malformed", "4 bytes between")],
            ("", ""),
        ),
        (
            "two frames",
            "image/jpeg",
            jpeg_with(&[frame]),
            &[("malformed", "more than one frame header")],
            ("", ""),
        ),
        (
            "an animation announced late",
            PNG,
            behind(png_chunk(b"acTL", &[0, 0, 0, 1, 0, 0, 0, 0])),
            &[("malformed", "announced behind the image data")],
            ("", ""),
        ),
        ("two headers", PNG, png_with(&[header]), &[("malformed", "a second header")], ("", "")),
        (
            "data apart",
            PNG,
            behind([text, data].concat()),
            &[("malformed", "in more than one place")],
            ("", ""),
        ),
        ("an end that holds something", PNG, end, &[("malformed", "an end chunk with content")], ("", "")),
        ("webp padding", "image/webp", webp, &[("malformed", "a padding byte")], ("", "")),
    ]);
}

#[test]
fn sound() {
    let tagged = |frames: &[(&[u8; 4], &[u8])], padding: usize| [id3v2(frames, padding), mp3(3)].concat();
    let with = |at: usize, byte: u8, mut file: Vec<u8>| {
        file[at] = byte;
        file
    };
    let long = {
        let length = (32 << 20) + 1_usize;
        let size = [21, 14, 7, 0].map(|shift| (length >> shift) as u8 & 0x7f);
        [&b"ID3\x03\0\0"[..], &size, &vec![0; length], &mp3(3)].concat()
    };
    let page = |flags, stream, number| ogg_page(flags, stream, number, &[1; 9]);
    let format = [1, 0, 1, 0, 0x44, 0xac, 0, 0, 0x88, 0x58, 1, 0, 2, 0, 16, 0];
    let mut odd = wav(&[(b"note", b"odd"), (b"more", b"")]);
    let at = odd.windows(4).position(|w| w == b"odd\0").unwrap();
    odd[at + 3] = b'x';
    hold(vec![
        ("a long tag", MP3, long, &[], ("limit.bytes", "id3 tag")),
        (
            "a frame longer than its tag",
            MP3,
            with(17, 99, tagged(&[(b"TIT2", b"\0A song")], 0)),
            &[("malformed", "does not fit its id3 tag")],
            ("", ""),
        ),
        (
            "padding of a tag",
            MP3,
            with(36, b'x', tagged(&[(b"TIT2", b"\0A song")], 30)),
            &[("gap", "padding of an id3 tag")],
            ("", ""),
        ),
        (
            "frames elsewhere",
            MP3,
            tagged(&[(b"LINK", b"TIT2http://a.example/")], 0),
            &[("active", "another file")],
            ("", ""),
        ),
        ("encrypted frames", MP3, tagged(&[(b"ENCR", b"a\0\x80")], 0), &[], ("encrypted", "id3")),
        (
            "a stream that begins twice",
            OGG,
            [page(2, 7, 0), page(2, 7, 1), page(4, 7, 2)].concat(),
            &[("malformed", "begins twice")],
            ("", ""),
        ),
        (
            "a stream that never began",
            OGG,
            [ogg(), page(0, 8, 4)].concat(),
            &[("malformed", "never began")],
            ("", ""),
        ),
        ("flags", OGG, [page(2, 7, 0), page(12, 7, 1)].concat(), &[("malformed", "flags")], ("", "")),
        ("a checksum", OGG, with(60, b'x', ogg()), &[("malformed", "checksum of a page")], ("", "")),
        ("two formats", WAV, wav(&[(b"fmt ", &format)]), &[("malformed", "second format")], ("", "")),
        ("wav padding", WAV, odd, &[("malformed", "a padding byte")], ("", "")),
    ]);
}

#[test]
fn documents() {
    let catalog = b"<< /Type /Catalog /Pages << /Type /Pages /Kids [] /Count 0 >> >>".to_vec();
    // Words of a text, not behind any dictionary.
    let words = pdf_of(&[catalog.clone(), pdf_stream("", &b"a stream\n".repeat((1 << 18) + 1))], "");
    // What leads from the dictionary to the keyword is longer than is looked back.
    let far = [b"<< /Length 4 >>%", &[b'x'; 20 << 10][..], b"\nstream\nmore\nendstream"].concat();
    hold(vec![
        ("streams", PDF, words, &[], ("limit.parts", "streams")),
        (
            "a stream after a long comment",
            PDF,
            pdf_of(&[catalog, far], ""),
            &[("malformed", "no stream to some readers")],
            ("", ""),
        ),
        (
            "markup behind a drawing",
            "image/svg+xml",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n<!x".to_vec(),
            &[("malformed", "")],
            ("", ""),
        ),
    ]);
}

/// Entries of a track behind its first, and items of a picture, may be encrypted too.
#[test]
fn what_is_encrypted_beside_the_first() {
    let entry = |kind: &[u8; 4]| boxed(kind, &[0; 36]);
    let film = |second: &[u8; 4]| {
        let table = [&[0; 7][..], &[2], &entry(b"avc1"), &entry(second), &[0; 4]].concat();
        let table = boxed(b"stsd", &[&table[..], &[0; 4]].concat());
        let track = boxed(b"trak", &boxed(b"mdia", &boxed(b"minf", &boxed(b"stbl", &table))));
        [boxed(b"ftyp", b"isom\0\0\x02\0isom"), boxed(b"moov", &track)].concat()
    };
    let picture = |kind: &[u8; 4]| {
        let scheme = boxed(b"sinf", &boxed(kind, &[0; 12]));
        let protected = full(b"ipro", 0, &[&[0, 1][..], &scheme].concat());
        let mut picture = heif(b"heic", b"");
        let at = picture.windows(4).position(|w| w == b"pitm").unwrap() - 4;
        let more = u32::try_from(protected.len()).unwrap();
        let meta = picture.windows(4).position(|w| w == b"meta").unwrap() - 4;
        let place = picture.windows(4).position(|w| w == b"iloc").unwrap() + 4 + 4 + 2 + 2 + 6;
        for at in [meta, place] {
            let number = u32::from_be_bytes(picture[at..at + 4].try_into().unwrap()) + more;
            picture[at..at + 4].copy_from_slice(&number.to_be_bytes());
        }
        picture.splice(at..at, protected);
        picture
    };
    hold(vec![
        ("two plain entries", MP4, film(b"mp4v"), &[], ("", "")),
        ("a second entry", MP4, film(b"drmi"), &[], ("encrypted", "")),
        ("a plain item", "image/heic", picture(b"free"), &[], ("", "")),
        ("an item", "image/heic", picture(b"schm"), &[], ("encrypted", "")),
    ]);
}
