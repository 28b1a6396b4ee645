use crate::{assert_clean, icc_profile, kept_profile, picture, planted};
use ::png::{BitDepth, BlendOp, ColorType, DisposeOp, Encoder};
use image::codecs::png::PngDecoder;
use image::{AnimationDecoder, ImageDecoder};
use img_parts::png::{Png, PngChunk};
use img_parts::{Bytes, ImageICC};
use lazaret_watermark::strip;
use std::io::Cursor;

pub(crate) fn encode(frames: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, 40, 30);
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Eight);
    if frames > 1 {
        encoder.set_animated(frames, 3).unwrap();
        encoder.set_frame_delay(7, 50).unwrap();
        encoder.set_dispose_op(DisposeOp::Previous).unwrap();
        encoder.set_blend_op(BlendOp::Over).unwrap();
    }
    let mut writer = encoder.write_header().unwrap();
    for frame in 0..frames {
        writer.write_image_data(picture(40, 30, frame).as_raw()).unwrap();
    }
    writer.finish().unwrap();
    out
}

fn indexed() -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, 16, 4);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Four);
    encoder.set_palette((0..48).collect::<Vec<u8>>());
    encoder.set_trns(vec![0, 90, 255]);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&(0..32).collect::<Vec<u8>>()).unwrap();
    writer.finish().unwrap();
    out
}

/// Metadata before the pixels, between them and the end, and after the end.
pub(crate) fn laden(plain: &[u8], profile: Option<&[u8]>) -> Vec<u8> {
    let mut png = Png::from_bytes(Bytes::copy_from_slice(plain)).unwrap();
    png.set_icc_profile(profile.map(Bytes::copy_from_slice));
    let chunk = |kind: &[u8; 4], head: &[u8]| {
        PngChunk::new(*kind, Bytes::from([head, &planted(std::str::from_utf8(kind).unwrap())].concat()))
    };
    let places: [(&[u8; 4], &[u8]); 8] = [
        (b"tEXt", b"Comment\0"),
        (b"zTXt", b"Comment\0\0"),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0"),
        (b"eXIf", b"II*\0\x08\0\0\0"),
        (b"tIME", b""),
        (b"prVt", b""),
        (b"sPLT", b"palette\0"),
        (b"caBX", b""),
    ];
    for at in [1, png.chunks().len()] {
        let at = at.min(png.chunks().len() - 1);
        for (kind, head) in places {
            png.chunks_mut().insert(at, chunk(kind, head));
        }
    }
    let mut out = png.encoder().bytes().to_vec();
    out.extend(planted("after the end"));
    out
}

fn kinds(png: &[u8]) -> Vec<String> {
    let png = Png::from_bytes(Bytes::copy_from_slice(png)).unwrap();
    png.chunks().iter().map(|c| String::from_utf8(c.kind().to_vec()).unwrap()).collect()
}

#[test]
fn metadata_goes_and_the_picture_stays() {
    let profile = icc_profile(3144);
    for plain in [encode(1), indexed()] {
        let input = laden(&plain, Some(&profile));
        let output = strip::png(&input).unwrap();
        assert_clean(&input, &output);
        let pixels = |bytes: &[u8]| image::load_from_memory(bytes).unwrap().into_rgba8();
        assert_eq!(pixels(&output), pixels(&plain));
        let mut decoder = PngDecoder::new(Cursor::new(&output)).unwrap();
        assert_eq!(decoder.icc_profile().unwrap(), Some(kept_profile()));
        assert_eq!(strip::png(&output).unwrap(), output, "a second strip changes nothing");
    }
    assert_eq!(
        kinds(&strip::png(&laden(&encode(1), Some(&profile))).unwrap()),
        ["IHDR", "iCCP", "IDAT", "IEND"]
    );
    assert_eq!(
        kinds(&strip::png(&laden(&indexed(), None)).unwrap()),
        ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"]
    );
}

