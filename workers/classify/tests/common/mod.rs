#![allow(dead_code, clippy::allow_attributes, reason = "each test binary uses its own part")]

pub mod onnx;
pub mod pictures;

use lazaret_classify::{Classifier, Manifest, runtime};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

pub fn runtime_path() -> PathBuf {
    std::env::var_os("LAZARET__MODELS__RUNTIME")
        .map_or_else(|| root().join(".setup/lib/libonnxruntime.so"), PathBuf::from)
}

/// Loads the runtime, or fails: without it nothing here is tested.
pub fn init() {
    runtime::init(Some(&runtime_path())).expect("run scripts/setup.sh");
}

pub fn default_model() -> Manifest {
    Manifest::load(&root().join("models/nsfw-mobilenet-v2")).unwrap()
}

pub fn default_classifier(threads: usize) -> Classifier {
    init();
    Classifier::start(vec![default_model()], threads).expect("run scripts/setup.sh")
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A models folder made by a test.
pub struct Models(tempfile::TempDir);

impl Models {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes `tiny/model.toml`, where each `(from, to)` has changed the text, and `tiny/model.onnx`; answers the
    /// folder.
    pub fn tiny(&self, model: &[u8], changes: &[(&str, &str)]) -> PathBuf {
        let folder = self.path().join("tiny");
        std::fs::create_dir_all(&folder).unwrap();
        let mut text = TINY.replace("SHA", &sha256(model));
        for (from, to) in changes {
            assert!(text.contains(from), "{from} is not in the manifest");
            text = text.replacen(from, to, 1);
        }
        std::fs::write(folder.join("model.toml"), text).unwrap();
        std::fs::write(folder.join("model.onnx"), model).unwrap();
        folder
    }
}

/// A model of one pixel and three labels.
const TINY: &str = r#"name = "tiny"
version = "1"
description = "made by a test"
licence = "Apache-2.0"
applies_to = ["image"]
sha256 = "SHA"

[source]
kind = "manual"
note = "made by a test"

[input]
width = 1
height = 1
layout = "nhwc"
color = "rgb"
resize = "bilinear-align-corners"

[output]
kind = "softmax"
labels = ["red", "green", "blue"]
"#;
