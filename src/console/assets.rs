//! Style and script, embedded. Their names hold their hash, so that browsers keep them for ever.

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

struct Asset {
    path: String,
    media_type: &'static str,
    text: &'static str,
}

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, text: &'static str) -> Self {
        let hash = crate::hex(&Sha256::digest(text)[..8]);
        Self { path: format!("/console/assets/{stem}-{hash}.{extension}"), media_type, text }
    }
}

static CSS: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("console", "css", "text/css; charset=utf-8", include_str!("assets/console.css"))
});
static JS: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("console", "js", "text/javascript; charset=utf-8", include_str!("assets/console.js"))
});

pub(super) fn css() -> &'static str {
    &CSS.path
}

pub(super) fn js() -> &'static str {
    &JS.path
}

pub(super) async fn asset(Path(name): Path<String>) -> Response {
    let found = [&*CSS, &*JS].into_iter().find(|asset| asset.path.rsplit('/').next() == Some(name.as_str()));
    match found {
        Some(asset) => (
            [
                (header::CONTENT_TYPE, asset.media_type),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ],
            asset.text,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
