//! Accounts, in SQL that both engines understand. Each adapter has this file as a module of its own, over its `both.rs`.

use super::both::{Connection, Engine, This, append, begin, reader};
use crate::{
    adapters::sql::{parse, signed, time, unsigned},
    ports::{
        Result,
        accounts::{Accounts, Deed, Role, Session, Tries, User},
        store::Stale,
    },
};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::QueryBuilder;
use std::time::Duration;

#[derive(sqlx::FromRow)]
struct UserRow {
    id: String,
    email: String,
    role: String,
    tenants: String,
    queues: String,
    password: Option<String>,
    totp: Option<String>,
    totp_step: i64,
    backup_codes: String,
    created_at: i64,
    disabled_at: Option<i64>,
    version: i64,
}

impl TryFrom<UserRow> for User {
    type Error = crate::ports::PortError;

    fn try_from(row: UserRow) -> Result<Self> {
        Ok(Self {
            role: parse(&row.role)?,
            tenants: parse(&row.tenants)?,
            queues: parse(&row.queues)?,
            backup_codes: row.backup_codes.split_whitespace().map(str::to_owned).collect(),
            created_at: time(row.created_at)?,
            disabled_at: row.disabled_at.map(time).transpose()?,
            version: unsigned(row.version)?,
            id: row.id,
            email: row.email,
            password: row.password,
            totp: row.totp,
            totp_step: row.totp_step,
        })
    }
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    hash: String,
    person: String,
    is_full: i64,
    device: String,
    created_at: i64,
    seen_at: i64,
}

impl TryFrom<SessionRow> for Session {
    type Error = crate::ports::PortError;

    fn try_from(row: SessionRow) -> Result<Self> {
        Ok(Self {
            hash: row.hash,
            user: row.person,
            full: row.is_full != 0,
            device: row.device,
            created_at: time(row.created_at)?,
            seen_at: time(row.seen_at)?,
        })
    }
}

macro_rules! users {
    ($rest:literal) => {
        concat!(
            "SELECT id, email, role, tenants, queues, password, totp, totp_step, backup_codes, created_at, disabled_at, \
             version FROM people",
            $rest
        )
    };
}

macro_rules! sessions {
    ($rest:literal) => {
        concat!("SELECT hash, person, is_full, device, created_at, seen_at FROM sessions", $rest)
    };
}

/// What the audit log says of an account: never its address.
fn shown(user: &User) -> Value {
    json!({
        "role": user.role.as_str(), "tenants": user.tenants.to_string(), "queues": user.queues.to_string(),
        "disabled": user.disabled_at.is_some(), "totp": user.totp.is_some(),
    })
}

/// The account as it is to be; false where it changed since it was read. `ends` ends its sessions, but for the one of this
/// hash, and its link, and what their pages sent is nobody's.
async fn write(tx: &mut Connection, user: &User, ends: Option<&str>) -> Result<bool> {
    let changed = sqlx::query(
        "UPDATE people SET role = $3, tenants = $4, password = $5, totp = $6, totp_step = $7, backup_codes = $8, \
         disabled_at = $9, queues = $10, version = version + 1 WHERE id = $1 AND version = $2",
    )
    .bind(&user.id)
    .bind(signed(user.version)?)
    .bind(user.role.as_str())
    .bind(user.tenants.to_string())
    .bind(&user.password)
    .bind(&user.totp)
    .bind(user.totp_step)
    .bind(user.backup_codes.join(" "))
    .bind(user.disabled_at.map(Timestamp::as_millisecond))
    .bind(user.queues.to_string())
    .execute(&mut *tx)
    .await?;
    if changed.rows_affected() == 0 {
        return Ok(false);
    }
    if let Some(but) = ends {
        sqlx::query("DELETE FROM sessions WHERE person = $1 AND hash <> $2")
            .bind(&user.id)
            .bind(but)
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM form_tokens WHERE person = $1 AND session <> $2")
            .bind(&user.id)
            .bind(but)
            .execute(&mut *tx)
            .await?;
        // Who was invited, and is to have another role, comes by the link that they have.
        if user.password.is_some() || user.disabled_at.is_some() {
            end_link(tx, &user.id).await?;
        }
    }
    Ok(true)
}

