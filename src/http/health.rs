//! For operators: alive, ready, metrics.

use super::{Api, Component, Problem};
use crate::{
    ports::{Kind, PortError},
    telemetry::metrics,
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses((status = 200, description = "Alive", body = String)))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReadyBody {
    pub ready: bool,
    pub components: Vec<Component>,
}

/// The process can do its work.
#[utoipa::path(get, path = "/readyz", tag = "operations", responses(
    (status = 200, description = "Ready", body = ReadyBody),
    (status = 503, description = "Not ready; each part says why", body = ReadyBody),
))]
pub async fn readyz(State(api): State<Api>) -> Response {
    let components = api.readiness.report().await;
    let ready = components.iter().all(|component| component.ready);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(ReadyBody { ready, components })).into_response()
}

/// Counters and histograms in the OpenMetrics text format.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses((status = 200, description = "OpenMetrics text", body = String)))]
pub async fn metrics(State(api): State<Api>) -> Result<Response, Problem> {
    // A store that cannot count just now must not take the other figures with it.
    match api.store.backlog().await {
        Ok(backlog) => {
            api.metrics.backlog.set(i64::try_from(backlog).unwrap_or(i64::MAX));
        }
        Err(error) => tracing::warn!(%error, "the backlog could not be counted"),
    }
    let text = api.metrics.encode().map_err(|error| {
        Problem::internal(PortError::new(Kind::Fail, "metrics could not be written").because(error))
    })?;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}
