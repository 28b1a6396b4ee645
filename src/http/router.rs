//! All calls there are but delivery's, in one table.

use super::{Api, Problem, codes, health, linger::linger, observe::observe, openapi};
use crate::{
    delivery::mint,
    intake::{create, erase, list, show},
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    middleware::{from_fn, from_fn_with_state},
    routing::{MethodRouter, get, post},
};

/// The largest JSON body, in bytes.
const JSON_BYTES: usize = 64 * 1024;

/// The API's calls, and those of operations.
pub fn routes() -> Vec<(&'static str, MethodRouter<Api>)> {
    let create = create::create.layer(from_fn(linger)).layer(DefaultBodyLimit::disable());
    vec![
        ("/v1/uploads", post(create).get(list::list)),
        ("/v1/uploads/{id}", get(show::show).delete(erase::erase)),
        ("/v1/uploads/{id}/urls", post(mint::mint)),
        ("/healthz", get(health::healthz)),
        ("/readyz", get(health::readyz)),
        ("/metrics", get(health::metrics)),
        ("/openapi.json", get(openapi::openapi)),
    ]
}

pub fn api_router(api: Api) -> Router {
    routes()
        .into_iter()
        .fold(Router::new(), |router, (path, calls)| router.route(path, calls))
        .fallback(async || Problem::new(codes::ROUTE_UNKNOWN, "the calls there are stand in /openapi.json"))
        .method_not_allowed_fallback(async || {
            Problem::new(codes::METHOD_NOT_ALLOWED, "the Allow header says which methods this call has")
        })
        .layer(DefaultBodyLimit::max(JSON_BYTES))
        .layer(from_fn_with_state(api.clone(), observe))
        .with_state(api)
}
