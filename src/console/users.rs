//! Accounts, for admins.

use super::{
    Console,
    drafts::sent,
    fail::Fail,
    fields::Fields,
    page::{Frame, render},
    visitor::{Posted, Signed, needs},
};
use crate::{
    access::{Right, Token, people::LONGEST_EMAIL},
    ports::accounts::{Queues, Role, Tenants, User},
    review::care::Rest,
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::{StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
};
use url::form_urlencoded::Serializer;

/// Accounts of one page.
const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "users.html")]
struct Page {
    frame: Frame,
    asked: Asked,
    rows: Vec<Row>,
    roles: [Role; 4],
    /// Where the page before and the next one are, where there are any.
    before: Option<String>,
    next: Option<String>,
}

struct Row {
    id: String,
    email: String,
    role: Role,
    tenants: String,
    queues: String,
    /// What they looked at today that is hard to look at, where it is enough or much.
    rest: &'static str,
    totp: bool,
    disabled: bool,
    me: bool,
}

/// Whom an address asks for. It goes with the forms of the page, which lead back to it.
struct Asked {
    /// A part of the mail address; empty where all are asked for.
    part: String,
    role: Option<Role>,
}

impl Asked {
    fn of(fields: &Fields) -> Self {
        Self { part: fields.get("part").trim().to_owned(), role: fields.get("only").parse().ok() }
    }

    fn only(&self) -> &'static str {
        self.role.map_or("", Role::as_str)
    }

    /// Empty where all are asked for.
    fn pairs(&self) -> Vec<(&'static str, &str)> {
        let all = [("part", self.part.as_str()), ("only", self.only())];
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The page of them that this account is on, saying so.
    fn at(&self, id: &str, said: &str) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(self.pairs()).append_pair("at", id);
        if !said.is_empty() {
            query.append_pair("said", said);
        }
        format!("/console/users?{}", query.finish())
    }
}

#[derive(Template)]
#[template(path = "invited.html")]
struct Invited {
    frame: Frame,
    email: String,
    path: String,
}

pub(super) async fn users(
    State(console): State<Console>,
    Signed(person): Signed,
    uri: Uri,
) -> Result<Response, Fail> {
    needs(&person, Right::Accounts)?;
    let fields = Fields::of(&uri);
    let asked = Asked::of(&fields);
    let mut all = console.people.accounts.find_users(&asked.part, asked.role).await?;
    all.retain(|user| is_within(&person, &user.tenants, &user.queues));
    let frame = Frame::of(&console, &person, "People").await?.saying(fields.get("said"));
    // The page that somebody is on, or the first.
    let at = all.iter().position(|user| user.id == fields.get("at")).unwrap_or(0);
    let first = at - at % ROWS;
    let page = |n: usize| all.get(n).map(|user| asked.at(&user.id, ""));
    let (before, next) = (first.checked_sub(ROWS).and_then(page), page(first + ROWS));
    let shown: Vec<User> = all.into_iter().skip(first).take(ROWS).collect();
    let rests = console.desk.rests(&shown).await?;
    let rows = shown.into_iter().zip(rests).map(|(user, rest)| row(user, rest, &person.user.id)).collect();
    let page = Page { frame: frame.clone(), asked, rows, roles: Role::ALL, before, next };
    Ok(render(&page, &frame))
}

/// The page of people that this one is on, of those that were asked for.
fn page_of(user: &User, fields: &Fields, said: &str) -> Response {
    Redirect::to(&Asked::of(fields).at(&user.id, said)).into_response()
}

fn row(user: User, rest: Rest, me: &str) -> Row {
    Row {
        me: user.id == me,
        id: user.id,
        email: user.email,
        role: user.role,
        tenants: user.tenants.to_string(),
        queues: user.queues.to_string(),
        rest: match rest {
            Rest::Due(_) => "due",
            Rest::Offered(_) => "offered",
            Rest::None => "",
        },
        totp: user.totp.is_some(),
        disabled: user.disabled_at.is_some(),
    }
}

