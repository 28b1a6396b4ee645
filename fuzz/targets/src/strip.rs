//! The metadata strip: what comes out is stripped already, and whole.

use crate::{choose, chosen};
use lazaret_fixtures::each;
use lazaret_inspect::structure::walk;
use lazaret_watermark::strip::{self, StripError};
use std::io::Cursor;

type Strip = fn(&[u8]) -> Result<Vec<u8>, StripError>;

/// Canonical media types, in the order of [`STRIPS`].
const TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/webp", "image/gif"];
const STRIPS: [Strip; 4] = [strip::jpeg, strip::png, strip::webp, strip::gif];

pub fn run(data: &[u8]) {
    let places = [0usize, 1, 2, 3];
    let Some((place, file)) = choose(&places, data) else { return };
    let (media_type, strip) = (TYPES[*place], STRIPS[*place]);
    let stripped = match strip(file) {
        Ok(stripped) => stripped,
        Err(error) => {
            assert!(error.at <= file.len(), "{error} of {}", file.len());
            return;
        }
    };
    assert_eq!(strip(&stripped).as_ref(), Ok(&stripped), "{media_type}: not clean after one strip");
    let report = walk(media_type, &mut Cursor::new(&stripped), stripped.len() as u64);
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    let behind = report.findings.iter().find(|finding| finding.code == "structure.trailing");
    assert!(behind.is_none(), "{media_type}: {behind:?}");
}

pub fn seeds() -> Vec<Vec<u8>> {
    each::all().iter().filter_map(|file| chosen(&TYPES, &file.media_type, &file.bytes)).collect()
}
