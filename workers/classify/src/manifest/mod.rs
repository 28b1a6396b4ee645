//! `models/<name>/model.toml`: what a model is, what it expects and what it says. `models/README.md` explains every key.

mod check;
mod error;
mod load;

pub use error::ManifestError;
pub use load::load_all;

use serde::Deserialize;
use std::path::PathBuf;

/// One model, as its folder describes it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The folder's name too: lower-case letters, digits and `-`. It prefixes the labels: `nsfw-mobilenet-v2.porn`.
    pub name: String,
    pub version: String,
    pub description: String,
    /// An SPDX expression.
    pub licence: String,
    pub applies_to: Vec<AppliesTo>,
    /// The ONNX file, in the manifest's folder.
    #[serde(default = "default_file")]
    pub file: String,
    /// Of the ONNX file, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// A model that is not enabled is left out.
    #[serde(default = "yes")]
    pub enabled: bool,
    pub source: Source,
    pub input: Input,
    pub output: Output,
    /// Where the manifest was found.
    #[serde(skip)]
    pub folder: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppliesTo {
    Image,
}

/// Where the weights come from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub kind: SourceKind,
    pub package: Option<String>,
    pub version: Option<String>,
    /// What the operator does by hand where the kind is `manual`.
    pub note: Option<String>,
    #[serde(default)]
    pub files: Vec<SourceFile>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    Npm,
    Pypi,
    Manual,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// Inside the unpacked package.
    pub path: String,
    pub sha256: String,
}

/// What the model wants to be given: one float32 tensor, `[1, height, width, 3]` or `[1, 3, height, width]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    pub width: u32,
    pub height: u32,
    pub layout: Layout,
    pub color: Color,
    pub resize: Resize,
    #[serde(default)]
    pub scaling: Scaling,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    Nhwc,
    Nchw,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Color {
    Rgb,
    Bgr,
}

/// How a picture is brought to the model's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// The whole picture, its proportions given up; bilinear, without antialiasing, the centres of the corner pixels
    /// of source and target on each other: `source = target * (source_size - 1) / (target_size - 1)`, as TensorFlow's
    /// `resizeBilinear(alignCorners = true)`.
    BilinearAlignCorners,
}

/// `(value / divide_by - mean) / std` for each channel in the model's order; values come as 0 to 255.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scaling {
    pub divide_by: f32,
    pub mean: [f32; 3],
    pub std: [f32; 3],
}

impl Default for Scaling {
    fn default() -> Self {
        Self { divide_by: 1.0, mean: [0.0; 3], std: [1.0; 3] }
    }
}

/// What the model says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    pub kind: OutputKind,
    /// The tensor's name; needed where the model has more than one output.
    pub name: Option<String>,
    /// In the order of the model's values.
    pub labels: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputKind {
    /// `[1, labels]`: probabilities that sum to 1.
    Softmax,
    /// `[1, 4 + labels, boxes]`, or the same transposed: a box and each label's probability, as YOLOv8 exports it. A
    /// label's score is that of the box which has most of it.
    Detection,
}

/// What the sampler must deliver for a model: `width * height` RGB pixels as `f32` from 0 to 255, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target {
    pub width: u32,
    pub height: u32,
    pub resize: Resize,
}

impl Manifest {
    pub fn target(&self) -> Target {
        Target { width: self.input.width, height: self.input.height, resize: self.input.resize }
    }

    /// Where the ONNX file is.
    pub fn model_path(&self) -> PathBuf {
        self.folder.join(&self.file)
    }
}

fn default_file() -> String {
    "model.onnx".to_owned()
}

fn yes() -> bool {
    true
}
