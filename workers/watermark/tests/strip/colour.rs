//! Profiles that leave a picture what its numbers show, and those that do not.

use crate::icc_profile;
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

#[test]
fn a_displays_profile_is_kept() {
    let whole = icc_profile(600);
    assert_eq!(profile(&whole), Some(&whole[..]));
    assert_eq!(profile(&[&whole[..], b"behind its end"].concat()), Some(&whole[..]));
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
