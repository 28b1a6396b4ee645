//! Rulings as they are made, taken back, and fetched to be carried out.

use super::{
    both::{Connection, Engine, This, append, begin, reader},
    briefs::among,
    reviews::words,
};
use crate::{
    adapters::sql::{parse, signed, small, time, unsigned},
    ports::{
        PortError, Result,
        accounts::Deed,
        reviews::{Becomes, Item, Ruling},
        store::Stale,
    },
    upload::{UploadId, ruling::SEALS},
};
use jiff::Timestamp;
use serde_json::json;
use sqlx::QueryBuilder;

#[derive(sqlx::FromRow)]
struct RulingRow {
    upload: String,
    number: i64,
    kind: String,
    reason: String,
    note: String,
    overrides: String,
    rules_over: String,
    person: String,
    at: i64,
    standing: String,
    due_at: Option<i64>,
    fence: i64,
    outcome: Option<String>,
    batch: Option<String>,
}

impl TryFrom<RulingRow> for Ruling {
    type Error = PortError;

    fn try_from(row: RulingRow) -> Result<Self> {
        Ok(Self {
            upload: parse(&row.upload)?,
            number: small(row.number)?,
            kind: parse(&row.kind)?,
            reason: row.reason,
            note: row.note,
            overrides: words(&row.overrides),
            over: row.rules_over,
            by: row.person,
            at: time(row.at)?,
            standing: parse(&row.standing)?,
            due_at: row.due_at.map(time).transpose()?,
            fence: unsigned(row.fence)?,
            outcome: row.outcome,
            batch: row.batch,
        })
    }
}

macro_rules! rulings {
    ($rest:literal) => {
        concat!(
            "SELECT upload, number, kind, reason, note, overrides, rules_over, person, at, standing, due_at, fence, outcome, \
             batch FROM rulings",
            $rest
        )
    };
}

pub(super) async fn rule(
    store: &This,
    item: &Item,
    ruling: &Ruling,
    becomes: &Becomes,
    deed: Deed<'_>,
) -> Result<std::result::Result<u32, Stale>> {
    let id = item.upload.to_string();
    let mut tx = begin(store).await?;
    let not_by = becomes.not_by.join(" ");
    let moved = sqlx::query(
        "UPDATE reviews SET status = $3, escalated = $4, sealed = $5, not_by = $6, version = version + 1, \
         holder = CASE WHEN $7 = 1 THEN NULL ELSE holder END, \
         held_until = CASE WHEN $7 = 1 THEN NULL ELSE held_until END WHERE upload = $1 AND version = $2",
    )
    .bind(&id)
    .bind(signed(item.version)?)
    .bind(becomes.status.as_str())
    .bind(i64::from(becomes.escalated))
    .bind(i64::from(becomes.sealed))
    .bind((!not_by.is_empty()).then_some(not_by))
    .bind(i64::from(becomes.released))
    .execute(&mut *tx)
    .await?;
    if moved.rows_affected() == 0 {
        tx.rollback().await?;
        return Ok(Err(Stale));
    }
    let number: i64 = sqlx::query_scalar(
        "INSERT INTO rulings (upload, number, kind, reason, note, overrides, rules_over, person, at, standing, due_at, \
         batch) SELECT $1, coalesce((SELECT max(number) FROM rulings WHERE upload = $1), 0) + 1, $2, $3, $4, $5, $6, $7, \
         $8, $9, $10, $11 RETURNING number",
    )
    .bind(&id)
    .bind(ruling.kind.as_str())
    .bind(&ruling.reason)
    .bind(&ruling.note)
    .bind(ruling.overrides.join(" "))
    .bind(&ruling.over)
    .bind(&ruling.by)
    .bind(ruling.at.as_millisecond())
    .bind(ruling.standing.as_str())
    .bind(ruling.due_at.map(Timestamp::as_millisecond))
    .bind(&ruling.batch)
    .fetch_one(&mut *tx)
    .await?;
    let detail = json!({
        "number": number, "kind": ruling.kind.as_str(), "reason": ruling.reason, "overrides": ruling.overrides,
        "over": ruling.over, "standing": ruling.standing.as_str(), "sealed": becomes.sealed, "batch": ruling.batch,
    });
    append(&mut tx, deed, &id, detail).await?;
    tx.commit().await?;
    Ok(Ok(small(number)?))
}

