//! Which keys may be, in any store of blobs.

use crate::ports::{Kind, PortError, Result, blobs::Key};

/// The longest key: a file name on every file system that matters.
const LONGEST: usize = 255;

/// A key that is known to be safe in a path.
#[derive(Debug, Clone)]
pub(super) struct CheckedKey(String);

impl CheckedKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub(super) fn checked(key: &Key) -> Result<CheckedKey> {
    if is_key(key) {
        return Ok(CheckedKey(key.to_owned()));
    }
    let why = format!(
        "{key:?} is not a key: up to {LONGEST} bytes, parts of a-z, 0-9, '.', '_' and '-' joined by '/', none \
         beginning with a dot"
    );
    Err(PortError::new(Kind::Fail, why))
}

fn is_key(key: &str) -> bool {
    let fits = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
    };
    key.len() <= LONGEST && key.split('/').all(fits)
}
