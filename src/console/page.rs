//! What all pages share: the frame around them, the policy that they are shown under, and how they are rendered.

use super::{Console, assets, fail::Fail, words};
use crate::{
    access::{Person, Right, may},
    ports::{
        Random,
        random::SystemRandom,
        reviews::Ruling,
        wall::{Hand, StreamRuling},
    },
    review::care::Rest,
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
    pub hand: Option<HandUndo>,
    /// What was looked at today, where it is much; and whether a rest is offered.
    pub today: String,
    pub rest: bool,
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
    /// Of what was decided together; else empty.
    pub batch: String,
}

/// A cut or a clearing of a stream by hand that can be taken back still.
#[derive(Debug, Clone)]
pub(super) struct HandUndo {
    pub stream: String,
    pub number: u32,
    pub what: &'static str,
    pub seconds: u64,
}

impl HandUndo {
    fn new((ruling, seconds): (StreamRuling, u64)) -> Self {
        let what = match ruling.hand {
            Hand::Cut => "Cut by hand: to take it back clears the stream",
            Hand::Clear => "Cleared by hand: to take it back cuts the stream again",
        };
        Self { stream: ruling.stream.to_string(), number: ruling.number, what, seconds }
    }
}

impl Undo {
    fn new(rulings: &[Ruling], seconds: u64) -> Option<Self> {
        let first = rulings.first()?;
        let reason = first.reason.replace('_', " ");
        let what = match first.kind {
            Kind::Approve => "Approved".to_owned(),
            Kind::Escalate => "Escalated".to_owned(),
            _ => format!("Quarantined ({reason})"),
        };
        let batch = first.batch.clone().unwrap_or_default();
        Some(Self {
            upload: first.upload.to_string(),
            number: first.number,
            what: if batch.is_empty() { what } else { format!("{what}: {} items", rulings.len()) },
            seconds,
            batch,
        })
    }
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
        let undo = console.desk.undoable(user).await?;
        let undo = undo.and_then(|(rulings, seconds)| Undo::new(&rulings, seconds));
        let hand = super::hand::undoable(console, user).await?.map(HandUndo::new);
        let (exposure, rest) = console.desk.rest(user).await?;
        let hard = exposure.high.views;
        let today = match hard {
            0 => String::new(),
            _ => format!("today {hard} hard, {}", words::minutes(exposure.high.seconds)),
        };
        let who = Who {
            email: user.email.clone(),
            role: user.role.to_string(),
            csrf: csrf(person),
            decides: may(user.role, Right::Decide),
            audits: may(user.role, Right::Audit),
            accounts: may(user.role, Right::Accounts),
            insight: may(user.role, Right::Insight),
        };
        Ok(Self {
            who: Some(who),
            undo,
            hand,
            today,
            rest: matches!(rest, Rest::Offered(_)),
            ..Self::bare(title)
        })
    }

    /// The words for `?said=`; what is none of ours says nothing.
    #[must_use]
    pub(super) fn saying(mut self, code: &str) -> Self {
        self.said = match code {
            "said" => "What you said of it is stored.",
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
            "cleared_again" => "Taken back: the stream is cleared. What the cut ended stays ended.",
            "cut_again" => "Taken back: the stream is cut again.",
            "redriven" => "Sent back to where it came from.",
            "nothing_dead" => "There was nothing dead by that name any more.",
            "together" => "Decided together. The bar above takes all of it back.",
            "undone_together" => "All of it is taken back. The items are in the queue again.",
            "undone_some" => "Taken back, but for what was carried out already.",
            "late_together" => "Too late to take back: it was carried out.",
            "lifted" => "Lifted for today.",
            "taken" => "Somebody else is looking at this item.",
            _ => "",
        };
        self
    }

    pub(super) fn decides(&self) -> bool {
        self.who.as_ref().is_some_and(|who| who.decides)
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
        "default-src 'none'; style-src 'self'; script-src 'nonce-{}'; img-src 'self' data:; media-src 'self'; connect-src 'self'; \
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
