//! A model that is missing, changed, broken or nonsensical is unavailable; a picture that it cannot answer for is a
//! failure. Neither is ever a low score.

mod common;

use common::{Models, onnx};
use lazaret_classify::{Classifier, Manifest, ScoreError};
use lazaret_report::Coverage;

/// What in the manifest is replaced by what.
type Changes<'a> = &'a [(&'a str, &'a str)];

fn start_error(folder: &std::path::Path) -> String {
    common::init();
    let manifest = Manifest::load(folder).unwrap();
    let unavailable = Classifier::start(vec![manifest], 1).err().expect("it started");
    assert_eq!(unavailable.engine, "tiny");
    unavailable.why
}

#[tokio::test]
async fn a_sound_model_scores() {
    common::init();
    let models = Models::new();
    let folder = models.tiny(&onnx::softmax_of_a_pixel(1.0), &[]);
    let classifier = Classifier::start(vec![Manifest::load(&folder).unwrap()], 1).unwrap();
    let scores = classifier.score(0, vec![100.0, 200.0, 50.0]).await.unwrap().scores;
    assert!(scores[0] < 1e-6 && scores[1] > 0.999 && scores[2] < 1e-6, "{scores:?}");
    assert_eq!(classifier.engines()[0].name, "tiny");
}

#[test]
fn a_model_file_that_is_not_right_stops_the_start() {
    let models = Models::new();
    let good = onnx::softmax_of_a_pixel(1.0);

    let folder = models.tiny(&good, &[]);
    std::fs::remove_file(folder.join("model.onnx")).unwrap();
    let why = start_error(&folder);
    assert!(why.contains("no such file") && why.contains("run scripts/setup.sh"), "{why}");

    let folder = models.tiny(&good, &[]);
    let mut changed = good.clone();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(folder.join("model.onnx"), changed).unwrap();
    let why = start_error(&folder);
    assert!(why.contains("SHA-256") && why.contains("run scripts/setup.sh"), "{why}");

    for corrupt in [&b"this is no model"[..], b"", &good[..good.len() / 2]] {
        let why = start_error(&models.tiny(corrupt, &[]));
        assert!(why.contains("is not a usable model") || why.contains("has 0 inputs"), "{why}");
    }
}

#[test]
fn a_model_that_is_not_what_its_manifest_says_stops_the_start() {
    let models = Models::new();
    let softmax = onnx::softmax_of_a_pixel(1.0);
    let flat =
        onnx::model(&[1, 1, 1, 3], &[("scores", &[1, 3])], &[onnx::node("Flatten", &["pixels"], "scores")]);
    let nan = {
        let parts =
            [onnx::node("Div", &["pixels", "pixels"], "nan"), onnx::node("Flatten", &["nan"], "scores")];
        onnx::model(&[1, 1, 1, 3], &[("scores", &[1, 3])], &parts)
    };
    let integers = {
        let parts = [onnx::integers("scores", &[1, 2, 3])];
        onnx::model(&[1, 1, 1, 3], &[("scores", &[3])], &parts)
    };
    let two_outputs = {
        let parts = [onnx::node("Flatten", &["pixels"], "a"), onnx::node("Flatten", &["pixels"], "b")];
        onnx::model(&[1, 1, 1, 3], &[("a", &[1, 3]), ("b", &[1, 3])], &parts)
    };
    let cases: [(&[u8], Changes, &str); 9] = [
        (&softmax, &[(", \"blue\"]", "]")], "shape is [1, 3] instead of [1, 2]"),
        (&softmax, &[("width = 1", "width = 2")], "model.run"),
        (&softmax, &[("\"nhwc\"", "\"nchw\"")], "model.run"),
        (
            &softmax,
            &[("\"softmax\"", "\"softmax\"\nname = \"other\"")],
            "has no output `other`; it has scores",
        ),
        (&softmax, &[("\"softmax\"", "\"detection\"")], "instead of [1, 7, boxes]"),
        (&flat, &[], "sum to 0"),
        (&nan, &[], "NaN is not a probability"),
        (&two_outputs, &[], "has the outputs a, b; name one in output.name"),
        (&integers, &[], "is not"),
    ];
    for (model, changes, expected) in cases {
        let why = start_error(&models.tiny(model, changes));
        assert!(why.contains(expected), "{changes:?}: {why}");
    }
}

