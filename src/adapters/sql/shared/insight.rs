//! Tallies and neighbours, in SQL that both engines understand.

use super::{
    both::{Engine, This, reader},
    sight::{of_queues, of_tenants},
};
use crate::{
    adapters::sql::{parse, time, unsigned},
    ports::{
        Result,
        accounts::{Queues, Tenants},
        insight::{Insight, Neighbour, Sight, Tally, What},
    },
    upload::{Likeness, TenantId, UploadId, likeness::ALIKE},
};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::QueryBuilder;

/// Names of one page, at most.
const NAMES: i64 = 20_000;

const NEIGHBOURS: &str = "SELECT u.id, u.tenant, u.filename, u.state, u.accepted_at, \
    (SELECT v.detail ->> 'verdict' FROM verdicts v WHERE v.upload = u.id ORDER BY v.number DESC LIMIT 1) \
    FROM uploads u WHERE ";

/// [`Likeness::bands`] of a review.
const BANDS: [&str; 4] = ["r.like_0", "r.like_1", "r.like_2", "r.like_3"];
/// With a band in common: more are of a picture that came again and again.
const CANDIDATES: i64 = 2_000;
/// Of which some may not be seen, being sealed.
const NEAREST: usize = 100;

/// Of [`NEIGHBOURS`].
type Columns = (String, String, Option<String>, String, i64, Option<String>);

async fn neighbours(
    store: &This,
    mut query: QueryBuilder<Engine>,
    sight: &Sight,
    limit: u32,
) -> Result<Vec<Neighbour>> {
    of_tenants(&mut query, "u.tenant", &sight.tenants);
    query.push(" AND u.state <> 'erased'");
    // What never came to review is filed under no queue: whose queues are named sees none of it.
    if let Queues::These(_) = sight.queues {
        query.push(" AND EXISTS (SELECT 1 FROM reviews q WHERE q.upload = u.id");
        of_queues(&mut query, "q.reason", &sight.queues);
        query.push(")");
    }
    if !sight.sealed {
        query.push(" AND NOT EXISTS (SELECT 1 FROM reviews r WHERE r.upload = u.id AND r.sealed = 1)");
    }
    query.push(" ORDER BY u.id DESC LIMIT ").push_bind(i64::from(limit));
    let rows: Vec<Columns> = query.build_query_as().fetch_all(&mut *reader(store).await?).await?;
    rows.into_iter()
        .map(|(upload, tenant, filename, state, at, verdict)| {
            Ok(Neighbour {
                upload: parse(&upload)?,
                tenant: parse(&tenant)?,
                filename,
                state: parse(&state)?,
                accepted_at: time(at)?,
                verdict: verdict.as_deref().map(parse).transpose()?,
            })
        })
        .collect()
}

/// What they are told apart by, beside what and name.
#[derive(Debug, Clone, Copy)]
enum By {
    Day,
    Nothing,
}

/// Without days, all stand under the first one.
async fn counted(store: &This, by: By, tenants: &Tenants, what: &[What], from: i64) -> Result<Vec<Tally>> {
    // A day that is the same for all is left out of the grouping, or rows would be sorted by it.
    let (day, groups) = match by {
        By::Day => ("day", "what, day, name"),
        By::Nothing => ("CAST(0 AS BIGINT)", "what, name"),
    };
    let mut query = QueryBuilder::<Engine>::new("SELECT what, ");
    query.push(day).push(", name, CAST(sum(n) AS BIGINT) FROM tallies WHERE what IN (");
    let mut list = query.separated(", ");
    for one in what {
        list.push_bind(one.as_str());
    }
    list.push("''");
    query.push(") AND day >= ").push_bind(from);
    of_tenants(&mut query, "tenant", tenants);
    query.push(" GROUP BY ").push(groups).push(" ORDER BY ").push(groups);
    query.push(" LIMIT ").push_bind(NAMES);
    let rows: Vec<(String, i64, String, i64)> =
        query.build_query_as().fetch_all(&mut *reader(store).await?).await?;
    rows.into_iter()
        .map(|(what, day, name, n)| {
            let day = if let By::Day = by { day } else { from };
            Ok(Tally { what: parse(&what)?, day, name, n: unsigned(n)? })
        })
        .collect()
}

#[async_trait]
impl Insight for This {
    async fn tallies(&self, tenants: &Tenants, what: &[What], from: i64) -> Result<Vec<Tally>> {
        counted(self, By::Day, tenants, what, from).await
    }

