//! What a moderator sees of a held file. The URL is good for this item in this session, and no longer than either.

use super::{
    Console,
    fail::{Fail, sentence},
    fields::Fields,
    guard::Decoding,
    visitor::Unasked,
};
use crate::{
    access::{Person, session::same},
    review::{Preview, desk::has_bytes, preview::Hidden},
    upload::UploadId,
};
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

/// Of pictures that `lazaret-media` makes.
const SHOWN: [&str; 4] = ["image/jpeg", "image/png", "image/webp", "image/gif"];

/// Who looks, and on which day: a copy that gets out says whose it was.
pub(super) fn mark(console: &Console, person: &Person) -> String {
    format!("{} {}", person.user.email, console.desk.clock.now().strftime("%Y-%m-%d"))
}

/// In plain text, for the page to say.
fn unshown(id: UploadId, hidden: Hidden) -> Response {
    let (status, why) = match hidden {
        Hidden::Why(why) => (StatusCode::UNPROCESSABLE_ENTITY, why),
        Hidden::Port(error) => {
            tracing::error!(upload.id = %id, %error, "held bytes cannot be shown");
            (StatusCode::SERVICE_UNAVAILABLE, "the store of files cannot be reached just now".to_owned())
        }
    };
    (status, sentence(&why)).into_response()
}

pub(super) async fn media(
    State(console): State<Console>,
    Unasked(person): Unasked,
    Extension(decoding): Extension<Decoding>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Fail> {
    let id: UploadId = id.parse().map_err(|_| Fail::no_page())?;
    let view = person.token.derive(&format!("media {id}"));
    if !same(Fields::of(&uri).get("view"), &view) {
        return Err(Fail::no_page());
    }
    let opened = console.desk.glanced(&person, id).await?;
    if !has_bytes(opened.upload.state) {
        return Err(Fail::no_page());
    }
    let detail = &opened.verdict.detail;
    let by = mark(&console, &person);
    let sheet = detail.film.as_ref().and_then(|film| film.sheet.as_ref());
    decoding.begins();
    let shown = match sheet {
        Some(sheet) => console.previews.sheet(sheet, &by).await,
        None => {
            let media_type = &detail.r#type.media_type;
            console.previews.of(&opened.upload, media_type, console.max_edge, &by).await
        }
    };
    match shown {
        Ok(preview) => Ok(answer(preview)),
        Err(hidden) => Ok(unshown(id, hidden)),
    }
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
