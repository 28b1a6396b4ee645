//! For operators: alive, ready, metrics.

use super::{
    Api, Component, Problem,
    api::{BROKER, STREAMS, WORKER},
    extract::Params,
    problem::ProblemBody,
};
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
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses((status = 200, description = "Alive", body = String)))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReadyBody {
    pub ready: bool,
    pub components: Vec<Component>,
    /// Left out where the store cannot tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backlog: Option<Backlog>,
}

/// What waits, of all processes together. A long one does not make a process unready: it can still accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Backlog {
    /// Uploads that are not settled.
    pub uploads: u64,
    /// Since the oldest upload that waits for its verdict was accepted; 0 where none waits.
    pub oldest_age_seconds: u64,
    /// What was submitted through the broker and is not accepted yet; left out where this process takes none.
    #[serde(flatten)]
    pub submitted: Option<Submitted>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Submitted {
    /// Messages that wait at the broker, or that this process has.
    pub submissions: u64,
    /// Since the oldest of them was submitted, as its sender says, and at most; 0 where none waits, or nobody said.
    pub oldest_submission_age_seconds: u64,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ReadyQuery {
    /// Only what this role needs; without it, all that the process does.
    #[param(inline)]
    role: Option<Role>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Role {
    /// Uploads can be accepted durably, and files served.
    Api,
    /// Uploads can be scanned.
    Worker,
}

/// The process can do its work.
///
/// While an engine is unavailable the worker is not ready and uploads wait; `?role=api` stays ready as long as uploads
/// can be accepted durably, so a load balancer asks for that.
#[utoipa::path(get, path = "/readyz", tag = "operations", params(ReadyQuery), responses(
    (status = 200, description = "Ready", body = ReadyBody),
    (status = 400, description = "There is no such role", body = ProblemBody),
    (status = 503, description = "Not ready; each part says why", body = ReadyBody),
))]
pub async fn readyz(State(api): State<Api>, Params(query): Params<ReadyQuery>) -> Response {
    let mut components = api.readiness.report().await;
    let beside = |component: &Component| [WORKER, STREAMS, BROKER].contains(&component.name.as_str());
    components.retain(|component| query.role != Some(Role::Api) || !beside(component));
    let ready = components.iter().all(|component| component.ready);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = ReadyBody { ready, components, backlog: backlog(&api).await };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// Counters and histograms in the OpenMetrics text format.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses((status = 200, description = "OpenMetrics text", body = String)))]
pub async fn metrics(State(api): State<Api>) -> Result<Response, Problem> {
    if let Some(Backlog { uploads, oldest_age_seconds, submitted }) = backlog(&api).await {
        api.metrics.waiting(uploads, oldest_age_seconds);
        if let Some(Submitted { submissions, oldest_submission_age_seconds }) = submitted {
            api.metrics.submitted_waits(submissions, oldest_submission_age_seconds);
        }
    }
    let text = api.metrics.encode().map_err(|error| {
        Problem::internal(PortError::new(Kind::Fail, "metrics could not be written").because(error))
    })?;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

/// A store that cannot count just now must not take the other figures with it.
async fn backlog(api: &Api) -> Option<Backlog> {
    match tokio::try_join!(api.store.backlog(), api.store.oldest()) {
        Ok((uploads, oldest)) => {
            let submitted = api.line.as_ref().map(|line| {
                let (submissions, oldest) = line.backlog();
                Submitted { submissions, oldest_submission_age_seconds: age(api, oldest) }
            });
            Some(Backlog { uploads, oldest_age_seconds: age(api, oldest), submitted })
        }
        Err(error) => {
            tracing::warn!(%error, "the backlog could not be counted");
            None
        }
    }
}

fn age(api: &Api, oldest: Option<Timestamp>) -> u64 {
    let age = oldest.map_or(0, |at| api.clock.now().duration_since(at).as_secs());
    // Another machine's clock may be ahead of this one's.
    u64::try_from(age).unwrap_or(0)
}
