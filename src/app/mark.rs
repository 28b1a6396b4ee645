//! The watermark of the settings, as the child takes it.

use crate::config::Config;
use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// The largest PNG that is taken as a mark, in bytes.
const LARGEST: u64 = 4 << 20;

/// `None` where the settings name no mark. The child knows the words in full and refuses what is wrong; see
/// `workers/watermark/src/spec.rs`.
pub fn mark(config: &Config) -> anyhow::Result<Option<Value>> {
    let watermark = &config.watermark;
    let content = if !watermark.text.is_empty() {
        json!({"text": {"text": watermark.text, "fonts": watermark.fonts, "color": watermark.color}})
    } else if !watermark.image.as_os_str().is_empty() {
        let path = &watermark.image;
        let size =
            std::fs::metadata(path).with_context(|| format!("watermark.image: {}", path.display()))?.len();
        if size > LARGEST {
            bail!("watermark.image: {} is {size} bytes; the most is {LARGEST}", path.display());
        }
        let bytes = std::fs::read(path).with_context(|| format!("watermark.image: {}", path.display()))?;
        json!({"png": {"base64": STANDARD.encode(bytes)}})
    } else {
        return Ok(None);
    };
    let style = json!({
        "position": watermark.position,
        "tile": watermark.tile,
        "scale": watermark.scale,
        "opacity": watermark.opacity,
        "margin": watermark.margin,
    });
    Ok(Some(json!({"content": content, "style": style})))
}
