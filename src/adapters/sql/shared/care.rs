//! Who looked at what, and for how long.

use super::both::{Connection, Engine, This, append, begin, reader};
use crate::{
    adapters::sql::{parse, unsigned},
    ports::{
        Care, Result,
        accounts::Deed,
        care::{Exposure, Level, Seen, Subject, day},
    },
};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;
use sqlx::QueryBuilder;
use std::{collections::BTreeMap, time::Duration};

/// Views that one transaction ends at most.
const AT_ONCE: i64 = 100;

#[derive(sqlx::FromRow)]
struct Ended {
    person: String,
    subject: String,
    began_at: i64,
    seen_at: i64,
    level: String,
}

#[async_trait]
impl Care for This {
    async fn looks(
        &self,
        person: &str,
        subject: Subject,
        level: Level,
        now: Timestamp,
        gap: Duration,
    ) -> Result<bool> {
        let mut tx = begin(self).await?;
        let goes_on = sqlx::query(
            "UPDATE views SET seen_at = $3 WHERE person = $1 AND subject = $2 AND ended = 0 AND seen_at > $4 \
             AND seen_at <= $3",
        )
        .bind(person)
        .bind(subject.to_string())
        .bind(now.as_millisecond())
        .bind((now - gap).as_millisecond())
        .execute(&mut *tx)
        .await?;
        let begins = goes_on.rows_affected() == 0;
        if begins {
            sqlx::query(
                "INSERT INTO views (person, subject, began_at, seen_at, day, level) VALUES ($1, $2, $3, $3, $4, $5) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(person)
            .bind(subject.to_string())
            .bind(now.as_millisecond())
            .bind(day(now))
            .bind(level.as_str())
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(begins)
    }

    async fn still_looks(&self, person: &str, subject: Subject, now: Timestamp, gap: Duration) -> Result<()> {
        let mut tx = begin(self).await?;
        sqlx::query(
            "UPDATE views SET seen_at = $3 WHERE person = $1 AND subject = $2 AND ended = 0 AND seen_at > $4 \
             AND seen_at <= $3",
        )
        .bind(person)
        .bind(subject.to_string())
        .bind(now.as_millisecond())
        .bind((now - gap).as_millisecond())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn looked(&self, person: &str, subject: Subject, now: Timestamp) -> Result<()> {
        let mut tx = begin(self).await?;
        let ended: Vec<Ended> = sqlx::query_as(
            "UPDATE views SET ended = 1 WHERE person = $1 AND subject = $2 AND ended = 0 \
             RETURNING person, subject, began_at, seen_at, level",
        )
        .bind(person)
        .bind(subject.to_string())
        .fetch_all(&mut *tx)
        .await?;
        for view in &ended {
            tell(&mut tx, view, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn end_views(&self, before: Timestamp, now: Timestamp) -> Result<u64> {
        let mut tx = begin(self).await?;
        let ended: Vec<Ended> = sqlx::query_as(
            "UPDATE views SET ended = 1 WHERE ended = 0 AND seen_at < $1 AND (person, subject, began_at) IN \
             (SELECT person, subject, began_at FROM views WHERE ended = 0 AND seen_at < $1 ORDER BY seen_at LIMIT $2) \
             RETURNING person, subject, began_at, seen_at, level",
        )
        .bind(before.as_millisecond())
        .bind(AT_ONCE)
        .fetch_all(&mut *tx)
        .await?;
        for view in &ended {
            tell(&mut tx, view, now).await?;
        }
        tx.commit().await?;
        Ok(ended.len() as u64)
    }

    async fn exposure(&self, person: &str, day: i64) -> Result<Exposure> {
        Ok(self.exposures(&[person], day).await?.remove(person).unwrap_or_default())
    }

    async fn exposures(&self, people: &[&str], day: i64) -> Result<BTreeMap<String, Exposure>> {
        let mut exposures = BTreeMap::<String, Exposure>::new();
        if people.is_empty() {
            return Ok(exposures);
        }
        let mut connection = reader(self).await?;
        // A sum of integers is a decimal to PostgreSQL.
        let mut query = of(
            people,
            day,
            "SELECT person, level, count(*), CAST(sum(seen_at - began_at) AS bigint) FROM views",
        );
        query.push(" GROUP BY person, level");
        let rows: Vec<(String, String, i64, i64)> =
            query.build_query_as().fetch_all(&mut *connection).await?;
        for (person, level, views, milliseconds) in rows {
            let level: Level = parse(&level)?;
            *exposures.entry(person).or_default().at_mut(level) =
                Seen { views: unsigned(views)?, seconds: unsigned(milliseconds)? / 1000 };
        }
        let mut query = of(people, day, "SELECT person FROM lifts");
        let lifted: Vec<String> = query.build_query_scalar().fetch_all(&mut *connection).await?;
        for person in lifted {
            exposures.entry(person).or_default().lifted = true;
        }
        Ok(exposures)
    }

    async fn lift(&self, person: &str, day: i64, deed: Deed<'_>) -> Result<()> {
        let mut tx = begin(self).await?;
        let lifted =
            sqlx::query("INSERT INTO lifts (person, day, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind(person)
                .bind(day)
                .bind(deed.at.as_millisecond())
                .execute(&mut *tx)
                .await?;
        if lifted.rows_affected() == 0 {
            tx.rollback().await?;
            return Ok(());
        }
        append(&mut tx, deed, person, json!({ "day": day })).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Of these people on this day.
fn of(people: &[&str], day: i64, rows: &str) -> QueryBuilder<Engine> {
    let mut query = QueryBuilder::<Engine>::new(rows);
    query.push(" WHERE day = ").push_bind(day).push(" AND person IN (");
    let mut these = query.separated(", ");
    for person in people {
        these.push_bind((*person).to_owned());
    }
    query.push(")");
    query
}

async fn tell(tx: &mut Connection, view: &Ended, at: Timestamp) -> Result<()> {
    let actor = format!("user:{}", view.person);
    let seconds = (view.seen_at - view.began_at) / 1000;
    let (action, subject, detail) = match parse(&view.subject)? {
        Subject::Upload(id) => {
            ("item.left", id.to_string(), json!({ "seconds": seconds, "level": view.level }))
        }
        Subject::Episode(stream, number) => {
            let detail = json!({ "episode": number, "seconds": seconds, "level": view.level });
            ("episode.left", stream.to_string(), detail)
        }
        Subject::Stream(stream) => {
            ("stream.left", stream.to_string(), json!({ "seconds": seconds, "level": view.level }))
        }
    };
    append(tx, Deed { actor: &actor, action, at }, &subject, detail).await
}
