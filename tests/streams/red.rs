//! A model that fires on red, and frames of one colour.

use crate::{colours::write_model, server::Server, site::Site};
use lazaret_fixtures::picture::{self, RgbImage};
use serde_json::Value;

/// Two bad ones of three cut; three clean ones clear, at once.
pub const SETTINGS: &str = r#"
[models]
folder = "models"
[streams]
labels = [{ label = "red", near = 0.5, bad = 0.7 }]
window = 3
hits = 2
calm = "0s"
deadline = "5s"
fastest = "0s"
slowest = "0s"
max_pixels = 4000000
"#;

/// Writes the model, which gives the colour of a picture's first pixel; a key that opens streams.
pub async fn prepare(site: &Site) -> String {
    write_model(site);
    let made = site.run(&["key", "create", "--tenant", "acme", "--scopes", "stream", "--json"]).await;
    made.json()[0]["key"].as_str().unwrap().to_owned()
}

/// A new stream: its id and key.
pub async fn open(server: &Server, opening: Value) -> (String, String) {
    let answer = server.client.post(format!("{}/v1/streams", server.url)).bearer_auth(&server.key);
    let opened: Value = answer.json(&opening).send().await.unwrap().json().await.unwrap();
    let text = |name: &str| opened[name].as_str().unwrap_or_else(|| panic!("{opened}")).to_owned();
    (text("id"), text("key"))
}

pub fn numbered(kind: u8, sequence: u64, size: (u32, u32), bytes: &[u8]) -> Vec<u8> {
    let mut all = [&b"LZF1"[..], &[kind, 0, 0, 0]].concat();
    all.extend(sequence.to_be_bytes());
    all.extend((1_790_000_000_000 + sequence * 1000).to_be_bytes());
    all.extend(size.0.to_be_bytes());
    all.extend(size.1.to_be_bytes());
    all.extend(bytes);
    all
}

pub fn plain(width: u32, height: u32, colour: [u8; 3]) -> RgbImage {
    RgbImage::from_raw(width, height, colour.repeat((width * height) as usize)).unwrap()
}

/// A numbered JPEG.
pub fn jpeg(sequence: u64, colour: [u8; 3]) -> Vec<u8> {
    numbered(0, sequence, (0, 0), &picture::jpeg(&plain(640, 360, colour), 85))
}

pub const RED: [u8; 3] = [250, 5, 5];
pub const GREY: [u8; 3] = [90, 90, 90];
