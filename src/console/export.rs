//! The audit log to take away, as JSON lines or CSV: all of it that the filter asks for, newest first, a part at a time.

use super::{
    Console,
    audit::{Asked, Known},
    fail::Fail,
    visitor::Signed,
};
use crate::{
    access::Person,
    ports::{reviews::AuditFilter, store::AuditLine},
};
use axum::{
    body::Body,
    extract::State,
    http::{Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::json;
use std::io;

/// Lines that are in memory at a time.
const PART: u32 = 1_000;
const HEAD: &str = "sequence,at,actor,person,action,subject,detail,hash\r\n";

#[derive(Clone, Copy)]
enum Format {
    JsonLines,
    Csv,
}

struct Export {
    console: Console,
    person: Person,
    known: Known,
    filter: AuditFilter,
    format: Format,
    /// What stands above the lines, until it was sent.
    head: &'static str,
}

impl Export {
    /// The next part; empty after the last. What is written to the log meanwhile comes above, and is not in it.
    async fn part(&mut self) -> io::Result<String> {
        let Self { console, person, known, filter, format, head } = self;
        // It ends with the session, as a download that was cut off and not as one that is whole.
        if !console.people.still(person).await.map_err(io::Error::other)? {
            return Err(io::Error::other("the session is over"));
        }
        let lines = console.desk.reviews.audit_hashed(filter).await.map_err(io::Error::other)?;
        let mut text = std::mem::take(head).to_owned();
        for (line, hash) in &lines {
            let (person, hash) = (known.name(&line.actor), crate::hex(hash));
            text.push_str(&match format {
                Format::JsonLines => as_json(line, &hash, person),
                Format::Csv => as_csv(line, &hash, person),
            });
        }
        filter.before = Some(lines.last().map_or(0, |(line, _)| line.sequence));
        Ok(text)
    }
}

pub(super) async fn export(
    State(console): State<Console>,
    Signed(person): Signed,
    uri: Uri,
) -> Result<Response, Fail> {
    let Asked { fields, known, mut filter, .. } = Asked::of(&console, &person, &uri).await?;
    filter.limit = PART;
    let (format, name, media_type) = match fields.get("format") {
        "csv" => (Format::Csv, "csv", "text/csv; charset=utf-8"),
        _ => (Format::JsonLines, "jsonl", "application/jsonl"),
    };
    let actor = person.actor();
    let deed = console.people.deed(&actor, "audit.exported");
    // Before the first line leaves: how far it gets is the client's affair.
    let detail = json!({ "format": name, "query": fields.query(&["format", "said"]) });
    console.desk.reviews.record(deed, &person.user.id, detail).await?;
    let head = if matches!(format, Format::Csv) { HEAD } else { "" };
    let mut export = Export { console, person, known, filter, format, head };
    // The first part is asked for here, so that a store that is away is told as everywhere.
    let first = export
        .part()
        .await
        .map_err(|error| Fail::Said(axum::http::StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    let parts = stream::try_unfold((Some(first), export), |(first, mut export)| async move {
        let part = match first {
            Some(part) => part,
            None => export.part().await?,
        };
        Ok::<_, io::Error>((!part.is_empty()).then_some((part, (None, export))))
    });
    let headers = [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"audit.{name}\"")),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// `person` is the address of who did it, as it is now.
fn as_json(line: &AuditLine, hash: &str, person: Option<&str>) -> String {
    let detail = serde_json::from_str::<serde_json::Value>(&line.detail)
        .unwrap_or_else(|_| line.detail.clone().into());
    let line = json!({ "sequence": line.sequence, "at": line.at.to_string(), "actor": line.actor, "person": person,
                       "action": line.action, "subject": line.subject, "detail": detail, "hash": hash });
    line.to_string() + "\n"
}

/// RFC 4180. A cell that a spreadsheet would take for a formula begins with an apostrophe.
fn as_csv(line: &AuditLine, hash: &str, person: Option<&str>) -> String {
    let cell = |text: &str| {
        let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    };
    let at = line.at.to_string();
    let person = person.unwrap_or_default();
    let cells = [at.as_str(), &line.actor, person, &line.action, &line.subject, &line.detail, hash];
    format!("{},{}\r\n", line.sequence, cells.map(cell).join(","))
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
            as_csv(&line, "0a1b", Some("@b")),
            "7,\"1970-01-01T00:00:00Z\",\"'=cmd|' /C calc'!A0\",\"'@b\",\"a\"\"b\",\"x,y\r\nz\",\"{\"\"a\"\":1}\",\"0a1b\"\r\n"
        );
        let json = as_json(&line, "0a1b", None);
        assert!(
            json.ends_with("\"hash\":\"0a1b\",\"person\":null,\"sequence\":7,\"subject\":\"x,y\\r\\nz\"}\n")
        );
    }
}
