use crate::{assert_clean, icc_profile, kept_profile, picture, planted};
use img_parts::{Bytes, ImageICC};
use lazaret_watermark::strip;
use turbojpeg::{Compressor, Image, PixelFormat};

pub(crate) fn encode(format: PixelFormat, progressive: bool) -> Vec<u8> {
    let (width, height) = (64, 48);
    let rgba = picture(width, height, 1).into_raw();
    let pixels: Vec<u8> = match format {
        PixelFormat::CMYK => rgba,
        _ => rgba.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect(),
    };
    let width = width as usize;
    let image = Image {
        pixels: pixels.as_slice(),
        width,
        pitch: width * format.size(),
        height: height as usize,
        format,
    };
    let mut compressor = Compressor::new().unwrap();
    compressor.set_progressive(progressive).unwrap();
    if progressive {
        compressor.set_optimize(true).unwrap();
    }
    compressor.compress_to_vec(image).unwrap()
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    [&[0xFF, marker], ((content.len() + 2) as u16).to_be_bytes().as_slice(), content].concat()
}

/// Metadata in every place: right after the start, before each later scan, and after the end.
pub(crate) fn laden(jpeg: &[u8], profile: &[u8]) -> Vec<u8> {
    let mut out = jpeg[..2].to_vec();
    out.extend(segment(0xE1, &[b"Exif\0\0II*\0\x08\0\0\0".as_slice(), &planted("exif gps")].concat()));
    out.extend(segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0".as_slice(), &planted("xmp")].concat()));
    out.extend(segment(0xED, &[b"Photoshop 3.0\08BIM\x04\x04".as_slice(), &planted("iptc")].concat()));
    out.extend(segment(0xE2, &[b"MPF\0".as_slice(), &planted("mpf")].concat()));
    out.extend(segment(0xE0, &[b"JFXX\0\x10".as_slice(), &planted("jfxx thumbnail")].concat()));
    out.extend(segment(0xEF, &planted("app15")));
    out.extend(segment(0xFE, &planted("comment")));
    let parts = profile.chunks(60_000);
    let count = parts.len() as u8;
    for (number, part) in (1..=count).zip(parts) {
        out.extend(segment(0xE2, &[b"ICC_PROFILE\0".as_slice(), &[number, count], part].concat()));
    }
    let rest = &jpeg[2..];
    let mut scans = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at] == 0xFF && matches!(rest.get(at + 1), Some(0xDA)) {
            scans += 1;
            out.extend(segment(0xFE, &planted("comment before a scan")));
            out.extend(segment(0xE1, &planted("exif before a scan")));
            if scans > 1 {
                out.extend(planted("garbage between segments"));
            }
        }
        out.push(rest[at]);
        at += 1;
    }
    out.extend(planted("after the end"));
    out
}

fn pixels(jpeg: &[u8], format: PixelFormat) -> Vec<u8> {
    turbojpeg::decompress(jpeg, format).unwrap().pixels
}

#[test]
fn metadata_goes_and_the_picture_stays() {
    // In one segment, in several segments.
    for profile in [icc_profile(560), icc_profile(150_000)] {
        for (format, progressive) in
            [(PixelFormat::RGB, false), (PixelFormat::RGB, true), (PixelFormat::CMYK, false)]
        {
            let plain = encode(format, progressive);
            let input = laden(&plain, &profile);
            let output = strip::jpeg(&input).unwrap();
            assert_clean(&input, &output);
            assert_eq!(pixels(&output, format), pixels(&plain, format), "{format:?} {progressive}");
            assert!(output.ends_with(&[0xFF, 0xD9]));
            let kept = img_parts::jpeg::Jpeg::from_bytes(Bytes::from(output.clone())).unwrap().icc_profile();
            assert_eq!(kept.as_deref(), Some(kept_profile().as_slice()));
            assert_eq!(strip::jpeg(&output).unwrap(), output, "a second strip changes nothing");
        }
    }
}

#[test]
fn a_plain_file_keeps_its_pixels_and_density() {
    let plain = encode(PixelFormat::RGB, false);
    assert_eq!(strip::jpeg(&plain).unwrap(), plain);
}

#[test]
fn a_thumbnail_in_the_jfif_header_goes() {
    let plain = encode(PixelFormat::RGB, false);
    let old = 2 + 2 + usize::from(u16::from_be_bytes([plain[4], plain[5]]));
    let thumbnail = planted("thumbnail");
    let header = [&plain[6..18], &[1, 9], &thumbnail].concat();
    let input = [&plain[..2], &segment(0xE0, &header), &plain[old..]].concat();
    let output = strip::jpeg(&input).unwrap();
    assert_clean(&input, &output);
    assert_eq!(output, plain);
}

#[test]
fn a_profile_that_is_none_or_incomplete_is_no_hiding_place() {
    let plain = encode(PixelFormat::RGB, false);
    let whole = icc_profile(400);
    let padded = [whole.clone(), planted("after the profile's end")].concat();
    // As long as it says, but without the signature.
    let mut unsigned = icc_profile(400);
    unsigned[36..40].copy_from_slice(b"SNTN");
    unsigned[100..130].copy_from_slice(&planted("hidden")[..30]);
    let cases: [(Vec<u8>, bool); 4] = [
        ([b"ICC_PROFILE\0\x01\x01".as_slice(), &unsigned].concat(), false),
        ([b"ICC_PROFILE\0\x01\x01".as_slice(), &planted("not a profile")].concat(), false),
        ([b"ICC_PROFILE\0\x01\x02".as_slice(), &padded].concat(), false),
        ([b"ICC_PROFILE\0\x01\x01".as_slice(), &padded].concat(), true),
    ];
    for (content, kept) in cases {
        let input = [&plain[..2], &segment(0xE2, &content), &plain[2..]].concat();
        let output = strip::jpeg(&input).unwrap();
        assert_clean(&input, &output);
        let profile = img_parts::jpeg::Jpeg::from_bytes(Bytes::from(output)).unwrap().icc_profile();
        assert_eq!(profile.as_deref(), kept.then_some(kept_profile().as_slice()));
    }
}

#[test]
fn bytes_inside_of_a_table_segment_are_refused() {
    let plain = encode(PixelFormat::RGB, false);
    let table = [vec![0], vec![1; 64], planted("table")].concat();
    for marker in [0xDB, 0xC4, 0xDD, 0xF0, 0x02, 0xDE, 0xD8] {
        let input = [&plain[..2], &segment(marker, &table), &plain[2..]].concat();
        let error = strip::jpeg(&input).unwrap_err();
        assert_eq!(error.format, "jpeg", "{marker:x}");
    }
}
