//! Live streams and their episodes.

use super::{Postgres, audit, outbox};
use crate::{
    adapters::sql::{changed, listed},
    ports::{
        Result, Streams,
        accounts::{Deed, Tenants},
        store::Stale,
        streams::{
            Change, Episode, EpisodeRuling, EpisodeState, NewStream, Pull, Sign, Source, Stream, StreamKey,
            Unwritten, Watch,
        },
    },
    upload::{StreamId, TenantId},
};
use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;

mod rows {
    crate::adapters::sql::stream_statements!(sqlx::PgConnection);
}

#[async_trait]
impl Streams for Postgres {
    async fn open_stream(&self, new: &NewStream, most: u32) -> Result<bool> {
        let mut tx = self.db.tenant(&new.tenant).await?;
        // Others count once this one's row is there.
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind(format!("streams of {}", new.tenant))
            .execute(&mut *tx)
            .await?;
        if !rows::insert(&mut tx, new, most).await? {
            return Ok(false);
        }
        let detail = json!({ "tenant": new.tenant.as_str(), "external_id": new.external_id });
        let subject = new.id.to_string();
        let entry = audit::Entry {
            at: new.at,
            actor: &new.actor,
            action: "stream.opened",
            subject: &subject,
            detail,
        };
        audit::append(&mut tx, &[entry]).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn stream(&self, id: StreamId) -> Result<Option<Stream>> {
        rows::one(&mut *self.db.machine().await?, id).await
    }

    async fn rotate_stream_key(
        &self,
        tenant: &TenantId,
        id: StreamId,
        key: &StreamKey,
        actor: &str,
        at: Timestamp,
    ) -> Result<bool> {
        let mut tx = self.db.tenant(tenant).await?;
        if !rows::rekey(&mut tx, tenant, id, key).await? {
            return Ok(false);
        }
        let (subject, detail) = (id.to_string(), json!({}));
        let entry = audit::Entry { at, actor, action: "stream.rekeyed", subject: &subject, detail };
        audit::append(&mut tx, &[entry]).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn close_stream(
        &self,
        tenant: &TenantId,
        id: StreamId,
        actor: &str,
        at: Timestamp,
    ) -> Result<bool> {
        let mut tx = self.db.tenant(tenant).await?;
        if !rows::close(&mut tx, tenant, id, at).await? {
            return Ok(false);
        }
        let (subject, detail) = (id.to_string(), json!({}));
        let entry = audit::Entry { at, actor, action: "stream.closed", subject: &subject, detail };
        audit::append(&mut tx, &[entry]).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn watch_stream(
        &self,
        id: StreamId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Watch>> {
        let mut tx = self.db.machine().await?;
        let watch = rows::watch(&mut tx, id, holder, now, until).await?;
        tx.commit().await?;
        Ok(watch)
    }

    async fn sign_stream(
        &self,
        id: StreamId,
        fence: u64,
        sign: &Sign,
    ) -> Result<std::result::Result<(), Stale>> {
        let mut tx = self.db.machine().await?;
        let signed = rows::sign(&mut tx, id, fence, sign).await?;
        tx.commit().await?;
        Ok(signed)
    }

    async fn pulled_stream(
        &self,
        id: StreamId,
        fence: u64,
        pull: &Pull,
    ) -> Result<std::result::Result<(), Stale>> {
        let mut tx = self.db.machine().await?;
        let written = rows::pulled(&mut tx, id, fence, pull).await?;
        tx.commit().await?;
        Ok(written)
    }

    async fn reseal_source(&self, id: StreamId, from: &Source, to: &Source) -> Result<bool> {
        let mut tx = self.db.machine().await?;
        let resealed = rows::reseal(&mut tx, id, from, to).await?;
        tx.commit().await?;
        Ok(resealed)
    }

    async fn leave_stream(&self, id: StreamId, fence: u64, sign: &Sign) -> Result<()> {
        let mut tx = self.db.machine().await?;
        rows::leave(&mut tx, id, fence, sign).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn change_stream(
        &self,
        watch: &Watch,
        change: &Change,
    ) -> Result<std::result::Result<(), Unwritten>> {
        let stream = &watch.stream;
        let mut tx = self.db.tenant(&stream.tenant).await?;
        let lines = match rows::change(&mut tx, watch, change).await? {
            Ok(lines) => lines,
            Err(unwritten) => {
                tx.rollback().await?;
                return Ok(Err(unwritten));
            }
        };
        if change.told {
            let kind = change.standing.event();
            let said = changed(stream, change);
            let (upload, tenant, at) = (stream.id.subject(), &stream.tenant, change.at);
            let news = outbox::News { upload, tenant, kind, body: said.clone(), at };
            outbox::append(&mut tx, &[news]).await?;
            let subject = stream.id.to_string();
            let actor = format!("watcher:{}", stream.holder.as_deref().unwrap_or_default());
            if let Some(detail) = listed(lines, said) {
                let (at, actor, subject) = (change.at, actor.as_str(), subject.as_str());
                audit::append(&mut tx, &[audit::Entry { at, actor, action: kind, subject, detail }]).await?;
            }
        }
        tx.commit().await?;
        Ok(Ok(()))
    }

    async fn deserted_streams(&self, now: Timestamp, limit: u32) -> Result<Vec<StreamId>> {
        rows::deserted(&mut *self.db.machine().await?, now, limit).await
    }

    async fn episodes(
        &self,
        tenant: &TenantId,
        state: Option<EpisodeState>,
        before: Option<(StreamId, u32)>,
        limit: u32,
    ) -> Result<Vec<Episode>> {
        rows::episodes(&mut *self.db.tenant(tenant).await?, tenant, state, before, limit).await
    }

    async fn episode(&self, stream: StreamId, number: u32) -> Result<Option<Episode>> {
        rows::one_episode(&mut *self.db.machine().await?, stream, number).await
    }

    async fn episodes_in_review(&self, tenants: &Tenants, limit: u32) -> Result<Vec<Episode>> {
        rows::in_review(&mut *self.db.machine().await?, tenants, limit).await
    }

    async fn rule_episode(&self, episode: &Episode, ruling: &EpisodeRuling, deed: Deed<'_>) -> Result<bool> {
        let mut tx = self.db.tenant(&episode.tenant).await?;
        if !rows::rule(&mut tx, episode, ruling).await? {
            return Ok(false);
        }
        let subject = episode.stream.to_string();
        let detail =
            json!({ "tenant": episode.tenant.as_str(), "episode": episode.number, "said": ruling.said });
        let Deed { actor, action, at } = deed;
        let entry = audit::Entry { at, actor, action, subject: &subject, detail };
        audit::append(&mut tx, &[entry]).await?;
        tx.commit().await?;
        Ok(true)
    }
}
