//! The audit log: filtered, and exported as JSON lines and CSV.

use super::{
    Console,
    fail::Fail,
    fields::Fields,
    page::{Frame, render},
    visitor::{Signed, needs},
    words,
};
use crate::{
    access::Right,
    ports::{
        accounts::{Queues, Tenants, User},
        reviews::AuditFilter,
        store::AuditLine,
    },
};
use askama::Template;
use axum::{
    extract::State,
    http::{Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

const ROWS: u32 = 100;
/// Lines of one export; the rest is had with `before`.
const EXPORTED: u32 = 50_000;

#[derive(Template)]
#[template(path = "audit.html")]
struct Page {
    frame: Frame,
    lines: Vec<Row>,
    /// Only a part of the log is shown to this person.
    part: bool,
    actor: String,
    subject: String,
    action: String,
    /// The query of the next page; empty on the last.
    older: String,
    query: String,
}

struct Row {
    sequence: u64,
    at: String,
    actor: String,
    action: String,
    subject: String,
    detail: String,
    item: bool,
}

fn filter(user: &User, fields: &Fields, limit: u32) -> AuditFilter {
    let text = |name| fields.some(name).map(|value| value.trim().to_owned());
    AuditFilter {
        actor: text("actor"),
        subject: text("subject"),
        action: text("action"),
        sight: (!sees_all(user)).then(|| (user.tenants.clone(), user.queues.clone())),
        before: fields.some("before").and_then(|n| n.parse().ok()).filter(|n| i64::try_from(*n).is_ok()),
        limit,
    }
}

/// Who does not sees what is on record of their tenants and queues, and nothing of people.
fn sees_all(user: &User) -> bool {
    user.tenants == Tenants::All && user.queues == Queues::All
}

pub(super) async fn audit(
    State(console): State<Console>,
    Signed(person): Signed,
    uri: Uri,
) -> Result<Response, Fail> {
    needs(&person, Right::Audit)?;
    let fields = Fields::of(&uri);
    let mut lines = console.desk.reviews.audit_find(&filter(&person.user, &fields, ROWS + 1)).await?;
    let more = lines.len() > ROWS as usize;
    lines.truncate(ROWS as usize);
    let query = fields.query(&["before", "said"]);
    let last = lines.last().map_or(0, |line| line.sequence);
    let frame = Frame::of(&console, &person, "Audit log").await?;
    let page = Page {
        lines: lines.into_iter().map(row).collect(),
        part: !sees_all(&person.user),
        actor: fields.get("actor").to_owned(),
        subject: fields.get("subject").to_owned(),
        action: fields.get("action").to_owned(),
        older: if more { format!("{query}&before={last}") } else { String::new() },
        query,
        frame: frame.clone(),
    };
    Ok(render(&page, &frame))
}

fn row(line: AuditLine) -> Row {
    Row {
        item: line.subject.parse::<crate::upload::UploadId>().is_ok(),
        sequence: line.sequence,
        at: words::time(line.at),
        actor: line.actor,
        action: line.action,
        subject: line.subject,
        detail: line.detail,
    }
}

pub(super) async fn export(
    State(console): State<Console>,
    Signed(person): Signed,
    uri: Uri,
) -> Result<Response, Fail> {
    needs(&person, Right::Audit)?;
    let fields = Fields::of(&uri);
    let lines = console.desk.reviews.audit_find(&filter(&person.user, &fields, EXPORTED)).await?;
    let csv = fields.get("format") == "csv";
    let actor = person.actor();
    let deed = console.people.deed(&actor, "audit.exported");
    let detail = json!({ "lines": lines.len(), "format": if csv { "csv" } else { "jsonl" } });
    console.desk.reviews.record(deed, &person.user.id, detail).await?;
    let (media_type, name, body) = if csv {
        ("text/csv; charset=utf-8", "audit.csv", as_csv(&lines))
    } else {
        ("application/jsonl", "audit.jsonl", as_json_lines(&lines))
    };
    let headers = [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, body).into_response())
}

fn as_json_lines(lines: &[AuditLine]) -> String {
    let line = |line: &AuditLine| {
        json!({ "sequence": line.sequence, "at": line.at.to_string(), "actor": line.actor, "action": line.action,
                "subject": line.subject, "detail": serde_json::from_str::<serde_json::Value>(&line.detail)
                    .unwrap_or_else(|_| line.detail.clone().into()) })
        .to_string()
            + "\n"
    };
    lines.iter().map(line).collect()
}

/// RFC 4180. A cell that a spreadsheet would take for a formula begins with an apostrophe.
fn as_csv(lines: &[AuditLine]) -> String {
    let cell = |text: &str| {
        let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    };
    let mut csv = String::from("sequence,at,actor,action,subject,detail\r\n");
    for line in lines {
        let cells = [&line.at.to_string(), &line.actor, &line.action, &line.subject, &line.detail]
            .map(|text| cell(text));
        csv.push_str(&format!("{},{}\r\n", line.sequence, cells.join(",")));
    }
    csv
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_and_never_breaks_its_row() {
        let line = AuditLine {
            sequence: 7,
            at: jiff::Timestamp::UNIX_EPOCH,
            actor: "=cmd|' /C calc'!A0".into(),
            action: "a\"b".into(),
            subject: "x,y\r\nz".into(),
            detail: "{\"a\":1}".into(),
        };
        assert_eq!(
            as_csv(std::slice::from_ref(&line)).split_once("\r\n").unwrap().1,
            "7,\"1970-01-01T00:00:00Z\",\"'=cmd|' /C calc'!A0\",\"a\"\"b\",\"x,y\r\nz\",\"{\"\"a\"\":1}\"\r\n"
        );
        assert!(as_json_lines(&[line]).ends_with("\"sequence\":7,\"subject\":\"x,y\\r\\nz\"}\n"));
    }
}