#[test]
fn animation_stays_frame_by_frame() {
    let plain = encode(4);
    let input = laden(&plain, None);
    let output = strip::png(&input).unwrap();
    assert_clean(&input, &output);
    let frames = |bytes: &[u8]| {
        let frames = PngDecoder::new(Cursor::new(bytes)).unwrap().apng().unwrap().into_frames();
        frames.map(|f| f.unwrap()).map(|f| (f.delay(), f.into_buffer())).collect::<Vec<_>>()
    };
    assert_eq!(frames(&output).len(), 4);
    assert_eq!(frames(&output), frames(&plain));
    // Loop count, disposal and blending stand in chunks that are kept byte by byte.
    assert_eq!(output, plain);
}

#[test]
fn the_name_of_a_profile_goes_and_so_does_a_false_profile() {
    let plain = encode(1);
    let mut png = Png::from_bytes(Bytes::from(plain)).unwrap();
    png.set_icc_profile(Some(icc_profile(700).into()));
    let at = png.chunks().iter().position(|c| &c.kind() == b"iCCP").unwrap();
    let compressed = png.chunks()[at].contents().strip_prefix(b"icc\0\0").unwrap().to_vec();
    let named = [planted("profile name"), vec![0, 0], compressed, planted("after the stream")].concat();
    png.chunks_mut()[at] = PngChunk::new(*b"iCCP", named.into());
    let input = png.clone().encoder().bytes();
    let output = strip::png(&input).unwrap();
    assert_clean(&input, &output);
    assert!(kinds(&output).contains(&"iCCP".to_owned()));

    png.set_icc_profile(Some(planted("no profile at all").into()));
    assert!(!kinds(&strip::png(&png.encoder().bytes()).unwrap()).contains(&"iCCP".to_owned()));
}

#[test]
fn chunks_that_have_no_say_in_this_picture_are_not_kept() {
    // Frames without an animation; a palette in true colour, which only suggests.
    for (kind, head) in [(b"fdAT", [0; 4].as_slice()), (b"PLTE", &[])] {
        let mut png = Png::from_bytes(Bytes::from(encode(1))).unwrap();
        let content = [head, &planted("hidden")[..30]].concat();
        png.chunks_mut().insert(1, PngChunk::new(*kind, content.into()));
        let input = png.encoder().bytes();
        let output = strip::png(&input).unwrap();
        assert_clean(&input, &output);
        assert_eq!(output, encode(1));
    }
}

#[test]
fn impossible_chunks_are_refused() {
    for kind in [b"sRGB", b"gAMA", b"PLTE", b"CgBI", b"IHDR"] {
        let mut png = Png::from_bytes(Bytes::from(encode(1))).unwrap();
        png.chunks_mut().insert(1, PngChunk::new(*kind, planted("hidden")[..29].to_vec().into()));
        assert!(strip::png(&png.encoder().bytes()).is_err(), "{kind:?}");
    }
}

/// Of right lengths too: a background, how many bits count, how large a pixel is. A picture without them looks the same.
#[test]
fn advice_to_viewers_goes() {
    for (kind, length) in [(b"bKGD", 6), (b"bKGD", 29), (b"sBIT", 4), (b"pHYs", 9), (b"pHYs", 29)] {
        let mut png = Png::from_bytes(Bytes::from(encode(1))).unwrap();
        png.chunks_mut().insert(1, PngChunk::new(*kind, planted("hidden")[..length].to_vec().into()));
        assert_eq!(strip::png(&png.encoder().bytes()).unwrap(), encode(1), "{length} bytes of {kind:?}");
    }
}

