//! What a moderator sees of a held file. The URL is good for this item in this session, and no longer than either.

use super::{Console, fail::Fail, fields::Fields, visitor::Signed};
use crate::{
    access::session::same,
    review::{Preview, desk::has_bytes},
    upload::UploadId,
};
use axum::{
    extract::{Path, State},
    http::{HeaderValue, Uri, header},
    response::{IntoResponse, Response},
};

/// Of pictures that `lazaret-media` makes.
const SHOWN: [&str; 4] = ["image/jpeg", "image/png", "image/webp", "image/gif"];

pub(super) async fn media(
    State(console): State<Console>,
    Signed(person): Signed,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Fail> {
    let id: UploadId = id.parse().map_err(|_| Fail::no_page())?;
    let view = person.token.derive(&format!("media {id}"));
    if !same(Fields::of(&uri).get("view"), &view) {
        return Err(Fail::no_page());
    }
    let opened = console.desk.seen(&person.user, id).await?;
    if !has_bytes(opened.upload.state) {
        return Err(Fail::no_page());
    }
    let detail = &opened.verdict.detail;
    let sheet = detail.film.as_ref().and_then(|film| film.sheet.as_ref());
    let preview = match sheet {
        Some(sheet) => console.previews.sheet(sheet).await?,
        None => console.previews.of(&opened.upload, &detail.r#type.media_type, console.max_edge).await?,
    };
    Ok(answer(preview))
}

pub(super) fn answer(preview: Preview) -> Response {
    let Preview { media_type, bytes } = preview;
    let shown = SHOWN.into_iter().find(|known| *known == media_type).unwrap_or("application/octet-stream");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(shown)),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; sandbox; frame-ancestors 'none'"),
        ),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("inline")),
    ];
    (headers, bytes).into_response()
}