async fn end_link(tx: &mut Connection, user: &str) -> Result<()> {
    sqlx::query("DELETE FROM links WHERE person = $1").bind(user).execute(tx).await?;
    Ok(())
}

#[async_trait]
impl Accounts for This {
    async fn add_user(&self, user: &User, deed: Deed<'_>) -> Result<bool> {
        let mut tx = begin(self).await?;
        let added = sqlx::query(
            "INSERT INTO people (id, email, role, tenants, password, totp, totp_step, backup_codes, created_at, \
             disabled_at, queues, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1) ON CONFLICT DO NOTHING",
        )
        .bind(&user.id)
        .bind(&user.email)
        .bind(user.role.as_str())
        .bind(user.tenants.to_string())
        .bind(&user.password)
        .bind(&user.totp)
        .bind(user.totp_step)
        .bind(user.backup_codes.join(" "))
        .bind(user.created_at.as_millisecond())
        .bind(user.disabled_at.map(Timestamp::as_millisecond))
        .bind(user.queues.to_string())
        .execute(&mut *tx)
        .await?;
        if added.rows_affected() == 0 {
            tx.rollback().await?;
            return Ok(false);
        }
        append(&mut tx, deed, &user.id, shown(user)).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn user(&self, id: &str) -> Result<Option<User>> {
        let row: Option<UserRow> = sqlx::query_as(users!(" WHERE id = $1"))
            .bind(id)
            .fetch_optional(&mut *reader(self).await?)
            .await?;
        row.map(User::try_from).transpose()
    }

    async fn user_by_email(&self, email: &str) -> Result<Option<User>> {
        let row: Option<UserRow> = sqlx::query_as(users!(" WHERE email = $1"))
            .bind(email)
            .fetch_optional(&mut *reader(self).await?)
            .await?;
        row.map(User::try_from).transpose()
    }

    async fn users(&self) -> Result<Vec<User>> {
        let rows: Vec<UserRow> =
            sqlx::query_as(users!(" ORDER BY email")).fetch_all(&mut *reader(self).await?).await?;
        rows.into_iter().map(User::try_from).collect()
    }

    async fn find_users(&self, part: &str, role: Option<Role>) -> Result<Vec<User>> {
        let mut query = QueryBuilder::<Engine>::new(users!(" WHERE 1 = 1"));
        if !part.is_empty() {
            // (LIKE has its own view of cases in each engine, and takes some characters for others.)
            query.push(" AND replace(email, ").push_bind(part.to_lowercase()).push(", '') <> email");
        }
        if let Some(role) = role {
            query.push(" AND role = ").push_bind(role.as_str().to_owned());
        }
        query.push(" ORDER BY email");
        let rows: Vec<UserRow> = query.build_query_as().fetch_all(&mut *reader(self).await?).await?;
        rows.into_iter().map(User::try_from).collect()
    }

    async fn change_user(
        &self,
        user: &User,
        ends: Option<&str>,
        deed: Deed<'_>,
    ) -> Result<std::result::Result<(), Stale>> {
        let mut tx = begin(self).await?;
        if !write(&mut tx, user, ends).await? {
            tx.rollback().await?;
            return Ok(Err(Stale));
        }
        append(&mut tx, deed, &user.id, shown(user)).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }

    async fn reset_user(&self, user: &User, deed: Deed<'_>) -> Result<std::result::Result<(), Stale>> {
        let bare = User { password: None, totp: None, backup_codes: Vec::new(), ..user.clone() };
        let mut tx = begin(self).await?;
        if !write(&mut tx, &bare, Some("")).await? {
            tx.rollback().await?;
            return Ok(Err(Stale));
        }
        end_link(&mut tx, &user.id).await?;
        let unbound = sqlx::query("DELETE FROM identities WHERE person = $1")
            .bind(&user.id)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        let mut detail = shown(&bare);
        detail["unbound"] = json!(unbound);
        append(&mut tx, deed, &user.id, detail).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }

    async fn begin_session(
        &self,
        session: &Session,
        as_of: &User,
        most: u32,
        instead_of: Option<&str>,
        deed: Option<Deed<'_>>,
    ) -> Result<std::result::Result<(), Stale>> {
        let mut tx = begin(self).await?;
        // It changes nothing, and is waited for by whoever changes the account, who then ends this session too.
        let lets_in = sqlx::query(
            "UPDATE people SET version = version WHERE id = $1 AND disabled_at IS NULL AND role = $2 AND tenants = $3 \
             AND queues = $4 AND coalesce(password, '') = $5 AND coalesce(totp, '') = $6 \
             AND (password IS NOT NULL OR version = $7)",
        )
        .bind(&as_of.id)
        .bind(as_of.role.as_str())
        .bind(as_of.tenants.to_string())
        .bind(as_of.queues.to_string())
        .bind(as_of.password.as_deref().unwrap_or_default())
        .bind(as_of.totp.as_deref().unwrap_or_default())
        .bind(signed(as_of.version)?)
        .execute(&mut *tx)
        .await?;
        if lets_in.rows_affected() == 0 {
            tx.rollback().await?;
            return Ok(Err(Stale));
        }
        if let Some(old) = instead_of {
            sqlx::query("DELETE FROM sessions WHERE hash = $1").bind(old).execute(&mut *tx).await?;
        }
        sqlx::query(
            "INSERT INTO sessions (hash, person, is_full, device, created_at, seen_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&session.hash)
        .bind(&session.user)
        .bind(i64::from(session.full))
        .bind(&session.device)
        .bind(session.created_at.as_millisecond())
        .bind(session.seen_at.as_millisecond())
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "DELETE FROM sessions WHERE person = $1 AND is_full = $3 AND hash NOT IN (SELECT hash FROM sessions \
             WHERE person = $1 AND is_full = $3 ORDER BY created_at DESC, hash LIMIT $2)",
        )
        .bind(&session.user)
        .bind(i64::from(most))
        // Half ones, which a password alone begins, put no full one out.
        .bind(i64::from(session.full))
        .execute(&mut *tx)
        .await?;
        if let Some(deed) = deed {
            append(&mut tx, deed, &session.user, json!({})).await?;
        }
        tx.commit().await?;
        Ok(Ok(()))
    }

    async fn session(&self, hash: &str) -> Result<Option<(Session, User)>> {
        let row: Option<SessionRow> = sqlx::query_as(sessions!(" WHERE hash = $1"))
            .bind(hash)
            .fetch_optional(&mut *reader(self).await?)
            .await?;
        let Some(session) = row.map(Session::try_from).transpose()? else { return Ok(None) };
        let user = self.user(&session.user).await?;
        Ok(user.map(|user| (session, user)))
    }

    async fn touch_session(&self, hash: &str, at: Timestamp) -> Result<()> {
        let mut tx = begin(self).await?;
        sqlx::query("UPDATE sessions SET seen_at = $2 WHERE hash = $1 AND seen_at < $2")
            .bind(hash)
            .bind(at.as_millisecond())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn sessions(&self, user: &str) -> Result<Vec<Session>> {
        let rows: Vec<SessionRow> =
            sqlx::query_as(sessions!(" WHERE person = $1 ORDER BY created_at DESC, hash"))
                .bind(user)
                .fetch_all(&mut *reader(self).await?)
                .await?;
        rows.into_iter().map(Session::try_from).collect()
    }

    async fn end_session(&self, user: &str, hash: &str, deed: Deed<'_>) -> Result<bool> {
        let mut tx = begin(self).await?;
        let ended = sqlx::query("DELETE FROM sessions WHERE person = $1 AND hash = $2")
            .bind(user)
            .bind(hash)
            .execute(&mut *tx)
            .await?;
        if ended.rows_affected() == 0 {
            tx.rollback().await?;
            return Ok(false);
        }
        append(&mut tx, deed, user, json!({})).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn prune_sessions(&self, before: Timestamp, now: Timestamp) -> Result<u64> {
        let mut tx = begin(self).await?;
        let ended = sqlx::query("DELETE FROM sessions WHERE seen_at < $1")
            .bind(before.as_millisecond())
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM drafts WHERE until <= $1")
            .bind(now.as_millisecond())
            .execute(&mut *tx)
            .await?;
        // What lay open over night is its writer's in the morning.
        sqlx::query("DELETE FROM form_tokens WHERE at < $1")
            .bind((before - jiff::SignedDuration::from_hours(24)).as_millisecond())
            .execute(&mut *tx)
            .await?;
        // In the order in which a change of an account ends them.
        sqlx::query("DELETE FROM links WHERE until <= $1")
            .bind(now.as_millisecond())
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM tries WHERE last_at < $1")
            .bind(before.as_millisecond())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(ended.rows_affected())
    }

    async fn add_link(&self, hash: &str, user: &str, until: Timestamp, deed: Deed<'_>) -> Result<()> {
        let mut tx = begin(self).await?;
        end_link(&mut tx, user).await?;
        sqlx::query("INSERT INTO links (hash, person, until) VALUES ($1, $2, $3)")
            .bind(hash)
            .bind(user)
            .bind(until.as_millisecond())
            .execute(&mut *tx)
            .await?;
        append(&mut tx, deed, user, json!({})).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn link(&self, hash: &str, now: Timestamp) -> Result<Option<String>> {
        Ok(sqlx::query_scalar("SELECT person FROM links WHERE hash = $1 AND until > $2")
            .bind(hash)
            .bind(now.as_millisecond())
            .fetch_optional(&mut *reader(self).await?)
            .await?)
    }

    async fn take_link(&self, hash: &str, now: Timestamp) -> Result<Option<String>> {
        let mut tx = begin(self).await?;
        let user: Option<String> =
            sqlx::query_scalar("DELETE FROM links WHERE hash = $1 AND until > $2 RETURNING person")
                .bind(hash)
                .bind(now.as_millisecond())
                .fetch_optional(&mut *tx)
                .await?;
        tx.commit().await?;
        Ok(user)
    }

    async fn tries(&self, key: &str) -> Result<Option<Tries>> {
        let row: Option<(i64, i64)> = sqlx::query_as("SELECT failures, last_at FROM tries WHERE what = $1")
            .bind(key)
            .fetch_optional(&mut *reader(self).await?)
            .await?;
        row.map(|(failures, last_at)| {
            Ok(Tries { failures: crate::adapters::sql::small(failures)?, last_at: time(last_at)? })
        })
        .transpose()
    }

    async fn failed(&self, key: &str, at: Timestamp, fades: Duration) -> Result<()> {
        let mut tx = begin(self).await?;
        // Whole numbers are divided without a rest by both engines. Another machine's clock may be ahead of this one's.
        sqlx::query(
            "INSERT INTO tries (what, failures, last_at) VALUES ($1, 1, $2) ON CONFLICT (what) DO UPDATE \
             SET failures = 1 + CASE WHEN excluded.last_at <= tries.last_at THEN tries.failures \
             WHEN tries.failures <= (excluded.last_at - tries.last_at) / $3 THEN 0 \
             ELSE tries.failures - (excluded.last_at - tries.last_at) / $3 END, \
             last_at = CASE WHEN excluded.last_at > tries.last_at THEN excluded.last_at ELSE tries.last_at END",
        )
        .bind(key)
        .bind(at.as_millisecond())
        .bind(i64::try_from(fades.as_millis()).unwrap_or(i64::MAX).max(1))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn forgive(&self, key: &str) -> Result<()> {
        let mut tx = begin(self).await?;
        sqlx::query("DELETE FROM tries WHERE what = $1").bind(key).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }
}