    async fn sums(&self, tenants: &Tenants, what: &[What], from: i64) -> Result<Vec<Tally>> {
        counted(self, By::Nothing, tenants, what, from).await
    }

    async fn queued_since(&self, tenants: &Tenants, times: &[Timestamp]) -> Result<Vec<u64>> {
        let mut query = QueryBuilder::<Engine>::new("SELECT ");
        for at in times {
            query
                .push("count(CASE WHEN r.queued_at > ")
                .push_bind(at.as_millisecond())
                .push(" THEN 1 END), ");
        }
        query.push("count(*) FROM reviews r WHERE r.status = 'open' AND r.sealed = 0");
        of_tenants(&mut query, "r.tenant", tenants);
        let row = query.build().fetch_one(&mut *reader(self).await?).await?;
        (0..=times.len()).map(|column| unsigned(sqlx::Row::try_get::<i64, _>(&row, column)?)).collect()
    }

    async fn hindered(&self, limit: u32) -> Result<Vec<(String, u64)>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT waiting_for, count(*) FROM uploads WHERE waiting_for IS NOT NULL GROUP BY waiting_for \
             ORDER BY count(*) DESC, waiting_for LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&mut *reader(self).await?)
        .await?;
        rows.into_iter().map(|(what, n)| Ok((what, unsigned(n)?))).collect()
    }

    async fn same_bytes(
        &self,
        sight: &Sight,
        sha256: &str,
        but: UploadId,
        limit: u32,
    ) -> Result<Vec<Neighbour>> {
        let mut query = QueryBuilder::<Engine>::new(NEIGHBOURS);
        query.push("u.sha256 = ").push_bind(sha256.to_owned());
        query.push(" AND u.id <> ").push_bind(but.to_string());
        neighbours(self, query, sight, limit).await
    }

    async fn alike(
        &self,
        sight: &Sight,
        likeness: Likeness,
        but: &str,
        limit: u32,
    ) -> Result<Vec<Neighbour>> {
        let mut query = QueryBuilder::<Engine>::new(
            "SELECT r.upload, r.likeness FROM reviews r JOIN uploads u ON u.id = r.upload WHERE u.sha256 <> ",
        );
        query.push_bind(but.to_owned()).push(" AND (");
        let mut bands = query.separated(" OR ");
        for n in likeness.telling() {
            let band = i64::from(likeness.bands()[n]);
            bands.push(BANDS[n]).push_unseparated(" = ").push_bind_unseparated(band);
        }
        query.push(")");
        of_tenants(&mut query, "r.tenant", &sight.tenants);
        of_queues(&mut query, "r.reason", &sight.queues);
        query.push(" ORDER BY r.upload DESC LIMIT ").push_bind(CANDIDATES);
        let found: Vec<(String, i64)> = query.build_query_as().fetch_all(&mut *reader(self).await?).await?;
        let mut near: Vec<(u32, String)> = found
            .into_iter()
            .map(|(upload, other)| (likeness.distance(Likeness::of_stored(other)), upload))
            .filter(|(distance, _)| *distance <= ALIKE)
            .collect();
        // The newest of those that are as near come first, as they came.
        near.sort_by_key(|(distance, _)| *distance);
        near.truncate(NEAREST);
        if near.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Engine>::new(NEIGHBOURS);
        query.push("u.id IN (");
        let mut list = query.separated(", ");
        for (_, upload) in &near {
            list.push_bind(upload.clone());
        }
        query.push(")");
        let mut all = neighbours(self, query, sight, NEAREST as u32).await?;
        let place = |of: &Neighbour| near.iter().position(|(_, upload)| *upload == of.upload.to_string());
        all.sort_by_key(place);
        all.truncate(limit as usize);
        Ok(all)
    }

    async fn earlier(
        &self,
        sight: &Sight,
        tenant: &TenantId,
        uploader: Option<&str>,
        before: UploadId,
        limit: u32,
    ) -> Result<Vec<Neighbour>> {
        let mut query = QueryBuilder::<Engine>::new(NEIGHBOURS);
        query.push("u.tenant = ").push_bind(tenant.as_str().to_owned());
        if let Some(uploader) = uploader {
            query.push(" AND u.uploader = ").push_bind(uploader.to_owned());
        }
        query.push(" AND u.id < ").push_bind(before.to_string());
        neighbours(self, query, sight, limit).await
    }
}
