//! A wrong key or value names the file, the key and what was expected.

mod common;

use common::Models;
use lazaret_classify::{Layout, Manifest, OutputKind, Resize, load_all};

#[test]
fn every_manifest_in_the_repository_is_sound() {
    let models = load_all(&common::root().join("models"));
    assert!(!models.is_empty());
    let models: Vec<Manifest> = models.into_iter().map(|model| model.unwrap()).collect();
    let default = models.iter().find(|model| model.name == "nsfw-mobilenet-v2").unwrap();
    assert!(default.enabled);
    assert_eq!((default.target().width, default.target().height), (224, 224));
    assert_eq!(default.target().resize, Resize::BilinearAlignCorners);
    assert_eq!((default.input.layout, default.output.kind), (Layout::Nhwc, OutputKind::Softmax));
    assert_eq!((default.input.scaling.divide_by, default.licence.as_str()), (255.0, "MIT"));
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        (
            "version = \"1\"",
            "version = \"1\"\ncolour = \"x\"",
            "key `colour`: unknown field `colour`, expected one of",
        ),
        (
            "width = 1",
            "width = 1\nwide = 2",
            "key `input.wide`: unknown field `wide`, expected one of `width`",
        ),
        ("width = 1", "width = \"1\"", "key `input.width`: invalid type: string \"1\", expected u32"),
        ("width = 1", "width = -1", "key `input.width`: invalid value: integer `-1`, expected u32"),
        ("width = 1", "width = 0", "key `input.width`: expected 1 to 4096, found `0`"),
        ("height = 1\n", "", "key `input`: missing field `height`"),
        ("\"nhwc\"", "\"chw\"", "key `input.layout`: unknown variant `chw`, expected `nhwc` or `nchw`"),
        ("bilinear-align-corners", "lanczos", "key `input.resize`: unknown variant `lanczos`, expected"),
        (
            "\"softmax\"",
            "\"sigmoid\"",
            "key `output.kind`: unknown variant `sigmoid`, expected `softmax` or `detection`",
        ),
        ("\"image\"", "\"audio\"", "key `applies_to`: unknown variant `audio`, expected `image`"),
        (
            "corners\"",
            "corners\"\nscaling = { divide_by = 0.0 }",
            "key `input.scaling.divide_by`: expected a number",
        ),
        (
            "corners\"",
            "corners\"\nscaling = { std = [1.0, 0.0, 1.0] }",
            "key `input.scaling.std`: expected three",
        ),
        (
            "corners\"",
            "corners\"\nscaling = { mean = [nan, 0.0, 1.0] }",
            "key `input.scaling.mean`: expected three",
        ),
        ("\"tiny\"", "\"Tiny\"", "key `name`: expected lower-case letters"),
        ("\"tiny\"", "\"other\"", "key `name`: expected the folder's name, `tiny`, found `other`"),
        ("\"green\"", "\"red\"", "key `output.labels`: expected each label once, found `red`"),
        ("\"green\"", "\"Green!\"", "key `output.labels`: expected lower-case letters"),
        ("[\"red\", \"green\", \"blue\"]", "[]", "key `output.labels`: expected at least one label"),
        ("sha256 = \"", "sha256 = \"A", "key `sha256`: expected 64 lower-case hexadecimal digits"),
        (
            "version = \"1\"",
            "version = \"1\"\nfile = \"../x.onnx\"",
            "key `file`: expected the name of a file",
        ),
        (
            "note = \"made by a test\"\n\n[input]",
            "[input]",
            "key `source.note`: expected how to get the weights",
        ),
        ("\"manual\"", "\"npm\"", "key `source.package`: expected the package's name"),
        ("width = 1", "width = ", "key `input.width`: "),
    ];
    let models = Models::new();
    for (from, to, expected) in cases {
        let folder = models.tiny(b"", &[(from, to)]);
        let error = Manifest::load(&folder).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(expected), "{from} to {to}: {message}");
        assert!(message.starts_with(&format!("{}", folder.join("model.toml").display())), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
}

#[test]
fn folders_without_a_manifest_are_named_and_hidden_ones_passed_over() {
    let models = Models::new();
    models.tiny(b"", &[]);
    std::fs::create_dir(models.path().join("empty")).unwrap();
    std::fs::create_dir(models.path().join("__pycache__")).unwrap();
    std::fs::create_dir(models.path().join(".git")).unwrap();
    std::fs::write(models.path().join("README.md"), "").unwrap();
    let found = load_all(models.path());
    assert_eq!(found.len(), 2);
    assert!(found[0].as_ref().unwrap_err().to_string().contains("empty/model.toml"));
    assert_eq!(found[1].as_ref().unwrap().name, "tiny");

    let missing = models.path().join("missing");
    let found = load_all(&missing);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].as_ref().unwrap_err().path(), missing);
}
