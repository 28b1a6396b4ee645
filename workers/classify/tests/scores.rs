//! The default model's scores are those of nsfwjs itself: `reference/nsfwjs-4.3.0.json`, which
//! models/nsfw-mobilenet-v2/reference.mjs made, holds to four decimals.

mod common;

use common::pictures;
use lazaret_classify::Classifier;
use serde_json::Value;

const TOLERANCE: f64 = 1e-4;

fn reference() -> Vec<Value> {
    let json: Value = serde_json::from_str(include_str!("reference/nsfwjs-4.3.0.json")).unwrap();
    json["pictures"].as_array().unwrap().clone()
}

fn size(picture: &Value) -> (usize, usize) {
    let side = |key: &str| picture[key].as_u64().unwrap() as usize;
    (side("width"), side("height"))
}

async fn assert_scores(classifier: &Classifier, picture: &Value, rgb: &[u8]) {
    let said = picture["scores"].as_object().unwrap();
    assert_eq!(common::sha256(rgb), picture["rgb_sha256"], "not the picture that nsfwjs saw: {picture}");
    let target = classifier.targets()[0];
    let pixels = pictures::resize(rgb, size(picture), (target.width as usize, target.height as usize));
    let scores = classifier.score(0, pixels).await.unwrap().scores;
    assert_eq!(scores.len(), said.len());
    for (label, score) in classifier.labels(0).iter().zip(scores) {
        let expected = said[label].as_f64().unwrap();
        let difference = (f64::from(score) - expected).abs();
        assert!(difference < TOLERANCE, "{label} is {score} instead of {expected} for {picture}");
    }
}

#[tokio::test]
async fn made_pictures_score_as_in_nsfwjs() {
    let classifier = common::default_classifier(1);
    let mut seen = 0;
    for picture in reference().iter().filter(|picture| picture["formula"].is_string()) {
        let (width, height) = size(picture);
        let rgb = pictures::draw(picture["formula"].as_str().unwrap(), width as u32, height as u32);
        assert_scores(&classifier, picture, &rgb).await;
        seen += 1;
    }
    assert_eq!(seen, 14);
}

/// Skipped only where the corpus, which is no part of the repository, is not there.
#[tokio::test]
async fn a_photo_scores_as_in_nsfwjs() {
    let corpus = common::root().join("../shared/corpus/types/file-type");
    if !corpus.is_dir() {
        return eprintln!("skipped: no corpus");
    }
    let classifier = common::default_classifier(1);
    let reference = reference();
    let picture = reference.iter().find(|picture| picture["file"] == "fixture.png").unwrap();
    let file = std::fs::File::open(corpus.join("fixture.png")).unwrap();
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
    let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut rgb).unwrap();
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
    assert_scores(&classifier, picture, &rgb).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_agree_and_scores_do_not_mix() {
    let classifier = std::sync::Arc::new(common::default_classifier(2));
    let picture = |level: usize| vec![[0.0, 128.0, 255.0][level]; 224 * 224 * 3];
    let mut alone = Vec::new();
    for level in 0..3 {
        alone.push(classifier.score(0, picture(level)).await.unwrap());
    }
    assert_ne!(alone[0], alone[1]);
    assert_ne!(alone[1], alone[2]);
    let ask = |level: usize| {
        let (classifier, pixels) = (std::sync::Arc::clone(&classifier), picture(level));
        (level, tokio::spawn(async move { classifier.score(0, pixels).await.unwrap() }))
    };
    let tasks: Vec<_> = [0, 1, 2, 2, 1, 0, 1, 1, 0, 2].into_iter().map(ask).collect();
    for (level, task) in tasks {
        assert_eq!(task.await.unwrap(), alone[level], "{level}");
    }
}

#[tokio::test]
async fn the_classifier_says_what_it_is() {
    let classifier = common::default_classifier(1);
    assert_eq!(classifier.labels(0), ["drawing", "hentai", "neutral", "porn", "sexy"]);
    assert!(classifier.labels(1).is_empty());
    let engines = classifier.engines();
    assert_eq!(engines.len(), 1);
    assert_eq!(engines[0].name, "nsfw-mobilenet-v2");
    let version = format!("4.3.0/{}/onnxruntime-1.", &common::default_model().sha256[..12]);
    assert!(engines[0].version.starts_with(&version), "{}", engines[0].version);
    assert_eq!(classifier.health(), Ok(()));
}
