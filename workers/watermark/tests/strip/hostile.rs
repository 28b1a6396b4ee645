//! Malformed files: an error or a file that strips to itself, never a panic.

use crate::{gif, icc_profile, jpeg, png, webp};
use lazaret_watermark::strip::{self, StripError};
use proptest::prelude::*;
use std::sync::LazyLock;

type Strip = fn(&[u8]) -> Result<Vec<u8>, StripError>;

static FILES: LazyLock<Vec<(&str, Strip, Vec<u8>)>> = LazyLock::new(|| {
    let profile = icc_profile(300);
    let rgb = turbojpeg::PixelFormat::RGB;
    vec![
        ("jpeg", strip::jpeg as Strip, jpeg::laden(&jpeg::encode(rgb, false), &profile)),
        ("progressive jpeg", strip::jpeg, jpeg::laden(&jpeg::encode(rgb, true), &profile)),
        ("png", strip::png, png::laden(&png::encode(1), Some(&profile))),
        ("apng", strip::png, png::laden(&png::encode(3), Some(&profile))),
        ("webp", strip::webp, webp::animated(true)),
        ("gif", strip::gif, gif::encode(&[], ::gif::Repeat::Infinite, Some(&profile))),
    ]
});

/// Whatever was done to the input: what comes out is a file that needs no further strip.
fn check(name: &str, strip: Strip, input: &[u8]) {
    if let Ok(output) = strip(input) {
        assert_eq!(strip(&output).as_ref(), Ok(&output), "{name}: not clean after one strip");
    }
}

#[test]
fn every_truncation_is_refused() {
    for (name, strip, file) in FILES.iter() {
        let whole = strip(file).unwrap();
        for length in 0..whole.len() {
            assert!(strip(&whole[..length]).is_err(), "{name} cut to {length} of {} bytes", whole.len());
        }
    }
}

#[test]
fn each_format_refuses_the_others() {
    for (name, _, file) in FILES.iter() {
        let accepted = [strip::jpeg as Strip, strip::png, strip::webp, strip::gif];
        assert_eq!(accepted.iter().filter(|strip| strip(file).is_ok()).count(), 1, "{name}");
    }
}

#[test]
fn an_error_names_format_place_and_trouble() {
    let message = strip::gif(b"GIF89a").unwrap_err().to_string();
    assert_eq!(message, "gif cannot be stripped, at byte 6: it ends too early");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300), which in 0usize..6, head in 0usize..60) {
        let (name, strip, file) = &FILES[which];
        check(name, *strip, &bytes);
        check(name, *strip, &[&file[..head], bytes.as_slice()].concat());
    }

    #[test]
    fn damaged_files(
        which in 0usize..6,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        remove in 0usize..9,
    ) {
        let (name, strip, file) = &FILES[which];
        let mut bytes = file.clone();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        check(name, *strip, &bytes);
        let at = cut.index(bytes.len() - remove);
        bytes.drain(at..at + remove);
        check(name, *strip, &bytes);
    }
}
