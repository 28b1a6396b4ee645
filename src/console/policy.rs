//! Policies: changed here, tried on what was judged already, and only then saved as the next version.

use super::{
    Console,
    drafts::{Written, sent},
    fail::{Fail, sentence},
    fields::Fields,
    page::{Frame, render},
    visitor::{Posted, Signed, needs},
    words,
};
use crate::{
    access::{Person, Right, may, session::same},
    ports::{PortError, accounts::Queues, store::Stale, trials::Version},
    review::tryout::{Flip, Outcome, Untried},
    upload::{Decision, TenantId, policy::DEFAULT_VERSION},
};
use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse, Redirect, Response},
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const TENANTS: u32 = 500;
const VERSIONS: u32 = 50;
/// Flips that are shown by name.
const FLIPS: usize = 100;
const LONGEST_WHY: usize = 400;

#[derive(Template)]
#[template(path = "policy.html")]
struct Page {
    frame: Frame,
    tenants: Vec<String>,
    tenant: String,
    /// The version in force, which a new one is saved over.
    version: u32,
    text: String,
    /// Where the text is an earlier version's.
    from: Option<u32>,
    versions: Vec<Row>,
    edits: bool,
    wrong: String,
    tried: Option<Tried>,
    why: String,
    written: Written,
}

struct Row {
    number: u32,
    at: String,
    by: String,
    why: String,
}

struct Tried {
    /// Proof that this very text was tried.
    proof: String,
    seen: usize,
    of: usize,
    counts: Vec<(Decision, Decision, usize)>,
    flips: Vec<FlipRow>,
    flipped: usize,
    /// Of these, in queues that are not this person's.
    elsewhere: usize,
}

struct FlipRow {
    id: String,
    name: String,
    state: String,
    was: Decision,
    would_be: Decision,
    why: String,
}

pub(super) async fn show(
    State(console): State<Console>,
    Signed(person): Signed,
    uri: Uri,
) -> Result<Response, Fail> {
    needs(&person, Right::Insight)?;
    let fields = Fields::of(&uri);
    let tenants = tenants(&console, &person).await?;
    let asked = fields.some("tenant").and_then(|name| name.parse::<TenantId>().ok());
    let tenant = asked.or_else(|| tenants.first().cloned());
    let mut page = page(&console, &person, tenant.as_ref(), &tenants).await?;
    page.frame = page.frame.saying(fields.get("said"));
    if let (Some(tenant), Some(number)) = (&tenant, fields.some("version").and_then(|n| n.parse().ok())) {
        page.text = console.tryouts.text(tenant, number).await?.ok_or_else(Fail::no_page)?;
        page.from = Some(number).filter(|number| *number != page.version);
        page.why = page.from.map_or_else(String::new, |number| format!("back to version {number}"));
    }
    let written = Written::of(&console, &person, &fields, "/console/policy").await?;
    if written.is_some() && written.get("tenant") == page.tenant {
        (page.text, page.from) = (text(&written.fields), None);
        written.get("why").clone_into(&mut page.why);
        page.written = written;
    }
    let frame = page.frame.clone();
    Ok(render(&page, &frame))
}

/// Those whose policies this person may see.
async fn tenants(console: &Console, person: &Person) -> Result<Vec<TenantId>, PortError> {
    match &person.user.tenants {
        crate::ports::accounts::Tenants::All => console.tryouts.trials.tenants(TENANTS).await,
        crate::ports::accounts::Tenants::These(these) => Ok(these.iter().cloned().collect()),
    }
}

async fn page(
    console: &Console,
    person: &Person,
    tenant: Option<&TenantId>,
    tenants: &[TenantId],
) -> Result<Page, Fail> {
    let frame = Frame::of(console, person, "Policies").await?;
    let mut page = Page {
        frame,
        tenants: tenants.iter().map(ToString::to_string).collect(),
        tenant: String::new(),
        version: DEFAULT_VERSION,
        text: String::new(),
        from: None,
        versions: Vec::new(),
        edits: may(person.user.role, Right::Operate),
        wrong: String::new(),
        tried: None,
        why: String::new(),
        written: Written::default(),
    };
    let Some(tenant) = tenant else { return Ok(page) };
    if !person.user.tenants.includes(tenant) {
        return Err(Fail::no_page());
    }
    page.tenant = tenant.to_string();
    (page.version, page.text) = console.tryouts.current(tenant).await?;
    page.versions = versions(console, tenant).await?;
    Ok(page)
}

