//! Strip: planted sentinels are gone, and what is shown is the same.

mod colour;
mod corpus;
mod gif;
mod hostile;
mod jpeg;
mod png;
mod webp;

/// Begins every planted text; no kept byte of a test picture contains it.
const SENTINEL: &str = "SNTNL";

fn planted(place: &str) -> Vec<u8> {
    format!("{SENTINEL} {place} 52.5200N 13.4050E").into_bytes()
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// The input really holds sentinels, and the output holds none.
fn assert_clean(input: &[u8], output: &[u8]) {
    let sentinels = input.windows(SENTINEL.len()).filter(|w| *w == SENTINEL.as_bytes()).count();
    assert!(sentinels > 0, "the test planted nothing");
    assert!(!contains(output, SENTINEL.as_bytes()), "one of {sentinels} sentinels came through");
}

/// A display's profile of at least this length.
fn icc_profile(length: usize) -> Vec<u8> {
    lazaret_fixtures::icc::profile_of(length)
}

/// What of [`icc_profile`] comes through.
fn kept_profile() -> Vec<u8> {
    lazaret_watermark::strip::profile(&icc_profile(600)).unwrap()
}

/// A photo-like picture, as RGBA with some transparency.
fn picture(width: u32, height: u32, seed: u32) -> image::RgbaImage {
    image::RgbaImage::from_fn(width, height, |x, y| {
        let v = (x * 7 + y * 13 + seed * 40) as u8;
        image::Rgba([v, v.wrapping_add(60), (x * y + seed) as u8, if (x + y) % 5 == 0 { 90 } else { 255 }])
    })
}
