//! Files that these tests send.

use lazaret_fixtures::picture;
use std::{fs, path::Path};

/// A text that no other has.
pub fn text(n: usize) -> Vec<u8> {
    format!("A letter, number {n}, in all innocence.\nIt says nothing, on more than one line.\n").into_bytes()
}

/// A small photo that no other is like.
pub fn photo(n: usize) -> Vec<u8> {
    picture::jpeg(&picture::landscape(320, 240, 100 + u32::try_from(n).unwrap()), 85)
}

/// Small as a file, and hard work for a decoder.
pub fn heavy() -> Vec<u8> {
    picture::long_animation(2000, 1600, 250)
}

/// The models of this checkout.
pub fn models() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
}

/// The ONNX Runtime that set-up fetched.
pub fn runtime() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".setup/lib/libonnxruntime.so").canonicalize().unwrap()
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().map(Result::unwrap) {
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
