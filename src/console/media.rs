//! What a moderator sees of a held file. The URL is good for this item in this session, and no longer than either.

use super::{
    Console,
    fail::{Fail, sentence},
    fields::Fields,
    visitor::Signed,
};
use crate::{
    access::{Person, session::same},
    review::{Opened, Preview, desk::has_bytes, preview::Hidden},
    upload::UploadId,
};
use axum::{
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
fn unshown(hidden: Hidden) -> Response {
    let (status, why) = match hidden {
        Hidden::Why(why) => (StatusCode::UNPROCESSABLE_ENTITY, why),
        Hidden::Port(error) => {
            tracing::error!(%error, "held bytes cannot be shown");
            (StatusCode::SERVICE_UNAVAILABLE, "the store of files cannot be reached just now".to_owned())
        }
    };
    (status, sentence(&why)).into_response()
}

pub(super) async fn media(
    State(console): State<Console>,
    Signed(person): Signed,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Fail> {
    let opened = viewed(&console, &person, &id, &uri).await?;
    let media_type = &opened.verdict.detail.r#type.media_type;
    let by = mark(&console, &person);
    Ok(picture(console.previews.of(&opened.upload, media_type, console.max_edge, &by).await))
}

/// The item whose pictures this URL may show to this person.
pub(super) async fn viewed(console: &Console, person: &Person, id: &str, uri: &Uri) -> Result<Opened, Fail> {
    let id: UploadId = id.parse().map_err(|_| Fail::no_page())?;
    let view = person.token.derive(&format!("media {id}"));
    if !same(Fields::of(uri).get("view"), &view) {
        return Err(Fail::no_page());
    }
    // Who is to rest looks at nothing, whatever address they kept.
    let opened = console.desk.shown(person, id).await?;
    if has_bytes(opened.upload.state) { Ok(opened) } else { Err(Fail::no_page()) }
}

/// The picture, or why there is none.
pub(super) fn picture(made: Result<Preview, Hidden>) -> Response {
    let Preview { media_type, bytes } = match made {
        Ok(preview) => preview,
        Err(hidden) => return unshown(hidden),
    };
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
