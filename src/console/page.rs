//! What all pages share: the frame around them, the policy that they are shown under, and how they are rendered.

use super::{Console, assets, fail::Fail};
use crate::{
    access::{Person, Right, may},
    ports::{Random, random::SystemRandom},
    upload::ruling::Kind,
};
use askama::Template;
use axum::{
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
};

/// Around every page.
#[derive(Debug, Clone, Default)]
pub(super) struct Frame {
    pub title: String,
    pub nonce: String,
    pub css: &'static str,
    pub js: &'static str,
    /// Absent where nobody is signed in.
    pub who: Option<Who>,
    pub undo: Option<Undo>,
    /// What was just done, in a word of ours.
    pub said: &'static str,
}

#[derive(Debug, Clone)]
pub(super) struct Who {
    pub email: String,
    pub role: String,
    pub csrf: String,
    pub decides: bool,
    pub audits: bool,
    pub accounts: bool,
    pub insight: bool,
}

/// A ruling that can be taken back still.
#[derive(Debug, Clone)]
pub(super) struct Undo {
    pub upload: String,
    pub number: u32,
    pub what: String,
    pub seconds: u64,
}

impl Frame {
    pub(super) fn bare(title: &str) -> Self {
        let mut bytes = [0; 16];
        // Without a nonce no script runs; the pages do without.
        let _ = SystemRandom.fill(&mut bytes);
        Self {
            title: title.to_owned(),
            nonce: crate::hex(&bytes),
            css: assets::css(),
            js: assets::js(),
            ..Self::default()
        }
    }

    pub(super) async fn of(console: &Console, person: &Person, title: &str) -> Result<Self, Fail> {
        let user = &person.user;
        let undo = console.desk.undoable(user).await?.map(|(ruling, seconds)| Undo {
            upload: ruling.upload.to_string(),
            number: ruling.number,
            what: match ruling.kind {
                Kind::Approve => "Approved".to_owned(),
                _ => format!("Quarantined ({})", ruling.reason.replace('_', " ")),
            },
            seconds,
        });
        let who = Who {
            email: user.email.clone(),
            role: user.role.to_string(),
            csrf: csrf(person),
            decides: may(user.role, Right::Decide),
            audits: may(user.role, Right::Audit),
            accounts: may(user.role, Right::Accounts),
            insight: may(user.role, Right::Insight),
        };
        Ok(Self { who: Some(who), undo, ..Self::bare(title) })
    }

    /// The words for `?said=`; what is none of ours says nothing.
    #[must_use]
    pub(super) fn saying(mut self, code: &str) -> Self {
        self.said = match code {
            "ruled" => "Your decision is stored.",
            "second" => "Stored. A second person is to agree before it is published.",
            "escalated" => "Escalated to a senior.",
            "noted" => "Your note is stored.",
            "undone" => "Taken back. The item is yours again.",
            "late" => "Too late to take back: it was carried out.",
            "skipped" => "Skipped. Others will look at it.",
            "left" => "Given back to the queue.",
            "none" => "Nothing waits for you. Well done.",
            "saved" => "Saved.",
            "ended" => "The session is ended.",
            "cut" => "Cut. It stays so until somebody clears it.",
            "clear" => "Cleared. It begins anew.",
            "redriven" => "Sent back to where it came from.",
            "nothing_dead" => "There was nothing dead by that name any more.",
            "taken" => "Somebody else is looking at this item.",
            _ => "",
        };
        self
    }

    pub(super) fn csrf(&self) -> &str {
        self.who.as_ref().map_or("", |who| &who.csrf)
    }
}

pub(super) fn csrf(person: &Person) -> String {
    person.token.derive("form")
}

/// The page, under a policy that lets in nothing but our own.
pub(super) fn render(template: &impl Template, frame: &Frame) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'nonce-{}'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        frame.nonce
    );
    match template.render() {
        Ok(text) => {
            let mut response = Html(text).into_response();
            if let Ok(policy) = HeaderValue::try_from(policy) {
                response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
            }
            response
        }
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
