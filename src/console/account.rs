//! One's own account: password, second factor, sessions.

use super::{
    Console,
    drafts::sent,
    fail::{Fail, sentence},
    fields::Fields,
    page::{Frame, csrf, render},
    pause::{SeenRow, seen},
    sign_in::enter,
    visitor::{Begun, BegunPost, Posted, Signed},
    words,
};
use crate::{
    access::{Person, Refused, totp},
    ports::{Kind, PortError},
};
use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
};
use qrcode::{QrCode, render::svg};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    tenants: String,
    queues: String,
    seen: Vec<SeenRow>,
    totp: bool,
    codes: usize,
    sessions: Vec<SessionRow>,
}

struct SessionRow {
    hash: String,
    device: String,
    began: String,
    seen: String,
    this: bool,
}

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage {
    frame: Frame,
    csrf: String,
    /// The one that there is has to be shown first.
    has_one: bool,
    wrong: String,
}

#[derive(Template)]
#[template(path = "totp.html")]
struct TotpPage {
    frame: Frame,
    csrf: String,
    qr: String,
    secret: String,
    typed: String,
    has_one: bool,
    wrong: String,
}

#[derive(Template)]
#[template(path = "codes.html")]
struct CodesPage {
    frame: Frame,
    codes: Vec<String>,
}

pub(super) async fn account(
    State(console): State<Console>,
    Signed(person): Signed,
    uri: Uri,
) -> Result<Response, Fail> {
    let now = console.people.clock.now();
    let sessions = console.people.accounts.sessions(&person.user.id).await?;
    let frame = Frame::of(&console, &person, "Account").await?.saying(Fields::of(&uri).get("said"));
    let page = AccountPage {
        tenants: person.user.tenants.to_string(),
        queues: person.user.queues.to_string(),
        seen: seen(&console.desk.rest(&person.user).await?.0),
        totp: person.user.totp.is_some(),
        codes: person.user.backup_codes.len(),
        sessions: sessions
            .into_iter()
            .map(|session| SessionRow {
                this: session.hash == person.session.hash,
                hash: session.hash,
                device: session.device,
                began: words::time(session.created_at),
                seen: words::age(session.seen_at, now),
            })
            .collect(),
        frame: frame.clone(),
    };
    Ok(render(&page, &frame))
}

pub(super) async fn end(
    State(console): State<Console>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    let actor = person.actor();
    let deed = console.people.deed(&actor, "session.ended");
    let hash = fields.get("session");
    // Who had it in hand writes nothing in this person's name any more.
    if console.people.accounts.end_session(&person.user.id, hash, deed).await? {
        console.drafts.forget_forms(hash).await?;
    }
    sent(&console, &person, &fields).await;
    Ok(Redirect::to("/console/account?said=ended").into_response())
}

/// The frame of a page that somebody may see who still owes something: without ways to elsewhere.
fn bare(person: &Person, title: &str) -> Result<Frame, Fail> {
    if person.session.full { Ok(Frame::bare(title)) } else { Err(Fail::To("/console/code")) }
}

fn password_page(person: &Person, frame: &Frame, wrong: String) -> Response {
    let page = PasswordPage {
        frame: frame.clone(),
        csrf: csrf(person),
        has_one: person.user.password.is_some(),
        wrong,
    };
    render(&page, frame)
}

pub(super) async fn password_form(Begun(person): Begun) -> Result<Response, Fail> {
    let frame = bare(&person, "Password")?;
    Ok(password_page(&person, &frame, String::new()))
}

pub(super) async fn password(
    State(console): State<Console>,
    headers: HeaderMap,
    BegunPost { person, fields }: BegunPost,
) -> Result<Response, Fail> {
    let frame = bare(&person, "Password")?;
    let again = |status, why: String| Ok((status, password_page(&person, &frame, why)).into_response());
    if fields.get("new") != fields.get("again") {
        return again(StatusCode::UNPROCESSABLE_ENTITY, "The two are not the same.".into());
    }
    if person.user.password.is_some() {
        match console.people.confirm(&person, fields.get("old")).await {
            Ok(()) => {}
            Err(Refused::Wrong) => {
                return again(StatusCode::UNAUTHORIZED, "That is not your password.".into());
            }
            Err(other) => return Err(other.into()),
        }
    }
    match console.people.set_password(&person, fields.get("new")).await {
        Ok(person) => enter(&console, &headers, &person, "/console/account?said=saved").await,
        Err(weak @ Refused::Weak(_)) => again(StatusCode::UNPROCESSABLE_ENTITY, sentence(&weak.to_string())),
        Err(other) => Err(other.into()),
    }
}

fn totp_page(person: &Person, frame: &Frame, secret: &str, wrong: String) -> Result<Response, Fail> {
    let code = QrCode::new(totp::uri(secret, &person.user.email))
        .map_err(|e| PortError::new(Kind::Fail, "no QR code can be made").because(e.to_string()))?;
    // Inline, so that no other request carries the secret. Black on white in dark pages too: phones want it so.
    let qr = code.render::<svg::Color<'_>>().min_dimensions(220, 220).build();
    let qr = qr.split_once("?>").map_or(qr.clone(), |(_, svg)| svg.to_owned());
    let typed = totp::base32(secret);
    let groups: Vec<&str> =
        typed.as_bytes().chunks(4).filter_map(|four| std::str::from_utf8(four).ok()).collect();
    let page = TotpPage {
        frame: frame.clone(),
        csrf: csrf(person),
        qr,
        secret: secret.to_owned(),
        typed: groups.join(" "),
        has_one: person.user.totp.is_some(),
        wrong,
    };
    Ok(render(&page, frame))
}

pub(super) async fn totp_form(
    State(console): State<Console>,
    Begun(person): Begun,
) -> Result<Response, Fail> {
    let frame = bare(&person, "Second factor")?;
    if person.user.password.is_none() {
        return Err(Fail::To("/console/account/password"));
    }
    totp_page(&person, &frame, &totp::new_secret(&*console.people.random)?, String::new())
}

pub(super) async fn totp(
    State(console): State<Console>,
    BegunPost { person, fields }: BegunPost,
) -> Result<Response, Fail> {
    let frame = bare(&person, "Second factor")?;
    let secret = fields.get("secret");
    if secret.len() != 40 || !secret.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Fail::stale_form());
    }
    if person.user.totp.is_some()
        && let Err(refused) = console.people.confirm(&person, fields.get("password")).await
    {
        return match refused {
            Refused::Wrong => totp_page(&person, &frame, secret, "That is not your password.".into()),
            other => Err(other.into()),
        };
    }
    match console.people.enrol(&person, secret, fields.get("code")).await {
        Ok(codes) => Ok(render(&CodesPage { frame: frame.clone(), codes }, &frame)),
        Err(wrong @ Refused::WrongCode) => totp_page(&person, &frame, secret, sentence(&wrong.to_string())),
        Err(other) => Err(other.into()),
    }
}
