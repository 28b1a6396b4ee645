//! What waits: the pages of the queue, its figures, and the next item that is free.

use super::{
    both::{Engine, PLACE_IN, This, reader},
    briefs::among,
    reviews::words,
    sight::{of_queues, of_tenants},
};
use crate::{
    adapters::sql::{parse, small, time, unsigned},
    ports::{
        PortError, Result,
        reviews::{Counts, Item, Place, View, Voiced},
    },
    upload::UploadId,
};
use jiff::Timestamp;
use sqlx::QueryBuilder;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

#[derive(sqlx::FromRow)]
struct ItemRow {
    upload: String,
    tenant: String,
    filename: Option<String>,
    status: String,
    severity: i64,
    reasons: String,
    media_type: String,
    labels: String,
    queued_at: i64,
    escalated: i64,
    sealed: i64,
    version: i64,
    fence: i64,
    holder: Option<String>,
    held_until: Option<i64>,
    not_by: Option<String>,
    skipped_by: Option<String>,
    reports: i64,
    appealed: i64,
    appeals: i64,
}

impl TryFrom<ItemRow> for Item {
    type Error = PortError;

    fn try_from(row: ItemRow) -> Result<Self> {
        Ok(Self {
            upload: parse(&row.upload)?,
            tenant: parse(&row.tenant)?,
            filename: row.filename,
            status: parse(&row.status)?,
            severity: small(row.severity)?,
            reasons: words(&row.reasons),
            media_type: row.media_type,
            labels: lines(&row.labels),
            queued_at: time(row.queued_at)?,
            escalated: row.escalated != 0,
            sealed: row.sealed != 0,
            version: unsigned(row.version)?,
            fence: unsigned(row.fence)?,
            holder: row.holder,
            held_until: row.held_until.map(time).transpose()?,
            not_by: words(row.not_by.as_deref().unwrap_or_default()),
            skipped_by: words(row.skipped_by.as_deref().unwrap_or_default()),
            reports: unsigned(row.reports)?,
            appealed: row.appealed > 0,
            appeals: unsigned(row.appeals)?,
        })
    }
}

