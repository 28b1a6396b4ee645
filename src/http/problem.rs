//! Errors as `application/problem+json` (RFC 9457). What went wrong inside is for the log, never for the client.

use super::codes::{self, Code};
use crate::ports::{Kind, PortError};
use axum::{
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub const MEDIA_TYPE: &str = "application/problem+json";

/// An error to be answered with.
#[derive(Debug)]
pub struct Problem {
    pub code: Code,
    detail: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    fault: Option<Box<PortError>>,
}

/// What failed inside. Travels with the response as far as the boundary, where it is logged once.
#[derive(Debug, Clone)]
pub struct Fault(pub Arc<PortError>);

/// A problem on the wire.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `urn:lazaret:error:` and the code.
    pub r#type: String,
    pub title: String,
    pub status: u16,
    /// What to do.
    pub detail: String,
    /// Stable; for programs.
    pub code: String,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), headers: Vec::new(), fault: None }
    }

    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The service's own failure.
    pub fn internal(fault: PortError) -> Self {
        let mut problem =
            Self::new(codes::INTERNAL, "the failure is in the service's log under this request's id");
        problem.fault = Some(Box::new(fault));
        problem
    }

    /// The one answer for uploads that do not exist, that are another's, and for what is no id at all.
    pub fn no_upload() -> Self {
        Self::new(codes::UPLOAD_UNKNOWN, "check the id; an upload shows only to the tenant that sent it")
    }

    pub fn body(&self) -> ProblemBody {
        ProblemBody {
            r#type: format!("urn:lazaret:error:{}", self.code.name),
            title: self.code.title.to_owned(),
            status: self.code.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code.name.to_owned(),
        }
    }
}

impl From<PortError> for Problem {
    fn from(fault: PortError) -> Self {
        let mut problem = match fault.kind {
            Kind::Fail => return Self::internal(fault),
            Kind::Retry => Self::new(codes::UNAVAILABLE, "send the same request again in a few seconds")
                .with(header::RETRY_AFTER, HeaderValue::from_static("2")),
            Kind::Full => {
                Self::new(codes::STORAGE_FULL, "nothing was kept; the operator has to make room first")
            }
        };
        problem.fault = Some(Box::new(fault));
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A struct of strings and a number always serialises.
        let body = serde_json::to_vec(&self.body()).unwrap_or_default();
        let mut response = (self.code.status, body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        response.headers_mut().extend(self.headers);
        if let Some(fault) = self.fault {
            response.extensions_mut().insert(Fault(Arc::from(fault)));
        }
        response
    }
}
