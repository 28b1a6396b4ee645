//! Uploads in.

use super::{
    audit,
    batch::Shared,
    db::{Kept, Tx},
    outbox,
    row::{Row, UploadRow, accepted, clean, received, signed, upload_columns},
};
use crate::{
    ports::{
        Kind, PortError, Result,
        store::{Accepted, NewUpload, Upload},
    },
    upload::{State, UploadId},
};
use jiff::Timestamp;
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};

/// An upload to be accepted.
pub(super) struct Accept(NewUpload);

impl Accept {
    pub fn new(new: &NewUpload) -> Self {
        Self(storable(new))
    }
}

/// As PostgreSQL can hold it.
pub(super) fn storable(new: &NewUpload) -> NewUpload {
    let cleaned = |text: &Option<String>| text.as_deref().map(clean);
    NewUpload {
        filename: cleaned(&new.filename),
        declared: cleaned(&new.declared),
        idempotency_key: cleaned(&new.idempotency_key),
        external_id: cleaned(&new.external_id),
        uploader: cleaned(&new.uploader),
        ..new.clone()
    }
}

impl Shared for Accept {
    type Answer = Accepted;

    fn names(&self) -> Vec<String> {
        let Self(new) = self;
        let tenant = &new.tenant;
        let key = new.idempotency_key.iter().map(|key| format!("{tenant} key {key}"));
        let external = new.external_id.iter().map(|id| format!("{tenant} id {id}"));
        key.chain(external).chain([new.id.to_string()]).collect()
    }

    async fn commit(db: &mut Kept, asks: &[Self]) -> Result<Vec<Accepted>> {
        let mut tx = db.tenants(asks.iter().map(|Self(new)| &new.tenant)).await?;
        let asked: Vec<&NewUpload> = asks.iter().map(|Self(new)| new).collect();
        let same =
            |known: &Upload, new: &NewUpload| known.sha256 == new.sha256 && known.filename == new.filename;
        let (answers, fresh) = admit(&mut tx, &asked, None, same).await?;
        if fresh.is_empty() {
            return Ok(answers);
        }
        let news: Vec<_> = fresh.iter().map(|new| told(new)).collect();
        outbox::append(&mut tx, &news).await?;
        let subjects: Vec<_> = fresh.iter().map(|new| new.id.to_string()).collect();
        let lines: Vec<_> = fresh
            .iter()
            .zip(&subjects)
            .map(|(new, subject)| audit::Entry {
                at: new.at,
                actor: &new.actor,
                action: "upload.accepted",
                subject,
                detail: accepted(&new.tenant, new.size, &new.sha256),
            })
            .collect();
        audit::append(&mut tx, &lines).await?;
        tx.commit().await?;
        Ok(answers)
    }
}

fn told(new: &NewUpload) -> outbox::News<'_> {
    let body = received(new.id, &new.tenant, new.size, &new.sha256);
    outbox::News { upload: new.id, tenant: &new.tenant, kind: "upload.received", body, at: new.at }
}

/// Makes rows of those that are new, awaited until then or received, and answers all; returns the new ones as well. No
/// two of `asked` may be rivals.
pub(super) async fn admit<'a>(
    tx: &mut Tx<'_>,
    asked: &[&'a NewUpload],
    awaited: Option<Timestamp>,
    same: impl Fn(&Upload, &NewUpload) -> bool,
) -> Result<(Vec<Accepted>, Vec<&'a NewUpload>)> {
    let mut known = find(tx, asked).await?;
    let fresh: Vec<&NewUpload> = asked.iter().filter(|new| !known.contains_key(&new.id)).copied().collect();
    let made = insert(tx, &fresh, awaited).await?;
    let beaten: Vec<&NewUpload> = fresh.iter().filter(|new| !made.contains(&new.id)).copied().collect();
    // Somebody else's commit came first: by now it shows.
    known.extend(find(tx, &beaten).await?);
    let answer = |new: &&NewUpload| match known.remove(&new.id) {
        None if made.contains(&new.id) => Ok(Accepted::New),
        None if new.idempotency_key.is_none() && new.external_id.is_none() => {
            Err(PortError::new(Kind::Fail, format!("{} is another upload's id", new.id)))
        }
        None => {
            Err(PortError::new(Kind::Retry, "the upload's key or id was given up this moment, or is taken"))
        }
        Some(upload) if same(&upload, new) => Ok(Accepted::Repeat(Box::new(upload))),
        Some(upload) => Ok(Accepted::Conflict(upload.id)),
    };
    let answers = asked.iter().map(answer).collect::<Result<_>>()?;
    Ok((answers, fresh.into_iter().filter(|new| made.contains(&new.id)).collect()))
}

