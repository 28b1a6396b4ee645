//! What fuzzing feeds each parser of ours with, and what must hold whatever it is fed.
//!
//! A target is a function of bytes that panics where a promise is broken, and seeds that lead into its parser. libFuzzer
//! runs them from `fuzz/fuzz_targets/`; the tests here run them on their seeds and on a few mutants of each, so that
//! neither rots.

pub mod archive;
pub mod child_hears;
pub mod child_says;
pub mod clamd;
pub mod container;
pub mod filename;
pub mod frame;
pub mod headers;
pub mod heif;
pub mod identify;
pub mod manifest;
pub mod meta;
pub mod packets;
pub mod playlist;
pub mod policy;
pub mod rtmp;
pub mod rtsp;
pub mod strip;
pub mod submission;
pub mod token;
pub mod unpack;
pub mod url;
pub mod webhook;

use lazaret_report::{Coverage, Evidence, Report};

/// One parser, or a few of a kind.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    pub seeds: fn() -> Vec<Vec<u8>>,
}

macro_rules! targets {
    ($($name:ident)*) => {
        &[$(Target { name: stringify!($name), run: $name::run, seeds: $name::seeds }),*]
    };
}

/// All of them, in the order in which `make fuzz` runs them.
pub const TARGETS: &[Target] = targets! {
    container archive unpack strip meta identify child_says child_hears clamd url submission webhook headers filename
    manifest policy frame rtmp playlist rtsp token heif
    packets
};

/// The first byte chooses among `choices`, the rest is for it.
fn choose<'a, T>(choices: &'a [T], data: &'a [u8]) -> Option<(&'a T, &'a [u8])> {
    let (first, rest) = data.split_first()?;
    Some((choices.get(usize::from(*first) % choices.len())?, rest))
}

/// A seed for a target that uses [`choose`].
fn chosen<T: PartialEq>(choices: &[T], choice: &T, bytes: &[u8]) -> Option<Vec<u8>> {
    let place = u8::try_from(choices.iter().position(|other| other == choice)?).ok()?;
    Some([&[place], bytes].concat())
}

/// Parts of an input, one a line; the last is all of the rest.
fn lines<const N: usize>(data: &[u8]) -> [&[u8]; N] {
    let mut rest = data.splitn(N, |byte| *byte == b'\n');
    std::array::from_fn(|_| rest.next().unwrap_or_default())
}

/// Text for people holds no byte of the file unescaped, and is short.
fn is_for_people(text: &str) -> bool {
    text.len() <= 4096 && !text.contains(char::is_control)
}

/// What must hold of every report on a file of `size` bytes.
fn holds(report: &Report, size: u64) {
    assert!(report.findings.len() <= 512, "{} findings", report.findings.len());
    for finding in &report.findings {
        assert!(is_for_people(&finding.detail), "{finding:?}");
        match &finding.evidence {
            Some(Evidence::Bytes { offset, length }) => {
                let end = offset.checked_add(*length);
                assert!(end.is_some_and(|end| end <= size), "{finding:?} in {size} bytes");
            }
            Some(Evidence::Member { name }) => assert!(is_for_people(name), "{finding:?}"),
            Some(Evidence::Frame { .. } | Evidence::Time { .. }) | None => {}
        }
    }
    if let Coverage::Partial(why) | Coverage::Failed(why) = &report.coverage {
        assert!(!why.code.is_empty() && is_for_people(&why.detail), "{why:?}");
    }
}

/// It was read to its end, and there is nothing to say of it.
fn is_clean(report: &Report) -> bool {
    report.coverage.is_complete() && report.findings.is_empty()
}