/// What can be taken back of a person's: `$1` is who, `$2` now, `$3` since when an approval that waits for a second person
/// was made.
macro_rules! undoable {
    () => {
        " person = $1 AND ((standing = 'waiting' AND fence = 0 AND due_at > $2) OR (standing = 'second' AND at > $3 \
         AND NOT EXISTS (SELECT 1 FROM rulings l WHERE l.upload = rulings.upload AND l.number > rulings.number \
         AND l.kind <> 'note' AND l.standing IN ('waiting', 'done'))))"
    };
}

const UNDOABLE: &str =
    concat!("SELECT kind, standing FROM rulings WHERE upload = $4 AND number = $5 AND", undoable!());
const UNDO: &str = "UPDATE rulings SET standing = 'undone', due_at = NULL WHERE upload = $1 AND number = $2 \
    AND standing = $3 AND fence = 0";

pub(super) async fn undo(
    store: &This,
    id: UploadId,
    number: u32,
    who: &str,
    since: Timestamp,
    until: Option<Timestamp>,
    deed: Deed<'_>,
) -> Result<bool> {
    let text = id.to_string();
    let mut tx = begin(store).await?;
    let found: Option<(String, String)> = sqlx::query_as(UNDOABLE)
        .bind(who)
        .bind(deed.at.as_millisecond())
        .bind(since.as_millisecond())
        .bind(&text)
        .bind(i64::from(number))
        .fetch_optional(&mut *tx)
        .await?;
    let Some((kind, standing)) = found else {
        tx.rollback().await?;
        return Ok(false);
    };
    let undone =
        sqlx::query(UNDO).bind(&text).bind(i64::from(number)).bind(&standing).execute(&mut *tx).await?;
    let waited = standing == "second";
    // What was escalated, or waits for a second person, is back with whoever did it, unless somebody looks at it by now or
    // has decided it.
    let open_to_others = waited || kind == "escalate";
    let free = sqlx::query(
        "UPDATE reviews SET version = version + 1 WHERE upload = $1 AND ($2 = 0 OR (status = 'open' \
         AND (holder IS NULL OR held_until <= $3 OR holder = $4)))",
    )
    .bind(&text)
    .bind(i64::from(open_to_others))
    .bind(deed.at.as_millisecond())
    .bind(who)
    .execute(&mut *tx)
    .await?;
    if undone.rows_affected() == 0 || free.rows_affected() == 0 {
        tx.rollback().await?;
        return Ok(false);
    }
    if waited {
        free_of(&mut tx, &text, &[who.to_owned()]).await?;
    }
    // What was closed stays so: it was reversed, and the reversal is undone. What users wait for an answer to is open, and what
    // waits for a second person. A seal holds until an approval lifted it; one that could not be carried out is one, too.
    // An escalation is over once the item was decided.
    sqlx::query(
        "UPDATE reviews SET fence = fence + 1, holder = NULL, held_until = NULL, \
         status = CASE WHEN (SELECT state FROM uploads WHERE id = $1) = 'in_review' \
         OR EXISTS (SELECT 1 FROM reports p WHERE p.upload = $1 AND p.outcome IS NULL) \
         OR EXISTS (SELECT 1 FROM appeals a WHERE a.upload = $1 AND a.outcome IS NULL) \
         OR EXISTS (SELECT 1 FROM rulings r WHERE r.upload = $1 AND r.standing = 'second' AND r.number > \
         coalesce((SELECT max(d.number) FROM rulings d WHERE d.upload = $1 AND d.standing = 'done' \
         AND d.kind IN ('approve', 'quarantine')), 0)) THEN 'open' ELSE 'closed' END, \
         sealed = CASE WHEN EXISTS (SELECT 1 FROM rulings s WHERE s.upload = $1 AND s.kind = 'quarantine' AND s.reason = $2 \
         AND s.standing IN ('waiting', 'done', 'failed') AND s.number > coalesce((SELECT max(d.number) FROM rulings d \
         WHERE d.upload = $1 AND d.standing = 'done' AND d.kind = 'approve'), 0)) THEN 1 ELSE 0 END, \
         escalated = CASE WHEN $3 = 0 THEN escalated WHEN EXISTS (SELECT 1 FROM rulings e WHERE e.upload = $1 \
         AND e.kind = 'escalate' AND e.standing IN ('waiting', 'done') AND e.number > \
         coalesce((SELECT max(d.number) FROM rulings d WHERE d.upload = $1 AND d.standing = 'done' \
         AND d.kind IN ('approve', 'quarantine')), 0)) THEN 1 ELSE 0 END WHERE upload = $1",
    )
    .bind(&text)
    .bind(SEALS)
    .bind(i64::from(open_to_others))
    .execute(&mut *tx)
    .await?;
    if let Some(until) = until {
        sqlx::query(
            "UPDATE reviews SET holder = $2, held_until = $3 WHERE upload = $1 AND status = 'open' \
             AND ' ' || coalesce(not_by, '') || ' ' NOT LIKE '% ' || $2 || ' %'",
        )
        .bind(&text)
        .bind(who)
        .bind(until.as_millisecond())
        .execute(&mut *tx)
        .await?;
    }
    append(&mut tx, deed, &text, json!({ "number": number })).await?;
    tx.commit().await?;
    Ok(true)
}

