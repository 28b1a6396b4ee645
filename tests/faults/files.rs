//! What is sent, and what must become of it.

use lazaret_fixtures::{Noise, Zip, eicar, picture};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    All,
    /// None that would be published: a second verdict on those, the store's keys refuse by themselves.
    Withheld,
}

pub struct File {
    pub name: String,
    pub bytes: Vec<u8>,
    /// The state that it comes to.
    pub state: &'static str,
}

/// File number `n`; no two have the same bytes.
pub fn file(n: usize, mix: Mix) -> File {
    let text = format!("A letter, number {n}, in all innocence.\nIt says nothing, on more than one line.\n")
        .into_bytes();
    let kind = match mix {
        Mix::All => n % 10,
        Mix::Withheld => n % 4,
    };
    let (ending, bytes, state) = match kind {
        0 => ("txt", [&eicar()[..], &vec![b'\n'; n]].concat(), "quarantined"),
        1 | 3 => ("png", truncated(n), "in_review"),
        2 => ("zip", Zip::default().encrypted("a.txt", &text).finish(), "in_review"),
        4..=6 => ("txt", text, "published"),
        _ => ("jpg", photo(n), "published"),
    };
    File { name: format!("{n}.{ending}"), bytes, state }
}

/// Larger than one part of a transfer to S3.
const LARGE: usize = 9 << 20;

pub fn large(n: usize, mix: Mix) -> File {
    let line = format!("A long letter, number {n}: it says the same on every line, and nothing by that.\n");
    let mut bytes = line.repeat(LARGE / line.len() + 1).into_bytes();
    let state = match mix {
        Mix::All => "published",
        Mix::Withheld => {
            bytes.truncate(LARGE);
            bytes = Zip::default().encrypted("a.txt", &bytes).finish();
            "in_review"
        }
    };
    let ending = if mix == Mix::All { "txt" } else { "zip" };
    File { name: format!("large-{n}.{ending}"), bytes, state }
}

/// What is put in the place of held bytes: a picture that would be published.
pub fn impostor() -> Vec<u8> {
    picture::jpeg(&picture::landscape(WIDTH / 2, HEIGHT / 2, 5), 85)
}

/// Of every picture that is sent and may be published.
pub const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;

fn photo(n: usize) -> Vec<u8> {
    picture::jpeg(&picture::landscape(WIDTH, HEIGHT, 100 + u32::try_from(n).expect("not that many")), 85)
}

/// Half of a picture.
fn truncated(n: usize) -> Vec<u8> {
    let mut noise = Noise::new(u32::try_from(n).expect("not that many"));
    let mut png = picture::png(&picture::landscape(80, 60, 7 + u32::try_from(n).expect("not that many")));
    png.truncate(png.len() / 2 - usize::try_from(noise.below(20)).expect("small"));
    png
}

/// In another order.
pub fn shuffle<T>(all: &mut [T], noise: &mut Noise) {
    for last in (1..all.len()).rev() {
        let bound = u32::try_from(last + 1).expect("not that many");
        all.swap(last, usize::try_from(noise.below(bound)).expect("below it"));
    }
}