fn lines(text: &str) -> Vec<String> {
    text.split('\n').filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

const ITEMS: &str = "SELECT r.upload, r.tenant, u.filename, r.status, r.severity, r.reasons, r.media_type, r.labels, \
    r.queued_at, r.escalated, r.sealed, r.version, r.fence, r.holder, r.held_until, r.not_by, r.skipped_by, \
    (SELECT count(*) FROM reports p WHERE p.upload = r.upload AND p.outcome IS NULL) AS reports, \
    (SELECT count(*) FROM appeals a WHERE a.upload = r.upload AND a.outcome IS NULL) AS appealed, \
    (SELECT count(*) FROM appeals a WHERE a.upload = r.upload) AS appeals";

/// What of the open queue the view shows.
fn seen(query: &mut QueryBuilder<Engine>, view: &View) {
    query.push(" r.status = 'open' AND r.sealed = 0");
    if !view.escalated {
        query.push(" AND r.escalated = 0");
    }
    of_tenants(query, "r.tenant", &view.tenants);
    of_queues(query, "r.reason", &view.queues);
    if let Some(tenant) = &view.tenant {
        query.push(" AND r.tenant = ").push_bind(tenant.as_str().to_owned());
    }
    if let Some(reason) = &view.reason {
        // They stand with spaces between. (By `replace`, as below, the longer text would be made twice, and that is felt.)
        query.push(" AND ").push(PLACE_IN).push("(' ' || r.reasons || ' ', ");
        query.push_bind(format!(" {reason} ")).push(") > 0");
    }
    if let Some(media_type) = &view.media_type {
        // Every type that begins so: '~' sorts above all that a type is made of.
        query.push(" AND r.media_type >= ").push_bind(media_type.clone());
        query.push(" AND r.media_type <= ").push_bind(format!("{media_type}~"));
    }
    if let Some(label) = &view.label {
        // They stand one a line, with a line feed at both ends. (LIKE has its own view of cases in each engine.)
        query.push(" AND replace(r.labels, ").push_bind(format!("\n{label}\n")).push(", '') <> r.labels");
    }
    if let Some(voiced) = view.voiced {
        query.push(match voiced {
            Voiced::Reported => " AND r.upload IN (SELECT upload FROM reports WHERE outcome IS NULL)",
            Voiced::Appealed => " AND r.upload IN (SELECT upload FROM appeals WHERE outcome IS NULL)",
        });
    }
    if let Some(before) = view.before {
        query.push(" AND r.queued_at < ").push_bind(before.as_millisecond());
    }
}

const HARDEST_FIRST: &str = " ORDER BY r.severity DESC, r.queued_at, r.upload";
/// Reasons, and labels, that are counted by themselves.
const COUNTED: usize = 24;
/// Ways of labels, and of reasons, to stand together that are looked at, the most frequent first. Of reasons each rule has
/// 448 at most, with the gaps that files can have.
const LABELS_TOGETHER: i64 = 500;
const REASONS_TOGETHER: i64 = 5_000;

/// Where a page begins. Of a place, what is as severe and what is milder are asked for one after the other, so that an
/// index leads to the last page as to the first.
#[derive(Clone, Copy)]
enum Begin<'a> {
    Top,
    AsSevere(&'a Place),
    Milder(&'a Place),
}

pub(super) async fn queue(store: &This, view: &View, after: Option<&Place>, limit: u32) -> Result<Vec<Item>> {
    let Some(place) = after else { return page(store, view, Begin::Top, limit).await };
    let mut items = page(store, view, Begin::AsSevere(place), limit).await?;
    let left = limit.saturating_sub(u32::try_from(items.len()).unwrap_or(limit));
    if left > 0 {
        items.extend(page(store, view, Begin::Milder(place), left).await?);
    }
    Ok(items)
}

async fn page(store: &This, view: &View, from: Begin<'_>, limit: u32) -> Result<Vec<Item>> {
    // Which ones they are an index tells by itself; the rest is looked up of these alone.
    let mut query = QueryBuilder::<Engine>::new(ITEMS);
    query.push(" FROM (SELECT r.upload FROM reviews r WHERE");
    seen(&mut query, view);
    match from {
        Begin::Top => {}
        Begin::AsSevere(place) => {
            query.push(" AND r.severity = ").push_bind(i64::from(place.severity));
            query.push(" AND (r.queued_at, r.upload) > (").push_bind(place.queued_at.as_millisecond());
            query.push(", ").push_bind(place.upload.to_string()).push(")");
        }
        Begin::Milder(place) => {
            query.push(" AND r.severity < ").push_bind(i64::from(place.severity));
        }
    }
    query.push(HARDEST_FIRST).push(" LIMIT ").push_bind(i64::from(limit));
    query
        .push(") p JOIN reviews r ON r.upload = p.upload JOIN uploads u ON u.id = r.upload")
        .push(HARDEST_FIRST);
    let rows: Vec<ItemRow> = query.build_query_as().fetch_all(&mut *reader(store).await?).await?;
    rows.into_iter().map(Item::try_from).collect()
}

pub(super) async fn counts(store: &This, view: &View, now: Timestamp) -> Result<Counts> {
    // One look at all that is open serves every figure. The totals are of all groups, whichever of them are told.
    let mut query = QueryBuilder::<Engine>::new(
        "SELECT g.reasons, g.n, CAST(sum(g.n) OVER () AS bigint), CAST(sum(g.held) OVER () AS bigint), \
         min(g.oldest) OVER () FROM (SELECT r.reasons, count(*) AS n, count(CASE WHEN r.held_until > ",
    );
    query.push_bind(now.as_millisecond());
    query.push(" THEN 1 END) AS held, min(r.queued_at) AS oldest FROM reviews r WHERE");
    seen(&mut query, view);
    query.push(" GROUP BY r.reasons) g ORDER BY g.n DESC, g.reasons LIMIT ").push_bind(REASONS_TOGETHER);
    let rows: Vec<(String, i64, i64, i64, i64)> =
        query.build_query_as().fetch_all(&mut *reader(store).await?).await?;
    let all = rows.first().map(|row| (row.2, row.3, row.4));
    Ok(Counts {
        open: unsigned(all.map_or(0, |(open, ..)| open))?,
        held: unsigned(all.map_or(0, |(_, held, _)| held))?,
        oldest: all.map(|(.., oldest)| time(oldest)).transpose()?,
        reasons: each(rows.into_iter().map(|(reasons, n, ..)| (words(&reasons), n)))?,
    })
}

pub(super) async fn labels(store: &This, view: &View) -> Result<Vec<(String, u64)>> {
    let mut query = QueryBuilder::<Engine>::new("SELECT r.labels, count(*) FROM reviews r WHERE");
    seen(&mut query, view);
    query
        .push(" AND r.labels <> '' GROUP BY r.labels ORDER BY count(*) DESC, r.labels LIMIT ")
        .push_bind(LABELS_TOGETHER);
    let rows: Vec<(String, i64)> = query.build_query_as().fetch_all(&mut *reader(store).await?).await?;
    each(rows.into_iter().map(|(labels, n)| (lines(&labels), n)))
}

/// Of what stands together so often, how often each stands there: the most frequent, in this order.
fn each(together: impl Iterator<Item = (Vec<String>, i64)>) -> Result<Vec<(String, u64)>> {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for (names, n) in together {
        let n = unsigned(n)?;
        // Once of each item, whatever stands there twice.
        for name in names.into_iter().collect::<BTreeSet<_>>() {
            *sums.entry(name).or_default() += n;
        }
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, n)| Reverse(*n));
    sums.truncate(COUNTED);
    Ok(sums)
}

pub(super) async fn sealed(store: &This, view: &View, limit: u32) -> Result<Vec<Item>> {
    let mut query = QueryBuilder::<Engine>::new(ITEMS);
    query.push(
        " FROM reviews r JOIN uploads u ON u.id = r.upload WHERE r.sealed = 1 \
         AND (r.status = 'open' OR (r.status = 'closed' AND u.state = 'published'))",
    );
    of_tenants(&mut query, "r.tenant", &view.tenants);
    of_queues(&mut query, "r.reason", &view.queues);
    query.push(" ORDER BY r.queued_at, r.upload LIMIT ").push_bind(i64::from(limit));
    let rows: Vec<ItemRow> = query.build_query_as().fetch_all(&mut *reader(store).await?).await?;
    rows.into_iter().map(Item::try_from).collect()
}

pub(super) async fn item(store: &This, id: UploadId) -> Result<Option<Item>> {
    let mut query = QueryBuilder::<Engine>::new(ITEMS);
    query
        .push(" FROM reviews r JOIN uploads u ON u.id = r.upload WHERE r.upload = ")
        .push_bind(id.to_string());
    let row: Option<ItemRow> = query.build_query_as().fetch_optional(&mut *reader(store).await?).await?;
    row.map(Item::try_from).transpose()
}

/// Of these, those that came to review.
pub(super) async fn items(store: &This, ids: &[UploadId]) -> Result<Vec<Item>> {
    let mut query = QueryBuilder::<Engine>::new(ITEMS);
    query.push(" FROM reviews r JOIN uploads u ON u.id = r.upload WHERE r.upload IN ");
    among(&mut query, ids);
    let rows: Vec<ItemRow> = query.build_query_as().fetch_all(&mut *reader(store).await?).await?;
    rows.into_iter().map(Item::try_from).collect()
}

/// The hardest, oldest one that this person may be handed, and has not skipped.
pub(super) async fn free(store: &This, view: &View, who: &str, now: Timestamp) -> Result<Option<UploadId>> {
    let mut query = QueryBuilder::<Engine>::new("SELECT r.upload FROM reviews r WHERE");
    seen(&mut query, view);
    to_be_had(&mut query, who, now);
    query.push(" AND NOT ");
    names(&mut query, "r.skipped_by", who);
    query.push(HARDEST_FIRST).push(" LIMIT 1");
    let id: Option<String> = query.build_query_scalar().fetch_optional(&mut *reader(store).await?).await?;
    id.map(|id| parse(&id)).transpose()
}

/// Of those that this person may be handed, what they skipped. When that was, the audit log tells.
pub(super) async fn skipped(
    store: &This,
    view: &View,
    who: &str,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Item>> {
    let mut query = QueryBuilder::<Engine>::new(ITEMS);
    query.push(" FROM reviews r JOIN uploads u ON u.id = r.upload WHERE");
    seen(&mut query, view);
    to_be_had(&mut query, who, now);
    query.push(" AND ");
    names(&mut query, "r.skipped_by", who);
    query.push(
        " ORDER BY (SELECT max(l.sequence) FROM audit l WHERE l.subject = r.upload AND l.action = 'item.skipped'), \
         r.upload LIMIT ",
    );
    query.push_bind(i64::from(limit));
    let rows: Vec<ItemRow> = query.build_query_as().fetch_all(&mut *reader(store).await?).await?;
    rows.into_iter().map(Item::try_from).collect()
}

/// Nobody else looks at it, and it is not kept from this person.
fn to_be_had(query: &mut QueryBuilder<Engine>, who: &str, now: Timestamp) {
    query.push(" AND (r.held_until IS NULL OR r.held_until <= ").push_bind(now.as_millisecond());
    query.push(" OR r.holder = ").push_bind(who.to_owned()).push(") AND NOT ");
    names(query, "r.not_by", who);
}

/// The column names this person, among the ids that stand in it.
fn names(query: &mut QueryBuilder<Engine>, column: &'static str, who: &str) {
    query.push("(").push(column).push(" IS NOT NULL AND ' ' || ").push(column).push(" || ' ' LIKE ");
    query.push_bind(format!("% {who} %")).push(")");
}