/// Whoever sees some tenants and queues decides on accounts of no others, and grants no others.
fn is_within(person: &crate::access::Person, tenants: &Tenants, queues: &Queues) -> bool {
    person.user.tenants.hold(tenants) && person.user.queues.hold(queues)
}

fn granted(person: &crate::access::Person, fields: &Fields) -> Result<(Tenants, Queues), Fail> {
    let tenants: Tenants = fields.get("tenants").trim().parse().map_err(|why: String| wrong(why))?;
    let queues: Queues = fields.get("queues").trim().parse().map_err(|why: String| wrong(why))?;
    match is_within(person, &tenants, &queues) {
        true => Ok((tenants, queues)),
        false => Err(Fail::Said(
            StatusCode::FORBIDDEN,
            "You can grant no tenants and queues but those that you see yourself.".into(),
        )),
    }
}

fn wrong(why: impl Into<String>) -> Fail {
    Fail::Said(StatusCode::UNPROCESSABLE_ENTITY, super::fail::sentence(&why.into()))
}

pub(super) async fn add(
    State(console): State<Console>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    needs(&person, Right::Accounts)?;
    let email = fields.get("email").trim();
    if !email.contains('@') || email.contains(char::is_whitespace) || email.len() > LONGEST_EMAIL {
        return Err(wrong("that is no mail address"));
    }
    let role: Role = fields.get("role").parse().map_err(|why: String| wrong(why))?;
    let (tenants, queues) = granted(&person, &fields)?;
    match console.people.invite(email, role, tenants, queues, &person.actor()).await? {
        Some((user, token)) => {
            sent(&console, &person, &fields).await;
            invited(&console, &person, &user, &token).await
        }
        None => Err(wrong("that address has an account already")),
    }
}

async fn invited(
    console: &Console,
    person: &crate::access::Person,
    user: &User,
    token: &Token,
) -> Result<Response, Fail> {
    let frame = Frame::of(console, person, "People").await?;
    let path = format!("/console/link/{}", token.reveal());
    Ok(render(&Invited { frame: frame.clone(), email: user.email.clone(), path }, &frame))
}

pub(super) async fn change(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    needs(&person, Right::Accounts)?;
    let people = &console.people;
    let user = people.accounts.user(&id).await?;
    let user = user.filter(|user| is_within(&person, &user.tenants, &user.queues));
    let mut user = user.ok_or_else(Fail::no_page)?;
    // Nobody locks themselves out.
    if user.id == person.user.id && fields.get("do") != "link" {
        return Err(wrong("ask another admin to change your own account"));
    }
    if fields.get("do") == "lift" {
        console.desk.lift(&person, &user).await?;
        sent(&console, &person, &fields).await;
        return Ok(page_of(&user, &fields, "lifted"));
    }
    let actor = person.actor();
    let action = match fields.get("do") {
        "save" => {
            user.role = fields.get("role").parse().map_err(|why: String| wrong(why))?;
            (user.tenants, user.queues) = granted(&person, &fields)?;
            "user.changed"
        }
        "disable" => {
            user.disabled_at = Some(people.clock.now());
            "user.disabled"
        }
        "enable" => {
            user.disabled_at = None;
            "user.enabled"
        }
        "reset" => {
            people.reset(&user, &actor).await?;
            sent(&console, &person, &fields).await;
            let token = people.new_link(&user, &actor).await?;
            return invited(&console, &person, &user, &token).await;
        }
        "link" => {
            let token = people.new_link(&user, &actor).await?;
            sent(&console, &person, &fields).await;
            return invited(&console, &person, &user, &token).await;
        }
        _ => return Err(Fail::stale_form()),
    };
    people.change(&user, Some(""), action, &actor).await?;
    sent(&console, &person, &fields).await;
    Ok(page_of(&user, &fields, "saved"))
}
