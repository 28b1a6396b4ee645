use crate::{assert_clean, icc_profile, kept_profile, planted};
use ::gif::{DecodeOptions, DisposalMethod, Encoder, Frame, Repeat};
use image::{AnimationDecoder, codecs::gif::GifDecoder};
use lazaret_watermark::strip;
use std::borrow::Cow;
use std::io::Cursor;

const PALETTE: [u8; 12] = [0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255];
const LOCAL: [u8; 12] = [9, 9, 9, 8, 200, 8, 70, 7, 70, 255, 255, 255];

fn sub_blocks(content: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = content.chunks(255).flat_map(|b| [&[b.len() as u8], b].concat()).collect();
    out.push(0);
    out
}

fn extension(label: u8, blocks: &[u8]) -> Vec<u8> {
    [&[0x21, label], blocks].concat()
}

fn application(name: &[u8; 11], blocks: &[u8]) -> Vec<u8> {
    extension(0xFF, &[&[11], name.as_slice(), blocks].concat())
}

/// XMP is not cut into blocks: a trailer of falling bytes catches a reader wherever it comes out.
fn xmp() -> Vec<u8> {
    let trailer: Vec<u8> = [vec![1], (0..=255).rev().collect(), vec![0]].concat();
    application(b"XMP DataXMP", &[planted("xmp"), trailer].concat())
}

fn meta() -> Vec<u8> {
    [
        extension(0xFE, &sub_blocks(&planted("comment"))),
        xmp(),
        application(b"UNKNOWN1.00", &sub_blocks(&planted("application"))),
        extension(0x01, &[vec![12; 13], sub_blocks(&planted("plain text"))].concat()),
        extension(0x99, &sub_blocks(&planted("unknown extension"))),
    ]
    .concat()
}

/// Frames with their own palettes, delays, disposal and transparency, with metadata before each where asked for.
pub(crate) fn encode(meta: &[u8], repeat: Repeat, profile: Option<&[u8]>) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), 12, 10, &PALETTE).unwrap();
    encoder.set_repeat(repeat).unwrap();
    let mut out = encoder.get_ref().clone();
    if let Some(profile) = profile {
        out.extend(application(b"ICCRGBG1012", &sub_blocks(profile)));
    }
    let disposals = [DisposalMethod::Keep, DisposalMethod::Background, DisposalMethod::Previous];
    for (number, dispose) in (0u16..).zip(disposals) {
        let written = encoder.get_ref().len();
        let frame = Frame {
            delay: 5 + number * 300,
            dispose,
            transparent: (number > 0).then_some(2),
            left: number,
            top: number,
            width: 12 - number,
            height: 10 - number,
            interlaced: number == 1,
            palette: (number == 1).then(|| LOCAL.to_vec()),
            buffer: Cow::Owned((0..(12 - number) * (10 - number)).map(|i| (i % 4) as u8).collect()),
            ..Frame::default()
        };
        encoder.write_frame(&frame).unwrap();
        out.extend_from_slice(meta);
        out.extend_from_slice(&encoder.get_ref()[written..]);
    }
    out.extend_from_slice(meta);
    out.push(0x3B);
    out
}

#[derive(Debug, PartialEq)]
struct Shown {
    repeat: Repeat,
    icc: Option<Vec<u8>>,
    frames: Vec<String>,
}

fn shown(gif: &[u8]) -> Shown {
    let mut decoder = DecodeOptions::new().read_info(gif).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        frames.push(format!("{frame:?}"));
    }
    Shown { repeat: decoder.repeat(), icc: decoder.icc_profile().map(<[u8]>::to_vec), frames }
}

#[test]
fn metadata_goes_and_the_animation_stays() {
    let profile = icc_profile(700);
    for repeat in [Repeat::Infinite, Repeat::Finite(3), Repeat::Finite(0)] {
        let plain = encode(&[], repeat, Some(&kept_profile()));
        let input = [encode(&meta(), repeat, Some(&profile)), planted("after the end")].concat();
        let output = strip::gif(&input).unwrap();
        assert_clean(&input, &output);
        assert_eq!(shown(&output), shown(&plain));
        assert_eq!(shown(&output).frames.len(), 3);
        assert_eq!(shown(&output).icc, Some(kept_profile()));
        assert_eq!(shown(&output).repeat, repeat);
        assert_eq!(strip::gif(&output).unwrap(), output, "a second strip changes nothing");
    }
}

