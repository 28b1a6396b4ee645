//! What the tests of this crate share.

use lazaret_inspect::ContentModel;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Once;

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A loaded content model. Fails, saying what to do, where ONNX Runtime is missing.
pub fn model() -> ContentModel {
    static RUNTIME: Once = Once::new();
    RUNTIME.call_once(|| {
        let library = std::env::var_os("LAZARET__MODELS__RUNTIME")
            .map_or_else(|| repository().join(".setup/lib/libonnxruntime.so"), PathBuf::from);
        let library = library.canonicalize().unwrap_or_else(|e| {
            panic!("no onnx runtime at {}: {e}; run scripts/setup.sh", library.display());
        });
        ort::init_from(&library).expect("onnx runtime does not load; run scripts/setup.sh").commit();
    });
    ContentModel::load().expect("the content model loads")
}

/// The folder of real files that lies beside the repository on some machines, or `None`: the only reason to skip.
pub fn corpus() -> Option<PathBuf> {
    let folder = repository().join("../shared/corpus/types/file-type");
    folder.is_dir().then_some(folder)
}

/// A file of these bytes.
pub fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}
