//! What all pages share: the frame around them, the policy that they are shown under, and how they are rendered.

use super::{Console, assets, fail::Fail, filter::Filter, words};
use crate::{
    access::{Person, Right, may},
    ports::{
        Random,
        random::SystemRandom,
        reviews::{Ruling, Standing},
        streams::Episode,
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
    /// The latest first.
    pub undos: Vec<Undo>,
    /// Ids of what was sent and is not done, the newest first.
    pub drafts: Vec<String>,
    /// What of the queue the page belongs to.
    pub filter: Filter,
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

/// What was done and can be taken back still.
#[derive(Debug, Clone)]
pub(super) struct Undo {
    pub label: &'static str,
    /// Where the form goes, and its fields.
    pub action: String,
    pub fields: Vec<(&'static str, String)>,
    pub what: String,
    pub press: &'static str,
    pub seconds: u64,
}

impl Undo {
    fn of_items(rulings: &[Ruling], seconds: u64) -> Option<Self> {
        let first = rulings.first()?;
        let what = match first.kind {
            Kind::Approve if first.standing == Standing::Second => {
                "Approved, for a second person to agree".to_owned()
            }
            Kind::Approve => "Approved".to_owned(),
            Kind::Escalate => "Escalated".to_owned(),
            _ => format!("Quarantined ({})", first.reason.replace('_', " ")),
        };
        let mut undo = Self {
            label: "Take the last decision back",
            action: "/console/undo".to_owned(),
            fields: vec![("upload", first.upload.to_string()), ("number", first.number.to_string())],
            what,
            press: "Undo",
            seconds,
        };
        if let Some(batch) = &first.batch {
            undo.fields.push(("batch", batch.clone()));
            undo.what = format!("{}: {} items", undo.what, rulings.len());
            undo.press = "Undo all";
        }
        Some(undo)
    }

    fn of_hand((ruling, seconds): (StreamRuling, u64)) -> Self {
        let what = match ruling.hand {
            Hand::Cut => "Cut by hand: to take it back clears the stream",
            Hand::Clear => "Cleared by hand: to take it back cuts the stream again",
        };
        Self {
            label: "Take the last ruling on a stream back",
            action: format!("/console/streams/{}/undo", ruling.stream),
            fields: vec![("number", ruling.number.to_string())],
            what: what.to_owned(),
            press: "Take it back",
            seconds,
        }
    }

    fn of_episode((episode, seconds): (Episode, u64)) -> Self {
        let said = episode.ruling.as_ref().map_or("", |ruling| super::episode::said(&ruling.said));
        Self {
            label: "Take the last decision on an episode back",
            action: format!("{}/undo", super::episode::path(episode.stream, episode.number)),
            fields: vec![("fence", episode.fence.to_string())],
            what: format!("Episode decided: {said}"),
            press: "Undo",
            seconds,
        }
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
        let items = console.desk.undoable(user).await?;
        let mut undos =
            Vec::from_iter(items.and_then(|(rulings, seconds)| Undo::of_items(&rulings, seconds)));
        undos.extend(super::hand::undoable(console, user).await?.map(Undo::of_hand));
        undos.extend(console.desk.undoable_episode(user).await?.map(Undo::of_episode));
        let drafts = console.drafts.drafts(&user.id, console.people.clock.now()).await?;
        // All have the same time, so the latest has the most left.
        undos.sort_by_key(|undo| std::cmp::Reverse(undo.seconds));
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
        let rest = matches!(rest, Rest::Offered(_));
        Ok(Self { who: Some(who), undos, drafts, today, rest, ..Self::bare(title) })
    }

    #[must_use]
    pub(super) fn within(self, filter: Filter) -> Self {
        Self { filter, ..self }
    }

    /// The words for `?said=`; what is none of ours says nothing.
    #[must_use]
    pub(super) fn saying(mut self, code: &str) -> Self {
        self.said = match code {
            "said" => "What you said of it is stored.",
            "ruled" => "Your decision is stored.",
            "sealed" => "Sealed. Seniors alone see it from now on, and it is not erased.",
            "sealed_at_once" => {
                "Sealed at once: seniors alone see it from now on, and what was published of it is being taken down. A senior can reverse it."
            }
            "second" => "Stored. A second person is to agree before it is published.",
            "escalated" => "Escalated to a senior.",
            "noted" => "Your note is stored.",
            "undone" => "Taken back. The item is yours again.",
            "taken_back" => "Taken back.",
            "late" => {
                "It cannot be taken back any more: it was carried out, or somebody else has it in hand."
            }
            "skipped" => "Skipped. Others will look at it, or it comes round again.",
            "skipped_last" => {
                "Skipped. Nothing else waits for you. Where nobody else is left for it, it comes when you start reviewing."
            }
            "left" => "Given back to the queue.",
            "none" => "Nothing waits for you. Well done.",
            "none_matches" => "Nothing more waits for you within this filter.",
            "saved" => "Saved.",
            "ended" => "The session is ended.",
            "undone_episode" => "Taken back. The episode is yours again.",
            "late_episode" => "Too late to take back, or it was taken back already.",
            "cut" => "Cut. It stays so until somebody clears it.",
            "clear" => "Cleared. It begins anew.",
            "cleared_again" => "Taken back: the stream is cleared. What the cut ended stays ended.",
            "cut_again" => "Taken back: the stream is cut again.",
            "redriven" => "Sent back to where it came from.",
            "nothing_dead" => "There was nothing dead by that name any more.",
            "together" => "Decided together. What of it can be taken back, the bar above takes back.",
            "undone_together" => "All of it is taken back. The items are in the queue again.",
            "undone_some" => "Taken back, but for what was carried out already.",
            "late_together" => "Too late to take back: it was carried out.",
            "dropped" => "Thrown away.",
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