#[test]
fn a_comment_between_a_control_and_its_picture_goes() {
    let plain = encode(&[], Repeat::Infinite, None);
    let picture = plain.windows(4).position(|w| w[0] == 0 && w[1] == 0x2C && w[2..] == [0, 0]).unwrap() + 1;
    let comment = extension(0xFE, &sub_blocks(&planted("comment")));
    let input = [&plain[..picture], &comment, &plain[picture..]].concat();
    let output = strip::gif(&input).unwrap();
    assert_clean(&input, &output);
    assert_eq!(output, plain);
}

#[test]
fn bytes_in_a_loop_extension_and_a_false_profile_go() {
    let body = encode(&[], Repeat::Finite(0), None);
    let (head, rest) = body.split_at(13 + 12);
    let looped = [[1, 7, 0].as_slice(), &planted("loop")].concat();
    let input = [
        head,
        &application(b"NETSCAPE2.0", &sub_blocks(&looped)),
        &application(b"ICCRGBG1012", &sub_blocks(&planted("no profile"))),
        rest,
    ]
    .concat();
    let output = strip::gif(&input).unwrap();
    assert_clean(&input, &output);
    assert_eq!(shown(&output).repeat, Repeat::Finite(7));
    assert_eq!(shown(&output).icc, None);
}

#[test]
fn an_unknown_block_or_no_trailer_is_refused() {
    let plain = encode(&[], Repeat::Infinite, None);
    assert!(strip::gif(&plain[..plain.len() - 1]).is_err());
    assert!(strip::gif(&[&plain[..plain.len() - 1], &[0x77, 0x3B]].concat()).is_err());
    assert!(strip::gif(&[&plain[..13 + 12], &[0x3B]].concat()).is_err(), "no picture");
}

/// Decoders stop at the end code.
#[test]
fn nothing_hides_behind_the_pixels() {
    let plain = strip::gif(&encode(&[], Repeat::Infinite, None)).unwrap();
    let hidden = planted("behind the pixels");
    // The last picture's blocks end in front of the trailer.
    let (picture, trailer) = plain.split_at(plain.len() - 2);
    let block = [&[u8::try_from(hidden.len()).unwrap()][..], &hidden].concat();
    let input = [picture, &block, trailer].concat();
    let output = strip::gif(&input).unwrap();
    assert_clean(&input, &output);
    assert_eq!(output, plain);
}

/// The dictionary of a picture may go on where its pixels do not: nobody shows what comes after.
#[test]
fn more_pixels_than_the_header_says_are_refused() {
    let plain = strip::gif(&encode(&[], Repeat::Infinite, None)).unwrap();
    // The last picture is 10 by 8; it says now that it is 9 by 8.
    let at = plain.windows(5).rposition(|w| w == [10, 0, 8, 0, 0]).unwrap();
    let mut fewer = plain;
    fewer[at] = 9;
    assert_eq!(strip::gif(&fewer).unwrap_err().what, "a picture has more pixels than its header says");
}

/// Of palettes only what is shown stays: of the one that pictures share what any of them uses.
#[test]
fn colours_that_no_pixel_has_go() {
    let hidden = planted("in a palette")[..24].to_vec();
    let picture = |own: &[u8], pixels: &[u8]| {
        let mut frame =
            Frame { width: 2, height: 2, buffer: Cow::Owned(pixels.to_vec()), ..Frame::default() };
        frame.palette = (!own.is_empty()).then(|| own.to_vec());
        frame
    };
    let laden = |colours: &[u8]| [colours, &hidden].concat();
    let mut encoder = Encoder::new(Vec::new(), 2, 2, &laden(&PALETTE[..24 - 12])).unwrap();
    encoder.write_frame(&picture(&[], &[0, 1, 1, 0])).unwrap();
    encoder.write_frame(&picture(&laden(&LOCAL), &[3, 2, 1, 1])).unwrap();
    encoder.write_frame(&picture(&[], &[3, 3, 3, 0])).unwrap();
    let input = encoder.into_inner().unwrap();
    let output = strip::gif(&input).unwrap();
    assert_clean(&input, &output);
    let frames = |gif: &[u8]| -> Vec<_> {
        let frames = GifDecoder::new(Cursor::new(gif)).unwrap().into_frames();
        frames.map(|frame| frame.unwrap().into_buffer()).collect()
    };
    assert_eq!(frames(&output).len(), 3);
    assert_eq!(frames(&output), frames(&input));
    // The third shared colour and the first of the other are nobody's.
    assert_eq!(output[13..13 + 12], [&PALETTE[..6], &[0; 3], &PALETTE[9..]].concat());
    assert!(crate::contains(&output, &[&[0; 3], &LOCAL[3..]].concat()) && !crate::contains(&output, &LOCAL));
    assert_eq!(strip::gif(&output).unwrap(), output);
}