/// Who was the first of two is kept from the item no more, unless somebody appeals against what they decided before.
async fn free_of(tx: &mut Connection, upload: &str, people: &[String]) -> Result<()> {
    let not_by: Option<String> = sqlx::query_scalar("SELECT not_by FROM reviews WHERE upload = $1")
        .bind(upload)
        .fetch_one(&mut *tx)
        .await?;
    let appeal: Option<i64> =
        sqlx::query_scalar("SELECT number FROM appeals WHERE upload = $1 AND outcome IS NULL LIMIT 1")
            .bind(upload)
            .fetch_optional(&mut *tx)
            .await?;
    let not_by = match appeal {
        Some(_) => super::answer::decided_by(&mut *tx, upload).await?,
        None => {
            let mut left = words(not_by.as_deref().unwrap_or_default());
            left.retain(|person| !people.contains(person));
            (!left.is_empty()).then(|| left.join(" "))
        }
    };
    sqlx::query("UPDATE reviews SET not_by = $2 WHERE upload = $1")
        .bind(upload)
        .bind(not_by)
        .execute(tx)
        .await?;
    Ok(())
}

/// An approval that somebody agreed to was not carried out: what the first of two said of it holds no more.
pub(super) async fn forget_firsts(tx: &mut Connection, upload: &str, why: &str) -> Result<()> {
    let firsts: Vec<String> = sqlx::query_scalar(
        "UPDATE rulings SET standing = 'failed', outcome = $2 WHERE upload = $1 AND standing = 'second' AND number > \
         coalesce((SELECT max(d.number) FROM rulings d WHERE d.upload = $1 AND d.standing = 'done' \
         AND d.kind IN ('approve', 'quarantine')), 0) RETURNING person",
    )
    .bind(upload)
    .bind(why)
    .fetch_all(&mut *tx)
    .await?;
    if firsts.is_empty() { Ok(()) } else { free_of(tx, upload, &firsts).await }
}

pub(super) async fn rulings(store: &This, id: UploadId) -> Result<Vec<Ruling>> {
    let rows: Vec<RulingRow> = sqlx::query_as(rulings!(" WHERE upload = $1 ORDER BY number"))
        .bind(id.to_string())
        .fetch_all(&mut *reader(store).await?)
        .await?;
    rows.into_iter().map(Ruling::try_from).collect()
}

