//! What could not be done, as a page that says what is so and what to do.

use super::{
    page::{self, Frame},
    unsent::Unsent,
};
use crate::{
    access::Refused,
    http::problem::Fault,
    ports::{Kind, PortError},
    review::{Denied, desk::Trouble, preview::Hidden},
};
use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use std::sync::Arc;

#[derive(Debug)]
pub(super) enum Fail {
    /// Sign in first, and go on there.
    SignIn(String),
    To(&'static str),
    Go(String),
    Said(StatusCode, String),
    Port(PortError),
    /// As the other, of something that was written.
    Unsent(Box<Fail>, Unsent),
}

impl Fail {
    pub(super) fn no_page() -> Self {
        Self::Said(StatusCode::NOT_FOUND, "There is no such page, or it is not yours to see.".into())
    }

    pub(super) fn forbidden() -> Self {
        Self::Said(StatusCode::FORBIDDEN, "Your role does not allow this.".into())
    }

    pub(super) fn stale_form() -> Self {
        Self::Said(
            StatusCode::FORBIDDEN,
            "This form is from another session. Go back, reload the page and send it again.".into(),
        )
    }
}

impl From<PortError> for Fail {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

impl From<Denied> for Fail {
    fn from(denied: Denied) -> Self {
        let status = match denied {
            Denied::NoItem => return Self::no_page(),
            Denied::Paused => return Self::To("/console/pause"),
            Denied::Right | Denied::Escalated | Denied::SamePerson | Denied::Skipped => StatusCode::FORBIDDEN,
            Denied::Held(_) | Denied::Over | Denied::Decided(_) | Denied::State(_) => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::Said(status, sentence(&denied.to_string()))
    }
}

impl From<Trouble> for Fail {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Denied(denied) => denied.into(),
            Trouble::Port(error) => Self::Port(error),
        }
    }
}

impl From<Refused> for Fail {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Port(error) => Self::Port(error),
            Refused::Slow(_) => Self::Said(StatusCode::TOO_MANY_REQUESTS, sentence(&refused.to_string())),
            other => Self::Said(StatusCode::UNPROCESSABLE_ENTITY, sentence(&other.to_string())),
        }
    }
}

impl From<Hidden> for Fail {
    fn from(hidden: Hidden) -> Self {
        match hidden {
            Hidden::Why(why) => Self::Said(StatusCode::UNPROCESSABLE_ENTITY, sentence(&why)),
            Hidden::Port(error) => Self::Port(error),
        }
    }
}

/// Messages are lower case and without a period; pages are for people.
pub(super) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// What the page of an answer says.
#[derive(Debug, Clone)]
pub(super) struct InWords(pub String);

#[derive(Template)]
#[template(path = "fail.html")]
struct Page {
    frame: Frame,
    what: String,
    status: u16,
    unsent: Unsent,
}

impl IntoResponse for Fail {
    fn into_response(self) -> Response {
        self.showing(Unsent::default())
    }
}

impl Fail {
    fn showing(self, unsent: Unsent) -> Response {
        let (status, what, fault) = match self {
            Self::SignIn(next) => {
                let query =
                    url::form_urlencoded::Serializer::new(String::new()).append_pair("next", &next).finish();
                return Redirect::to(&format!("/console/sign-in?{query}")).into_response();
            }
            Self::To(place) => return Redirect::to(place).into_response(),
            Self::Go(place) => return Redirect::to(&place).into_response(),
            Self::Unsent(fail, unsent) => return fail.showing(unsent),
            Self::Said(status, what) => (status, what, None),
            Self::Port(error) if error.kind == Kind::Fail => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something is wrong with the service. Nothing is half done; its log says more.".to_owned(),
                Some(error),
            ),
            Self::Port(error) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The store cannot be reached just now. Nothing is half done: reload in a moment, and the page shows \
                 what is stored."
                    .to_owned(),
                Some(error),
            ),
        };
        let frame = Frame::bare("That did not work");
        let words = InWords(what.clone());
        let page = Page { status: status.as_u16(), what, unsent, frame: frame.clone() };
        let mut response = (status, page::render(&page, &frame)).into_response();
        response.extensions_mut().insert(words);
        if let Some(fault) = fault {
            response.extensions_mut().insert(Fault(Arc::new(fault)));
        }
        response
    }
}
