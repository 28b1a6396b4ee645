//! A model that knows nothing but colours.

use crate::{onnx, site::Site};
use sha2::{Digest, Sha256};

const MANIFEST: &str = r#"name = "tiny"
version = "1"
description = "the colour of the pixel in the upper left corner"
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

/// Writes it into the site's folder `models`: the softmax of a pixel's channels, each times 0.02.
pub fn write_model(site: &Site) {
    let model = onnx::softmax_of_a_pixel(0.02);
    let sha256 = lazaret::hex(&Sha256::digest(&model));
    site.write("models/tiny/model.onnx", &model);
    site.write("models/tiny/model.toml", MANIFEST.replace("SHA", &sha256).as_bytes());
}