async fn versions(console: &Console, tenant: &TenantId) -> Result<Vec<Row>, Fail> {
    let versions = console.tryouts.trials.policy_versions(tenant, VERSIONS).await?;
    let users = console.people.accounts.users().await?;
    let emails: BTreeMap<_, _> =
        users.into_iter().map(|user| (format!("user:{}", user.id), user.email)).collect();
    let row = |Version { number, at, by, why }: Version| Row {
        number,
        at: words::time(at),
        by: emails.get(&by).cloned().unwrap_or(by),
        why,
    };
    let mut rows: Vec<Row> = versions.into_iter().map(row).collect();
    if rows.len() < VERSIONS as usize {
        let why = "as it comes with Lazaret".to_owned();
        rows.push(Row { number: DEFAULT_VERSION, at: String::new(), by: String::new(), why });
    }
    Ok(rows)
}

/// Line ends as files have them; forms send others.
fn text(fields: &Fields) -> String {
    fields.get("text").replace("\r\n", "\n")
}

fn proof(person: &Person, tenant: &TenantId, over: u32, text: &str) -> String {
    person.token.derive(&format!("policy {tenant} {over} {}", crate::hex(&Sha256::digest(text))))
}

/// Tries it out, and with `do=save` saves what was tried.
pub(super) async fn change(
    State(console): State<Console>,
    Posted { person, fields }: Posted,
) -> Result<Response, Fail> {
    needs(&person, Right::Operate)?;
    let tenant: TenantId = fields.get("tenant").parse().map_err(|_| Fail::no_page())?;
    let all = tenants(&console, &person).await?;
    let mut page = page(&console, &person, Some(&tenant), &all).await?;
    let (text, over) = (text(&fields), fields.get("over").parse().unwrap_or(0));
    fields.get("why").clone_into(&mut page.why);
    fields.get("draft").clone_into(&mut page.written.id);
    if fields.get("do") == "save" {
        let why: String = fields.get("why").trim().chars().take(LONGEST_WHY).collect();
        if !same(fields.get("proof"), &proof(&person, &tenant, over, &text)) {
            page.wrong = "This text was not tried out yet, or it was changed since. Try it out first.".into();
        } else if why.is_empty() {
            page.wrong = "Say why.".into();
        } else {
            let actor = person.actor();
            let deed = console.people.deed(&actor, "policy.applied");
            match console.tryouts.trials.save_policy(&tenant, over, &text, &why, deed).await? {
                Ok(_) => {
                    sent(&console, &person, &fields).await;
                    return Ok(
                        Redirect::to(&format!("/console/policy?tenant={tenant}&said=saved")).into_response()
                    );
                }
                Err(Stale) => {
                    page.wrong =
                        "Somebody else saved a version meanwhile. Look at it, and try yours out again."
                            .into();
                }
            }
        }
        page.text = text;
        let frame = page.frame.clone();
        return Ok((StatusCode::CONFLICT, render(&page, &frame)).into_response());
    }
    let status = match console.tryouts.run(&tenant, &text).await {
        Ok(outcome) => {
            let proof = proof(&person, &tenant, page.version, &text);
            page.tried = Some(tried(outcome, proof, &person.user.queues));
            StatusCode::OK
        }
        Err(Untried::Port(error)) => return Err(error.into()),
        Err(untried @ (Untried::Busy | Untried::Long)) => {
            page.wrong = sentence(&untried.to_string());
            StatusCode::TOO_MANY_REQUESTS
        }
        Err(Untried::Policy(error)) => {
            page.wrong = sentence(&error.to_string());
            StatusCode::UNPROCESSABLE_ENTITY
        }
    };
    page.text = text;
    let frame = page.frame.clone();
    Ok((status, render(&page, &frame)).into_response())
}

/// Names only what this person may look at. Who sees but some queues sees what came to review in them.
fn tried(outcome: Outcome, proof: String, queues: &Queues) -> Tried {
    let Outcome { seen, of, counts, mut flips } = outcome;
    let flipped = flips.len();
    let theirs = |flip: &Flip| flip.filed_under.as_ref().is_some_and(|reason| queues.includes(reason));
    flips.retain(|flip| *queues == Queues::All || theirs(flip));
    let elsewhere = flipped - flips.len();
    let row = |flip: Flip| FlipRow {
        id: flip.upload.to_string(),
        name: flip.name,
        state: flip.state.to_string().replace('_', " "),
        was: flip.was,
        would_be: flip.would_be,
        why: flip.reasons.iter().map(|code| words::reason(code)).collect::<Vec<_>>().join("; "),
    };
    Tried {
        proof,
        seen,
        of,
        counts: counts.into_iter().map(|((was, would_be), n)| (was, would_be, n)).collect(),
        flips: flips.into_iter().take(FLIPS).map(row).collect(),
        flipped,
        elsewhere,
    }
}