/// One colour that is transparent is as long as the colour type says; with an alpha channel there is none.
#[test]
fn transparency_is_as_long_as_it_must_be() {
    let of = |colour: u8, length: usize| {
        let channels = [1, 0, 3, 1, 2, 0, 4][usize::from(colour)];
        let mut png = Png::from_bytes(Bytes::from(encode(1))).unwrap();
        let header = [0, 0, 0, 2, 0, 0, 0, 1, 8, colour, 0, 0, 0];
        png.chunks_mut()[0] = PngChunk::new(*b"IHDR", Bytes::copy_from_slice(&header));
        let mut data = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut data, &vec![0; 1 + 2 * channels]).unwrap();
        png.chunks_mut()[1] = PngChunk::new(*b"IDAT", data.finish().unwrap().into());
        png.chunks_mut().insert(1, PngChunk::new(*b"tRNS", vec![0; length].into()));
        if colour == 3 {
            png.chunks_mut().insert(1, PngChunk::new(*b"PLTE", vec![9; 768].into()));
        }
        strip::png(&png.encoder().bytes()).is_ok()
    };
    for (colour, fine) in [(0, &[2][..]), (2, &[6]), (3, &[1, 2, 6, 200, 256]), (4, &[]), (6, &[])] {
        for length in [1, 2, 6, 200, 256] {
            assert_eq!(
                of(colour, length),
                fine.contains(&length),
                "{length} bytes in colours of type {colour}"
            );
        }
    }
}

/// Of a palette and its transparency only what is shown stays, whatever the filters and the bits of a pixel.
#[test]
fn colours_that_no_pixel_has_go() {
    let hidden = planted("in a palette");
    for (depth, places) in [(BitDepth::Eight, 256), (BitDepth::Four, 16), (BitDepth::Two, 4)] {
        for filter in [
            ::png::Filter::NoFilter,
            ::png::Filter::Sub,
            ::png::Filter::Up,
            ::png::Filter::Avg,
            ::png::Filter::Paeth,
        ] {
            let mut palette: Vec<u8> = (0..places * 3).map(|n| (n * 7 + 1) as u8).collect();
            let mut alpha: Vec<u8> = (0..places).map(|n| 200 - n as u8 % 100).collect();
            if places == 256 {
                // Places 100 to 219 are nobody's.
                palette[300..300 + hidden.len()].copy_from_slice(&hidden);
                alpha[100..100 + hidden.len()].copy_from_slice(&hidden);
            }
            let bits = depth as usize;
            // All but the third place, and of 256 also all but those from 100 on.
            let shown: Vec<usize> = (0..places.min(100)).filter(|place| *place != 2).collect();
            let lines: Vec<u8> = (0..20)
                .flat_map(|y| {
                    let pixels: Vec<usize> = (0..24).map(|x| shown[(x * 5 + y * 11) % shown.len()]).collect();
                    let pack =
                        |bytes: &[usize]| bytes.iter().fold(0, |byte, place| byte << bits | place) as u8;
                    pixels.chunks(8 / bits).map(pack).collect::<Vec<u8>>()
                })
                .collect();
            let mut input = Vec::new();
            let mut encoder = Encoder::new(&mut input, 24, 20);
            encoder.set_color(ColorType::Indexed);
            encoder.set_depth(depth);
            encoder.set_palette(palette.clone());
            encoder.set_trns(alpha.clone());
            encoder.set_filter(filter);
            let mut writer = encoder.write_header().unwrap();
            writer.write_image_data(&lines).unwrap();
            writer.finish().unwrap();
            let output = strip::png(&input).unwrap();
            let pixels = |bytes: &[u8]| image::load_from_memory(bytes).unwrap().into_rgba8();
            assert_eq!(pixels(&output), pixels(&input), "{depth:?} {filter:?}");
            let chunk = |kind: &[u8; 4]| {
                let png = Png::from_bytes(Bytes::from(output.clone())).unwrap();
                png.chunks().iter().find(|c| c.kind() == *kind).unwrap().contents().to_vec()
            };
            let (colours, alphas) = (chunk(b"PLTE"), chunk(b"tRNS"));
            for place in 0..places {
                let used = shown.contains(&place) && shown.len() <= 24 * 20;
                let is_there = colours[3 * place..3 * place + 3] == palette[3 * place..3 * place + 3];
                let is_gone = colours[3 * place..3 * place + 3] == [0; 3] && alphas[place] == 255;
                assert!(
                    if used { is_there && alphas[place] == alpha[place] } else { is_gone },
                    "{depth:?} {place}"
                );
            }
            assert_eq!(strip::png(&output).unwrap(), output);
        }
    }
}