#[derive(sqlx::FromRow)]
struct Found {
    asked: i64,
    #[sqlx(flatten)]
    row: UploadRow,
}

/// The uploads that have the Idempotency-Key or the sender's id of those asked, by the id of the one that asks.
async fn find(tx: &mut PgConnection, asked: &[&NewUpload]) -> Result<HashMap<UploadId, Upload>> {
    if asked.iter().all(|new| new.idempotency_key.is_none() && new.external_id.is_none()) {
        return Ok(HashMap::new());
    }
    let found: Vec<Found> = sqlx::query_as(concat!(
        "WITH a AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY \
         AS a (tenant, key, external, asked)) SELECT * FROM (SELECT a.asked, 1 AS rank, ",
        upload_columns!(),
        " FROM a JOIN uploads u ON u.tenant = a.tenant AND u.idempotency_key = a.key \
         UNION ALL SELECT a.asked, 2 AS rank, ",
        upload_columns!(),
        " FROM a JOIN uploads u ON u.tenant = a.tenant AND u.external_id = a.external) f ORDER BY rank DESC"
    ))
    .bind(asked.iter().map(|new| new.tenant.as_str()).collect::<Vec<_>>())
    .bind(asked.iter().map(|new| new.idempotency_key.as_deref()).collect::<Vec<_>>())
    .bind(asked.iter().map(|new| new.external_id.as_deref()).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    let mut all = HashMap::new();
    // The key's comes last, and counts.
    for Found { asked: place, row } in found {
        let new = usize::try_from(place - 1).ok().and_then(|place| asked.get(place));
        let new = new.ok_or_else(|| super::row::damaged("an answer to nothing asked"))?;
        all.insert(new.id, Row::try_from(row)?.upload);
    }
    Ok(all)
}

/// The ids of the rows made: all whose id, key and sender's id were free.
async fn insert(
    tx: &mut PgConnection,
    fresh: &[&NewUpload],
    awaited: Option<Timestamp>,
) -> Result<HashSet<UploadId>> {
    if fresh.is_empty() {
        return Ok(HashSet::new());
    }
    let state = if awaited.is_some() { State::Awaiting } else { State::Received };
    let texts = |of: fn(&NewUpload) -> Option<&str>| fresh.iter().map(|new| of(new)).collect::<Vec<_>>();
    let ids: Vec<String> = sqlx::query_scalar(
        "INSERT INTO uploads (id, tenant, state, version, filename, declared, size, sha256, idempotency_key, \
         external_id, accepted_at, due_at, awaited_until, uploader) \
         SELECT n.id, n.tenant, $11, 1, n.filename, n.declared, n.size, n.sha256, n.key, n.external, n.at, \
         CASE WHEN $12::bigint IS NULL THEN n.at END, $12, n.uploader FROM unnest($1::text[], $2::text[], $3::text[], \
         $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::text[]) \
         AS n (id, tenant, filename, declared, size, sha256, key, external, at, uploader) \
         ORDER BY n.tenant, n.key, n.external, n.id ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(fresh.iter().map(|new| new.id.to_string()).collect::<Vec<_>>())
    .bind(texts(|new| Some(new.tenant.as_str())))
    .bind(texts(|new| new.filename.as_deref()))
    .bind(texts(|new| new.declared.as_deref()))
    .bind(fresh.iter().map(|new| signed(new.size)).collect::<Result<Vec<_>>>()?)
    .bind(texts(|new| Some(new.sha256.as_str())))
    .bind(texts(|new| new.idempotency_key.as_deref()))
    .bind(texts(|new| new.external_id.as_deref()))
    .bind(fresh.iter().map(|new| new.at.as_millisecond()).collect::<Vec<_>>())
    .bind(texts(|new| new.uploader.as_deref()))
    .bind(state.as_str())
    .bind(awaited.map(Timestamp::as_millisecond))
    .fetch_all(tx)
    .await?;
    ids.iter().map(|id| super::row::parse(id)).collect()
}
