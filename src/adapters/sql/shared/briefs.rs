//! What decisions on many items rest on, in three looks at the store, however many they are.

use super::{
    both::{Engine, This, reader},
    queue, rule,
};
use crate::{
    adapters::sql::{damaged, parse, small, time},
    ports::{
        Result,
        reviews::{Brief, Ruling},
        store::NumberedVerdict,
    },
    upload::{State, UploadId},
};
use sqlx::QueryBuilder;
use std::collections::HashMap;

pub(super) async fn briefs(store: &This, ids: &[UploadId]) -> Result<Vec<Brief>> {
    let mut verdicts = verdicts(store, ids).await?;
    let mut rulings: HashMap<UploadId, Vec<Ruling>> = HashMap::new();
    for ruling in rule::rulings_of(store, ids).await? {
        rulings.entry(ruling.upload).or_default().push(ruling);
    }
    let mut briefs = Vec::with_capacity(ids.len());
    for item in queue::items(store, ids).await? {
        if let Some((state, verdict)) = verdicts.remove(&item.upload) {
            let rulings = rulings.remove(&item.upload).unwrap_or_default();
            briefs.push(Brief { item, state, verdict, rulings });
        }
    }
    Ok(briefs)
}

/// The latest of each.
async fn verdicts(store: &This, ids: &[UploadId]) -> Result<HashMap<UploadId, (State, NumberedVerdict)>> {
    let mut query = QueryBuilder::<Engine>::new(
        "SELECT u.id, u.state, v.number, CAST(v.detail AS TEXT), v.at FROM uploads u JOIN verdicts v ON v.upload = u.id \
         AND v.number = (SELECT max(w.number) FROM verdicts w WHERE w.upload = u.id) WHERE u.id IN ",
    );
    among(&mut query, ids);
    let rows: Vec<(String, String, i64, String, i64)> =
        query.build_query_as().fetch_all(&mut *reader(store).await?).await?;
    rows.into_iter()
        .map(|(id, state, number, detail, at)| {
            let detail = serde_json::from_str(&detail).map_err(damaged)?;
            Ok((
                parse(&id)?,
                (parse(&state)?, NumberedVerdict { number: small(number)?, detail, at: time(at)? }),
            ))
        })
        .collect()
}

/// These, as a list of SQL.
pub(super) fn among(query: &mut QueryBuilder<Engine>, ids: &[UploadId]) {
    query.push("(");
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(id.to_string());
    }
    // Where there are none: an empty list is not SQL everywhere.
    list.push("''");
    query.push(")");
}