/// Of these uploads, each one's by number.
pub(super) async fn rulings_of(store: &This, ids: &[UploadId]) -> Result<Vec<Ruling>> {
    let mut query = QueryBuilder::<Engine>::new(rulings!(" WHERE upload IN "));
    among(&mut query, ids);
    query.push(" ORDER BY upload, number");
    let rows: Vec<RulingRow> = query.build_query_as().fetch_all(&mut *reader(store).await?).await?;
    rows.into_iter().map(Ruling::try_from).collect()
}

const NEWEST: &str = concat!(rulings!(" WHERE"), undoable!(), " ORDER BY at DESC LIMIT 1");

pub(super) async fn undoable(
    store: &This,
    who: &str,
    now: Timestamp,
    since: Timestamp,
) -> Result<Vec<Ruling>> {
    let newest: Option<RulingRow> = sqlx::query_as(NEWEST)
        .bind(who)
        .bind(now.as_millisecond())
        .bind(since.as_millisecond())
        .fetch_optional(&mut *reader(store).await?)
        .await?;
    let Some(newest) = newest.map(Ruling::try_from).transpose()? else { return Ok(Vec::new()) };
    match &newest.batch {
        Some(of) => batch(store, who, of).await,
        None => Ok(vec![newest]),
    }
}

pub(super) async fn batch(store: &This, who: &str, batch: &str) -> Result<Vec<Ruling>> {
    let rows: Vec<RulingRow> = sqlx::query_as(rulings!(
        " WHERE batch = $2 AND person = $1 AND standing IN ('waiting', 'second') ORDER BY upload"
    ))
    .bind(who)
    .bind(batch)
    .fetch_all(&mut *reader(store).await?)
    .await?;
    rows.into_iter().map(Ruling::try_from).collect()
}

pub(super) const DUE: &str = rulings!(" WHERE standing = 'waiting' AND due_at <= $1 ORDER BY due_at LIMIT 1");
/// Of these, what is done by a commit alone. What is published stays so by an approval.
pub(super) const UNEXAMINED: &str = rulings!(
    " WHERE standing = 'waiting' AND due_at <= $1 AND (kind <> 'approve' \
     OR EXISTS (SELECT 1 FROM uploads u WHERE u.id = rulings.upload AND u.state = 'published')) \
     ORDER BY due_at LIMIT 1"
);

pub(super) async fn due(
    store: &This,
    which: &'static str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Ruling>> {
    let due: Option<RulingRow> =
        sqlx::query_as(which).bind(now.as_millisecond()).fetch_optional(&mut *reader(store).await?).await?;
    let Some(mut ruling) = due.map(Ruling::try_from).transpose()? else { return Ok(None) };
    let mut tx = begin(store).await?;
    let taken = sqlx::query(
        "UPDATE rulings SET fence = fence + 1, due_at = $5 WHERE upload = $1 AND number = $2 AND fence = $3 \
         AND standing = 'waiting' AND due_at <= $4",
    )
    .bind(ruling.upload.to_string())
    .bind(i64::from(ruling.number))
    .bind(signed(ruling.fence)?)
    .bind(now.as_millisecond())
    .bind(until.as_millisecond())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    ruling.fence += 1;
    ruling.due_at = Some(until);
    Ok((taken.rows_affected() == 1).then_some(ruling))
}

pub(super) async fn put_off(store: &This, ruling: &Ruling, until: Timestamp) -> Result<()> {
    let mut tx = begin(store).await?;
    sqlx::query(
        "UPDATE rulings SET due_at = $4 WHERE upload = $1 AND number = $2 AND fence = $3 AND standing = 'waiting'",
    )
    .bind(ruling.upload.to_string())
    .bind(i64::from(ruling.number))
    .bind(signed(ruling.fence)?)
    .bind(until.as_millisecond())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}
