//! What the store says: uploads, verdicts, events, leases.

use crate::{load::Accepted, place::Place};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// Every accepted upload is there once, with the bytes that were sent, and has come to what they deserve; and no other is.
pub(super) async fn settled(
    store: &mut PgConnection,
    accepted: &Accepted,
    place: &Place,
) -> Result<(), String> {
    type Row = (String, String, String, Option<String>);
    let query = "SELECT id, state, sha256, coalesce(external_id, idempotency_key) FROM uploads";
    let rows: Vec<Row> = sqlx::query_as(query).fetch_all(store).await.map_err(|e| e.to_string())?;
    let mut wrong = Vec::new();
    if rows.len() != accepted.len() {
        wrong.push(format!("{} were accepted, {} are there", accepted.len(), rows.len()));
    }
    let mut by_name: BTreeMap<&str, &Row> = BTreeMap::new();
    for row in &rows {
        by_name.insert(row.3.as_deref().unwrap_or_default(), row);
    }
    for (name, sent) in accepted {
        match by_name.get(name.as_str()) {
            Some((id, state, sha256, _))
                if sent.may_be(state, place.is_swapped(id))
                    && *sha256 == sent.sha256
                    && sent.id.as_ref().is_none_or(|given| given == id) => {}
            other => wrong.push(format!("{name} is to be {} {:?}, is {other:?}", sent.state, sent.id)),
        }
    }
    as_one(&wrong)
}

/// One verdict for each upload, one audit line for each verdict, by whoever claimed the upload last.
pub(super) async fn one_verdict(store: &mut PgConnection) -> Result<(), String> {
    let query = "SELECT v.upload, v.number, u.fence, (SELECT count(*) FROM audit a WHERE a.subject = v.upload \
        AND a.action = 'upload.verdict'), (SELECT max((a.detail::json ->> 'fence')::bigint) FROM audit a \
        WHERE a.subject = v.upload AND a.action = 'upload.verdict') FROM verdicts v JOIN uploads u ON u.id = v.upload";
    type Row = (String, i64, i64, i64, Option<i64>);
    let rows: Vec<Row> = sqlx::query_as(query).fetch_all(store).await.map_err(|e| e.to_string())?;
    let wrong =
        rows.iter().filter(|(_, number, fence, lines, by)| (*number, *lines, *by) != (1, 1, Some(*fence)));
    let wrong = wrong.map(|(id, number, fence, lines, by)| {
        format!("{id}: verdict number {number} at fence {fence}, {lines} audit lines, by fence {by:?}")
    });
    as_one(&wrong.collect::<Vec<_>>())
}

/// Every verdict's event was heard, and says which verdict it is; all repeats of it are the same event.
pub(super) async fn told(store: &mut PgConnection, heard: &[Value]) -> Result<(), String> {
    type Row = (String, i64, String);
    let query = "SELECT upload, number, detail::text FROM verdicts";
    let verdicts: Vec<Row> = sqlx::query_as(query).fetch_all(&mut *store).await.map_err(|e| e.to_string())?;
    let pending = "SELECT count(*) FROM outbox WHERE handed_at IS NULL";
    let pending: i64 = sqlx::query_scalar(pending).fetch_one(store).await.map_err(|e| e.to_string())?;
    let mut wrong = Vec::new();
    if pending > 0 {
        wrong.push(format!("{pending} entries of the outbox are not handed on"));
    }
    for (upload, number, detail) in verdicts {
        let of_it: Vec<_> = heard
            .iter()
            .filter(|event| event["subject"] == *upload && event["data"]["number"] == number)
            .collect();
        let digest = lazaret::hex(&Sha256::digest(&detail));
        let verdict: Value = serde_json::from_str(&detail).map_err(|e| e.to_string())?;
        let kind = match verdict["verdict"].as_str() {
            Some("publish") => "io.lazaret.upload.published.v1",
            Some("review") => "io.lazaret.upload.review.v1",
            _ => "io.lazaret.upload.quarantined.v1",
        };
        let right = |event: &&Value| event["data"]["verdict_digest"] == digest && event["type"] == kind;
        if of_it.is_empty()
            || !of_it.iter().all(right)
            || of_it.iter().any(|event| event["id"] != of_it[0]["id"])
        {
            wrong.push(format!("verdict {number} on {upload} ({digest}): {of_it:?}"));
        }
    }
    as_one(&wrong)
}

pub(super) async fn leases(store: &mut PgConnection) -> Result<(), String> {
    let query = "SELECT id FROM uploads WHERE worker IS NOT NULL OR due_at IS NOT NULL";
    let held: Vec<String> = sqlx::query_scalar(query).fetch_all(store).await.map_err(|e| e.to_string())?;
    as_one(&held)
}

/// The first of many, and how many there are.
pub(super) fn as_one(wrong: &[String]) -> Result<(), String> {
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("{} wrong: {}", wrong.len(), wrong[..wrong.len().min(5)].join("; ")))
}
