//! In by password and code, or by a one-time link; and out.

use super::{
    Console, cookie, drafts,
    fail::{Fail, sentence},
    fields::Fields,
    page::{Frame, render},
    visitor::{Address, Begun, BegunPost, device, safe_next},
};
use crate::access::{Person, Refused, Token};
use askama::Template;
use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    next: String,
    email: String,
    wrong: String,
    /// The provider's name, where there is one.
    by: Option<String>,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    frame: Frame,
    next: String,
    csrf: String,
    wrong: String,
}

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    frame: Frame,
    email: String,
}

pub(super) async fn form(State(console): State<Console>, uri: Uri) -> Response {
    let frame = Frame::bare("Sign in");
    let next = safe_next(Fields::of(&uri).get("next")).to_owned();
    let page = SignInPage {
        frame: frame.clone(),
        next,
        email: String::new(),
        wrong: String::new(),
        by: by(&console),
    };
    render(&page, &frame)
}

fn by(console: &Console) -> Option<String> {
    console.oidc.as_ref().map(|provider| provider.options.name.clone())
}

pub(super) async fn sign_in(
    State(console): State<Console>,
    Address(address): Address,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Fail> {
    let fields = Fields::parse(&body);
    let next = safe_next(fields.get("next"));
    let (email, password) = (fields.get("email"), fields.get("password"));
    match console.people.sign_in(email, password, &address, device(&headers)).await {
        Ok(person) => {
            let to = if person.session.full { next.to_owned() } else { with_next("/console/code", next) };
            enter(&console, &headers, &person, &to).await
        }
        Err(refused @ (Refused::Wrong | Refused::Slow(_))) => {
            let status = status_of(&refused);
            let frame = Frame::bare("Sign in");
            let page = SignInPage {
                frame: frame.clone(),
                next: next.to_owned(),
                email: email.to_owned(),
                wrong: sentence(&refused.to_string()),
                by: by(&console),
            };
            Ok((status, render(&page, &frame)).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

pub(super) async fn code_form(Begun(person): Begun, uri: Uri) -> Response {
    let frame = Frame::bare("Second factor");
    let next = safe_next(Fields::of(&uri).get("next")).to_owned();
    if person.session.full {
        return Redirect::to(&next).into_response();
    }
    let csrf = super::page::csrf(&person);
    render(&CodePage { frame: frame.clone(), next, csrf, wrong: String::new() }, &frame)
}

pub(super) async fn code(
    State(console): State<Console>,
    headers: HeaderMap,
    BegunPost { person, fields }: BegunPost,
) -> Result<Response, Fail> {
    let next = safe_next(fields.get("next")).to_owned();
    match console.people.second(&person, fields.get("code")).await {
        Ok(person) => enter(&console, &headers, &person, &next).await,
        Err(refused @ (Refused::WrongCode | Refused::Slow(_))) => {
            let frame = Frame::bare("Second factor");
            let wrong = sentence(&refused.to_string());
            let page = CodePage { frame: frame.clone(), next, csrf: super::page::csrf(&person), wrong };
            Ok((status_of(&refused), render(&page, &frame)).into_response())
        }
        Err(other) => Err(other.into()),
    }
}

/// Shows a button: what opens links by itself, to look at them, does not use them up.
pub(super) async fn link_form(
    State(console): State<Console>,
    Path(token): Path<String>,
) -> Result<Response, Fail> {
    let token = Token::parse(&token).ok_or(Refused::Link)?;
    let id = console.people.accounts.link(&token.hash(), console.people.clock.now()).await?;
    let user = match id {
        Some(id) => console.people.accounts.user(&id).await?,
        None => None,
    };
    let email = user.filter(|user| user.disabled_at.is_none()).ok_or(Refused::Link)?.email;
    let frame = Frame::bare("Sign in");
    Ok(render(&LinkPage { frame: frame.clone(), email }, &frame))
}

pub(super) async fn link(
    State(console): State<Console>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fail> {
    let token = Token::parse(&token).ok_or(Refused::Link)?;
    let person = console.people.by_link(&token, device(&headers)).await?;
    let to = if person.session.full { "/console/queue" } else { "/console/code" };
    enter(&console, &headers, &person, to).await
}

pub(super) async fn sign_out(
    State(console): State<Console>,
    headers: HeaderMap,
    BegunPost { person, .. }: BegunPost,
) -> Result<Response, Fail> {
    console.people.sign_out(&person).await?;
    Ok(([(header::SET_COOKIE, cookie::clear(&headers))], Redirect::to("/console/sign-in")).into_response())
}

/// On with the session's cookie.
pub(super) async fn enter(
    console: &Console,
    headers: &HeaderMap,
    person: &Person,
    to: &str,
) -> Result<Response, Fail> {
    if person.session.full {
        drafts::know(console, person).await?;
    }
    Ok(([(header::SET_COOKIE, cookie::set(headers, &person.token))], Redirect::to(to)).into_response())
}

pub(super) fn with_next(place: &str, next: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    format!("{place}?{query}")
}

fn status_of(refused: &Refused) -> StatusCode {
    match refused {
        Refused::Slow(_) => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNAUTHORIZED,
    }
}
