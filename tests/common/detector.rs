//! A detector of the tests' own, which says in which quarters of a picture there is how much of a colour.

use crate::{onnx, site::Site, upload::sha256};

const MANIFEST: &str = r#"name = "spots"
version = "1"
description = "the colours in the corners"
licence = "Apache-2.0"
applies_to = ["image"]
sha256 = "SHA"
[source]
kind = "manual"
note = "made by a test"
[input]
width = 2
height = 2
layout = "nchw"
color = "rgb"
resize = "bilinear-align-corners"
[output]
kind = "detection"
labels = ["red", "green", "blue"]
"#;

const POLICY: &str = r#"
[[rule]]
name = "red"
when = 'score("spots.red") >= 0.8'
verdict = "review"

[[rule]]
name = "rest"
when = 'true'
verdict = "publish"
"#;

/// A site whose only model it is; `policy.toml`, which sends what is red to review, has still to be applied.
pub fn site(settings: &str) -> Site {
    let site = Site::new(&format!("{settings}\n[models]\nfolder = \"models\"\n"));
    let model = onnx::boxes_of_corners();
    site.write("models/spots/model.toml", MANIFEST.replace("SHA", &sha256(&model)).as_bytes());
    site.write("models/spots/model.onnx", &model);
    site.write("policy.toml", POLICY.as_bytes());
    site
}
