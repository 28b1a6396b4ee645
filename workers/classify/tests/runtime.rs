//! The runtime is loaded once a process, so this is one test in a binary of its own.

mod common;

use lazaret_classify::{Classifier, runtime};

#[test]
fn a_missing_or_broken_library_is_an_error_and_a_later_good_one_still_loads() {
    let folder = tempfile::tempdir().unwrap();
    let good = common::runtime_path();
    let whole = std::fs::read(&good).expect("run scripts/setup.sh");
    let broken = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    // A real shared library that is no ONNX Runtime.
    let other = std::fs::read_to_string("/proc/self/maps").unwrap();
    let libc = other
        .lines()
        .find_map(|line| line.split_whitespace().find(|word| word.contains("/libc.so")))
        .unwrap();
    let cases = [
        (folder.path().join("missing.so"), "no such file"),
        (broken("empty.so", b""), "is not a shared library"),
        (broken("text.so", &[b'x'; 4096]), "is not a shared library"),
        (broken("header.so", &whole[..4096]), "is cut short"),
        (broken("half.so", &whole[..whole.len() / 2]), "is cut short"),
        (broken("almost.so", &whole[..whole.len() - 1]), "is cut short"),
        (libc.into(), "is not an ONNX Runtime library"),
        (folder.path().to_owned(), "is not a shared library"),
    ];
    for (path, expected) in cases {
        let unavailable = runtime::init(Some(&path)).unwrap_err();
        assert!(unavailable.why.contains(expected), "{}: {unavailable}", path.display());
        assert!(unavailable.why.contains("run scripts/setup.sh"), "{unavailable}");
        assert_eq!(unavailable.engine, "onnxruntime");
        assert_eq!(runtime::current(), None);
    }
    let unavailable = Classifier::start(vec![common::default_model()], 1).err().unwrap();
    assert_eq!(unavailable.engine, "onnxruntime");

    let info = runtime::init(Some(&good)).unwrap();
    assert!(info.version.starts_with("1."), "{info:?}");
    assert_eq!(runtime::current(), Some(info.clone()));
    assert_eq!(runtime::init(Some(&folder.path().join("missing.so"))), Ok(info), "the first success holds");
    assert!(Classifier::start(vec![common::default_model()], 1).is_ok(), "run scripts/setup.sh");
}
