//! `model.toml`.

use lazaret_classify::Manifest;
use std::{collections::BTreeSet, path::Path};

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let folder = Path::new("models/nsfw-mobilenet-v2");
    match Manifest::parse(text, folder) {
        Ok(manifest) => {
            assert_eq!(manifest.name, "nsfw-mobilenet-v2");
            assert_eq!(manifest.model_path().parent(), Some(folder), "{:?}", manifest.file);
            let labels: BTreeSet<_> = manifest.output.labels.iter().collect();
            assert!(!labels.is_empty() && labels.len() == manifest.output.labels.len());
            let target = manifest.target();
            assert!((1..=4096).contains(&target.width) && (1..=4096).contains(&target.height), "{target:?}");
            let scaling = manifest.input.scaling;
            assert!(
                scaling.divide_by.is_normal() && scaling.std.iter().all(|x| x.is_normal()),
                "{scaling:?}"
            );
        }
        Err(error) => assert!(error.to_string().contains("model.toml"), "{error}"),
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let text = include_str!("../../../models/nsfw-mobilenet-v2/model.toml");
    vec![
        text.as_bytes().to_vec(),
        text.replace("softmax", "detection").into_bytes(),
        text.replace("nhwc", "nchw").into_bytes(),
    ]
}