/// Decoders stop where the pixels do.
#[test]
fn nothing_hides_behind_the_pixels() {
    let hidden = planted("behind the pixels");
    for (plain, kind) in [(encode(1), b"IDAT"), (encode(3), b"IDAT"), (encode(3), b"fdAT")] {
        let mut png = Png::from_bytes(Bytes::from(plain.clone())).unwrap();
        let at = png.chunks().iter().rposition(|c| c.kind() == *kind).unwrap();
        let content = [&png.chunks()[at].contents()[..], &hidden].concat();
        png.chunks_mut()[at] = PngChunk::new(*kind, content.into());
        let input = png.encoder().bytes();
        let output = strip::png(&input).unwrap();
        assert_clean(&input, &output);
        assert_eq!(output, plain);
    }
    // In a chunk of its own, as encoders split them.
    let mut png = Png::from_bytes(Bytes::from(encode(1))).unwrap();
    let at = png.chunks().iter().position(|c| &c.kind() == b"IDAT").unwrap();
    let (first, second) = png.chunks()[at].contents().split_at(40);
    let split = [first.to_vec(), second.to_vec(), hidden].map(|part| PngChunk::new(*b"IDAT", part.into()));
    png.chunks_mut().splice(at..=at, split);
    assert_eq!(strip::png(&png.encoder().bytes()).unwrap(), encode(1));
}

#[test]
fn pixels_that_are_more_or_fewer_than_the_header_says_are_refused() {
    let larger = |width: u8, interlace: u8| {
        let mut png = Png::from_bytes(Bytes::from(encode(1))).unwrap();
        let header = [0, 0, 0, width, 0, 0, 0, 29, 8, 6, 0, 0, interlace];
        png.chunks_mut()[0] = PngChunk::new(*b"IHDR", Bytes::copy_from_slice(&header));
        strip::png(&png.encoder().bytes()).unwrap_err().what
    };
    // One line fewer than there are, another width, another order of lines.
    for (width, interlace) in [(40, 0), (39, 0), (40, 1)] {
        assert_eq!(larger(width, interlace), "its pixels are not as many as its header says");
    }
    // Adam7, 8 by 8, by hand: 7 passes of 1, 1, 2, 2, 4, 4 and 8 pixels a line.
    let lines: Vec<u8> = [(1, 1), (1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4)]
        .into_iter()
        .flat_map(|(width, lines)| std::iter::repeat_n([vec![0], vec![9; width]].concat(), lines))
        .flatten()
        .collect();
    let mut data = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut data, &lines).unwrap();
    let mut png = Png::from_bytes(Bytes::from(encode(1))).unwrap();
    png.chunks_mut()[0] =
        PngChunk::new(*b"IHDR", Bytes::from_static(&[0, 0, 0, 8, 0, 0, 0, 8, 8, 0, 0, 0, 1]));
    png.chunks_mut()[1] = PngChunk::new(*b"IDAT", data.finish().unwrap().into());
    let input = png.encoder().bytes();
    assert_eq!(strip::png(&input).unwrap(), input);
    assert_eq!(image::load_from_memory(&input).unwrap().into_luma8().into_raw(), [9; 64]);
}

/// What says how numbers become colours would show another picture than the numbers that were scored.
#[test]
fn no_chunk_says_how_else_the_colours_are_meant() {
    let mut png = Png::from_bytes(Bytes::from(encode(1))).unwrap();
    for (kind, content) in
        [(b"gAMA", &[0, 0, 0x27, 0x10][..]), (b"cHRM", &[9; 32]), (b"cICP", &[9, 16, 0, 1])]
    {
        png.chunks_mut().insert(1, PngChunk::new(*kind, Bytes::copy_from_slice(content)));
    }
    assert_eq!(strip::png(&png.encoder().bytes()).unwrap(), encode(1));
}
