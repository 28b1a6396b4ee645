//! What the tests of this crate share.

use lazaret_inspect::ContentModel;
use lazaret_report::{Coverage, Report};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
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

/// A code, and a part of the words that go with it.
pub type Said = (&'static str, &'static str);

/// Findings by their code and a part of their words, for one may hide behind another of its code; then the same of the
/// coverage, which is complete where the code is empty.
pub fn assert_told(name: &str, report: &Report, findings: &[Said], gap: Said) {
    for (code, words) in findings {
        let is_it = |code: &str, words: &str| {
            report
                .findings
                .iter()
                .any(|f| f.code.strip_prefix("structure.") == Some(code) && f.detail.contains(words))
        };
        assert!(is_it(code, words), "{name}: no {code} of {words:?}: {report:?}");
    }
    if findings.is_empty() {
        assert_eq!(report.findings, [], "{name}");
    }
    let (code, words) = match &report.coverage {
        Coverage::Complete => ("", ""),
        Coverage::Partial(why) | Coverage::Failed(why) => (why.code.as_str(), why.detail.as_str()),
    };
    assert!(code == gap.0 && words.contains(gap.1), "{name}: no {gap:?}: {report:?}");
}

/// A file of `size` bytes that is `head` and then `block` again and again, and counts what is read of it.
pub struct Repeated {
    pub head: Vec<u8>,
    pub block: Vec<u8>,
    pub size: u64,
    pub at: u64,
    pub read: u64,
}

impl Repeated {
    pub fn new(head: Vec<u8>, block: Vec<u8>, size: u64) -> Self {
        Self { head, block, size, at: 0, read: 0 }
    }
}

impl Read for Repeated {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let at = usize::try_from(self.at).unwrap();
        let from = match at.checked_sub(self.head.len()) {
            None => &self.head[at..],
            Some(at) => &self.block[at % self.block.len()..],
        };
        let length = into.len().min(left).min(from.len());
        into[..length].copy_from_slice(&from[..length]);
        self.at += length as u64;
        self.read += length as u64;
        Ok(length)
    }
}

impl Seek for Repeated {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
