//! All calls there are but delivery's, in one table.

use super::{Api, Problem, codes, health, linger::linger, observe::observe, openapi};
use crate::{
    delivery::mint,
    intake::{appeal, by_reference, create, direct, erase, list, report, show},
    streams::calls::{close, episodes, frames, open, rotate, show as stream, socket},
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

type Routes = Vec<(&'static str, MethodRouter<Api>)>;

/// The API's calls, and those of operations.
pub fn routes() -> Routes {
    let mut routes = uploads();
    routes.extend(streams());
    routes.extend(operations());
    routes
}

fn streams() -> Routes {
    let frame = frames::post.layer(from_fn(linger)).layer(DefaultBodyLimit::disable());
    vec![
        ("/v1/streams", post(open::open)),
        ("/v1/streams/{id}", get(stream::show).delete(close::close)),
        ("/v1/streams/{id}/episodes", get(episodes::list)),
        ("/v1/streams/{id}/episodes/{number}/frames/{frame}", get(episodes::frame)),
        ("/v1/streams/{id}/key", post(rotate::rotate)),
        ("/v1/streams/{id}/frames", get(socket::socket).post(frame)),
    ]
}

fn uploads() -> Routes {
    let create = create::create.layer(from_fn(linger)).layer(DefaultBodyLimit::disable());
    vec![
        ("/v1/uploads", post(create).get(list::list)),
        ("/v1/uploads/by-reference", post(by_reference::by_reference)),
        ("/v1/uploads/direct", post(direct::announce)),
        ("/v1/uploads/{id}/complete", post(direct::complete)),
        ("/v1/uploads/{id}", get(show::show).delete(erase::erase)),
        ("/v1/uploads/{id}/urls", post(mint::mint)),
        ("/v1/uploads/{id}/reports", post(report::report)),
        ("/v1/uploads/{id}/appeals", post(appeal::appeal)),
    ]
}

fn operations() -> Routes {
    vec![
        ("/healthz", get(health::healthz)),
        ("/readyz", get(health::readyz)),
        ("/metrics", get(health::metrics)),
        ("/openapi.json", get(openapi::openapi)),
    ]
}

pub fn api_router(api: Api) -> Router {
    router(routes(), api)
}

/// Of a process that takes no uploads, but frames.
pub fn streams_router(api: Api) -> Router {
    let mut routes = streams();
    routes.extend(operations());
    router(routes, api)
}

/// Of a process that takes neither.
pub fn operations_router(api: Api) -> Router {
    router(operations(), api)
}

fn router(routes: Routes, api: Api) -> Router {
    routes
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
