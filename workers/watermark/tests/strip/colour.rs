//! Profiles that leave a picture what its numbers show, and those that do not.

use crate::{contains, icc_profile};
use lazaret_watermark::strip::profile;

/// The place of a tag's content.
fn tag(profile: &[u8], name: &[u8; 4]) -> usize {
    let at = profile.windows(4).position(|w| w == name).unwrap();
    u32::from_be_bytes(profile[at + 4..at + 8].try_into().unwrap()) as usize
}

/// The profile of a display, changed.
fn changed(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut profile = icc_profile(600);
    change(&mut profile);
    profile
}

/// The names and contents of a profile's tags.
fn tags(profile: &[u8]) -> Vec<(&[u8], &[u8])> {
    let number = |at: usize| u32::from_be_bytes(profile[at..at + 4].try_into().unwrap()) as usize;
    let entries = (0..number(128)).map(|i| 132 + 12 * i);
    entries.map(|at| (&profile[at..at + 4], &profile[number(at + 4)..][..number(at + 8)])).collect()
}

const COLOURS: [&[u8]; 7] = [b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC"];

/// What says how its numbers are shown.
fn colours(profile: &[u8]) -> Vec<(&[u8], &[u8])> {
    tags(profile).into_iter().filter(|(name, _)| COLOURS.contains(name)).collect()
}

#[test]
fn of_a_profile_only_its_colours_are_kept() {
    let planted = b"<script>PK\x03\x04 and whatever one likes";
    let whole = icc_profile(70_000);
    let mut laden = changed(|p| {
        // A tag that nobody knows, a text, a header's unused bytes, and what lies behind all tags.
        let at = p.windows(4).position(|w| w == b"desc").unwrap();
        p[at..at + 4].copy_from_slice(b"priv");
        let content = tag(p, b"cprt");
        p[content + 8..content + 20].copy_from_slice(&planted[..12]);
        p[84..84 + 44].fill(b'#');
        p[84..84 + planted.len()].copy_from_slice(planted);
        let end = p.len();
        p[end - planted.len()..].copy_from_slice(planted);
    });
    laden.extend(planted);
    let written = profile(&laden).unwrap();
    for ((name, content), (was, held)) in colours(&written).into_iter().zip(colours(&laden)) {
        assert!(name == was && held.starts_with(content) && content.len() >= 14, "{name:?}");
    }
    assert_eq!(profile(&whole).unwrap(), written, "nothing else has a say");
    assert!(!contains(&written, &planted[..8]) && !contains(&written, b"priv") && !contains(&written, b"##"));
    assert!(written.len() < 600, "{} bytes", written.len());
    assert_eq!(profile(&written).unwrap(), written, "a second time changes nothing");
    assert_eq!(u32::from_be_bytes(written[..4].try_into().unwrap()) as usize, written.len());
    let names: Vec<_> = tags(&written).into_iter().map(|(name, _)| name).collect();
    let texts: [&[u8]; 3] = [b"desc", b"cprt", b"wtpt"];
    assert_eq!(names, [&texts[..], &COLOURS[..6]].concat());
}

/// Curves of the other kinds: a function, a table, a table without end, and one for greys.
#[test]
fn curves_stay_what_they_are() {
    let function = |p: &[i32]| -> Vec<u8> {
        let kind = [9_u16, 0, 9, 1, 2, 3, 9, 4].get(p.len()).map_or(0, |kind| *kind);
        let parameters: Vec<u8> = p.iter().flat_map(|p| p.to_be_bytes()).collect();
        [&b"para\0\0\0\0"[..], &kind.to_be_bytes(), &[0; 2], &parameters, b"behind them"].concat()
    };
    let table = |count: u32| -> Vec<u8> {
        let values = (0..count).map(|i| (f64::from(i) / f64::from(count - 1)).powf(2.2) * 65535.0);
        let values: Vec<u8> = values.flat_map(|value| (value.round() as u16).to_be_bytes()).collect();
        [&b"curv\0\0\0\0"[..], &count.to_be_bytes(), &values, b"behind them"].concat()
    };
    let srgb = [0x2_6666, 0xf2a7, 0x0d59, 0x13d0, 0x0a5b];
    for (curve, keeps) in [
        (function(&[0x2_3333]), Some(16)),
        (function(&srgb), Some(32)),
        (table(1024), Some(12 + 2048)),
        (table(4096), Some(12 + 8192)),
        (table(65_536), None),
    ] {
        let mut laden = icc_profile(600);
        for name in [b"rTRC", b"gTRC", b"bTRC"] {
            let at = laden.windows(4).position(|w| w == name).unwrap();
            let end = laden.len() as u32;
            laden[at + 4..at + 8].copy_from_slice(&end.to_be_bytes());
            laden[at + 8..at + 12].copy_from_slice(&(curve.len() as u32).to_be_bytes());
            laden.extend(&curve);
        }
        let length = laden.len() as u32;
        laden[..4].copy_from_slice(&length.to_be_bytes());
        let written = profile(&laden).unwrap();
        assert_eq!(written[8], if curve.starts_with(b"para") { 4 } else { 2 });
        assert!(!contains(&written, b"behind"));
        let kept = colours(&written);
        match keeps {
            Some(length) => assert!(kept[3..].iter().all(|(_, content)| *content == &curve[..length])),
            // Through as many points as a table may have, and as near as they can be told.
            None => {
                let values = |curve: &[u8]| -> Vec<u16> {
                    curve[12..12 + 8192].as_chunks::<2>().0.iter().map(|b| u16::from_be_bytes(*b)).collect()
                };
                let (made, fine) = (values(kept[3].1), values(&table(4096)));
                assert!(
                    kept[3].1.len() == 12 + 8192 && made.iter().zip(fine).all(|(a, b)| a.abs_diff(b) <= 1)
                );
            }
        }
        assert_eq!(profile(&written).unwrap(), written);
    }
    let grey = changed(|p| {
        p[16..20].copy_from_slice(b"GRAY");
        let at = p.windows(4).position(|w| w == b"rTRC").unwrap();
        p[at..at + 4].copy_from_slice(b"kTRC");
    });
    let written = profile(&grey).unwrap();
    assert_eq!(colours(&written).len(), 1);
    assert_eq!(profile(&written).unwrap(), written);
}

#[test]
fn a_displays_profile_is_kept() {
    // Gamma 1.8, as some have.
    let other = changed(|p| {
        for name in [b"rTRC", b"gTRC", b"bTRC"] {
            let at = tag(p, name);
            p[at + 12..at + 14].copy_from_slice(&[1, 0xcd]);
        }
    });
    assert!(profile(&other).is_some());
}

#[test]
fn a_profile_that_shows_another_picture_is_not() {
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("colours of print", changed(|p| p[16..20].copy_from_slice(b"CMYK"))),
        ("connected by other numbers", changed(|p| p[20..24].copy_from_slice(b"Lab "))),
        ("no signature", changed(|p| p[36..40].copy_from_slice(b"xxxx"))),
        ("cut off", icc_profile(600)[..590].to_vec()),
        (
            "red for blue",
            changed(|p| {
                let (red, blue) = (tag(p, b"rXYZ"), tag(p, b"bXYZ"));
                let was = p[red..red + 20].to_vec();
                p.copy_within(blue..blue + 20, red);
                p[blue..blue + 20].copy_from_slice(&was);
            }),
        ),
        (
            "all dark",
            changed(|p| {
                let at = tag(p, b"gTRC");
                p[at + 12..at + 14].copy_from_slice(&[8, 0]);
            }),
        ),
        (
            "no curve",
            changed(|p| {
                let at = tag(p, b"gTRC");
                p[at + 8..at + 12].copy_from_slice(&[0; 4]);
            }),
        ),
        (
            "tables in the place of curves",
            changed(|p| {
                let at = p.windows(4).position(|w| w == b"cprt").unwrap();
                p[at..at + 4].copy_from_slice(b"A2B0");
            }),
        ),
        (
            "two of a name",
            changed(|p| {
                let at = p.windows(4).position(|w| w == b"cprt").unwrap();
                p[at..at + 4].copy_from_slice(b"rTRC");
            }),
        ),
    ];
    for (name, bytes) in cases {
        assert_eq!(profile(&bytes), None, "{name}");
    }
}
