//! The description of the API, for programs.

use axum::Json;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Lazaret", description = "Every upload waits in quarantine until it is proven safe."),
    paths(
        crate::intake::create::create,
        crate::intake::by_reference::by_reference,
        crate::intake::direct::announce,
        crate::intake::direct::complete,
        crate::intake::list::list,
        crate::intake::show::show,
        crate::intake::erase::erase,
        crate::intake::report::report,
        crate::intake::appeal::appeal,
        crate::delivery::mint::mint,
        crate::delivery::serve::serve,
        crate::streams::calls::open::open,
        crate::streams::calls::show::show,
        crate::streams::calls::close::close,
        crate::streams::calls::episodes::list,
        crate::streams::calls::episodes::frame,
        crate::streams::calls::rotate::rotate,
        crate::streams::calls::frames::post,
        crate::streams::calls::socket::socket,
        super::health::healthz,
        super::health::readyz,
        super::health::metrics,
        openapi,
    ),
    modifiers(&Keys),
)]
struct Description;

struct Keys;

impl Modify for Keys {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.bearer_format = Some("lz_<id>_<secret>".to_owned());
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}

/// The document as `/openapi.json` and `lazaret openapi` show it.
pub fn document() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "operations", responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}