#[tokio::test]
async fn nan_on_one_picture_is_a_failure_of_that_picture() {
    common::init();
    let models = Models::new();
    // Softmax of infinities is NaN; black, as in the warm-up, is sound.
    let folder = models.tiny(&onnx::softmax_of_a_pixel(1e38), &[]);
    let classifier = Classifier::start(vec![Manifest::load(&folder).unwrap()], 1).unwrap();
    let error = classifier.score(0, vec![255.0, 0.0, 0.0]).await.unwrap_err();
    let Ok(Coverage::Failed(why)) = error.into_coverage() else { panic!("not a failed coverage") };
    assert_eq!(why.code, "model.output");
    assert!(classifier.score(0, vec![0.0; 3]).await.is_ok());
    assert_eq!(classifier.health(), Ok(()));
}

#[tokio::test]
async fn pixels_that_are_no_picture_are_a_failure() {
    common::init();
    let models = Models::new();
    let folder = models.tiny(&onnx::softmax_of_a_pixel(1.0), &[]);
    let classifier = Classifier::start(vec![Manifest::load(&folder).unwrap()], 1).unwrap();
    for (model, pixels, code) in [
        (0, vec![], "model.input"),
        (0, vec![1.0; 4], "model.input"),
        (0, vec![f32::NAN; 3], "model.input"),
        (0, vec![256.0; 3], "model.input"),
        (1, vec![1.0; 3], "model.unknown"),
    ] {
        let ScoreError::Failed(why) = classifier.score(model, pixels).await.unwrap_err() else {
            panic!("{code}")
        };
        assert_eq!(why.code, code);
    }
}

#[tokio::test]
async fn a_detector_scores_each_label_by_its_best_box() {
    common::init();
    let models = Models::new();
    // Four pixels are twelve values: six rows (a box, two labels) of two boxes.
    let parts = [onnx::integers("shape", &[1, 6, 2]), onnx::node("Reshape", &["pixels", "shape"], "boxes")];
    let model = onnx::model(&[1, 1, 4, 3], &[("boxes", &[1, 6, 2])], &parts);
    let changes = [
        ("width = 1", "width = 4"),
        ("corners\"", "corners\"\nscaling = { divide_by = 255.0 }"),
        ("\"softmax\"", "\"detection\""),
        ("[\"red\", \"green\", \"blue\"]", "[\"face\", \"foot\"]"),
    ];
    let folder = models.tiny(&model, &changes);
    let classifier = Classifier::start(vec![Manifest::load(&folder).unwrap()], 1).unwrap();
    let pixels = vec![255.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 51.0, 204.0, 102.0, 0.0];
    let answer = classifier.score(0, pixels).await.unwrap();
    assert_eq!(answer.scores, [0.8, 0.4]);
    // The second box, and the first, in which there is too little of the first label.
    let parts: Vec<_> =
        answer.parts.iter().map(|part| (part.label, part.region.x, part.region.width)).collect();
    assert_eq!(parts, [(0, 0.0044, 0.0088), (1, 0.2456, 0.0088)]);
}

#[test]
fn no_enabled_model_is_unavailable() {
    common::init();
    let models = Models::new();
    let folder = models.tiny(&onnx::softmax_of_a_pixel(1.0), &[("[source]", "enabled = false\n[source]")]);
    for none in [vec![], vec![Manifest::load(&folder).unwrap()]] {
        let unavailable = Classifier::start(none, 1).err().unwrap();
        assert!(unavailable.why.contains("no model is enabled"), "{unavailable}");
    }
}
