//! The calls, as a macro: a statement is bound to one engine's connection.

/// Inserts, updates and looks: the same for both engines' connections.
macro_rules! stream_statements {
    ($connection:ty) => {
        use jiff::Timestamp;
        use $crate::{
            adapters::sql::{self, EpisodeRow, StreamRow, signed},
            ports::{
                Result,
                accounts::Tenants,
                store::Stale,
                streams::{
                    Change, Episode, EpisodeRuling, EpisodeState, NewStream, Pull, Sign, Source, Stream,
                    StreamKey, Unwritten, Watch,
                },
            },
            upload::{StreamId, TenantId},
        };

        /// False where the tenant has `most` open ones. Nobody else may open one meanwhile.
        pub(super) async fn insert(tx: &mut $connection, new: &NewStream, most: u32) -> Result<bool> {
            let open: i64 =
                sqlx::query_scalar(sql::OPEN_OF_TENANT).bind(new.tenant.as_str()).fetch_one(&mut *tx).await?;
            if open >= i64::from(most) {
                return Ok(false);
            }
            sqlx::query(sql::OPEN)
                .bind(new.id.to_string())
                .bind(new.tenant.as_str())
                .bind(new.external_id.as_deref())
                .bind(new.at.as_millisecond())
                .bind(&new.key.hash[..])
                .bind(new.key.expires_at.as_millisecond())
                .bind(&new.tuning)
                .bind(i64::from(new.queued))
                .bind(new.source.as_ref().map(Source::reveal))
                .execute(tx)
                .await?;
            Ok(true)
        }

        pub(super) async fn one(reader: &mut $connection, id: StreamId) -> Result<Option<Stream>> {
            let row: Option<StreamRow> =
                sqlx::query_as(sql::STREAM).bind(id.to_string()).fetch_optional(reader).await?;
            row.map(TryInto::try_into).transpose()
        }

        pub(super) async fn rekey(
            tx: &mut $connection,
            tenant: &TenantId,
            id: StreamId,
            key: &StreamKey,
        ) -> Result<bool> {
            let done = sqlx::query(sql::REKEY)
                .bind(id.to_string())
                .bind(tenant.as_str())
                .bind(&key.hash[..])
                .bind(key.expires_at.as_millisecond())
                .execute(tx)
                .await?;
            Ok(done.rows_affected() == 1)
        }

        pub(super) async fn close(
            tx: &mut $connection,
            tenant: &TenantId,
            id: StreamId,
            at: Timestamp,
        ) -> Result<bool> {
            let done = sqlx::query(sql::CLOSE)
                .bind(id.to_string())
                .bind(tenant.as_str())
                .bind(at.as_millisecond())
                .execute(&mut *tx)
                .await?;
            if done.rows_affected() == 0 {
                return Ok(false);
            }
            sqlx::query(sql::END_EPISODES).bind(id.to_string()).bind(at.as_millisecond()).execute(tx).await?;
            Ok(true)
        }

        pub(super) async fn watch(
            tx: &mut $connection,
            id: StreamId,
            holder: &str,
            now: Timestamp,
            until: Timestamp,
        ) -> Result<Option<Watch>> {
            let row: Option<StreamRow> = sqlx::query_as(sql::WATCH)
                .bind(id.to_string())
                .bind(holder)
                .bind(now.as_millisecond())
                .bind(until.as_millisecond())
                .fetch_optional(tx)
                .await?;
            let Some(row) = row else { return Ok(None) };
            let stream: Stream = row.try_into()?;
            Ok(Some(Watch { fence: stream.fence, until, stream }))
        }

        pub(super) async fn sign(
            tx: &mut $connection,
            id: StreamId,
            fence: u64,
            sign: &Sign,
        ) -> Result<std::result::Result<(), Stale>> {
            let [judged, skipped, failed, late, lost] = sql::counts(&sign.counts);
            let done = sqlx::query(sql::SIGN)
                .bind(id.to_string())
                .bind(signed(fence)?)
                .bind(sign.until.as_millisecond())
                .bind(sql::millis(sign.watched_until))
                .bind(judged)
                .bind(skipped)
                .bind(failed)
                .bind(late)
                .bind(lost)
                .bind(sign.last.posted.map(u64::cast_signed))
                .bind(sign.last.fed.map(u64::cast_signed))
                .execute(tx)
                .await?;
            Ok(if done.rows_affected() == 1 { Ok(()) } else { Err(Stale) })
        }

        pub(super) async fn pulled(
            tx: &mut $connection,
            id: StreamId,
            fence: u64,
            pull: &Pull,
        ) -> Result<std::result::Result<(), Stale>> {
            let done = sqlx::query(sql::PULLED)
                .bind(id.to_string())
                .bind(signed(fence)?)
                .bind(sql::json_text(pull)?)
                .execute(tx)
                .await?;
            Ok(if done.rows_affected() == 1 { Ok(()) } else { Err(Stale) })
        }

        pub(super) async fn leave(tx: &mut $connection, id: StreamId, fence: u64, sign: &Sign) -> Result<()> {
            let [judged, skipped, failed, late, lost] = sql::counts(&sign.counts);
            sqlx::query(sql::LEAVE)
                .bind(id.to_string())
                .bind(signed(fence)?)
                .bind(sql::millis(sign.watched_until))
                .bind(judged)
                .bind(skipped)
                .bind(failed)
                .bind(late)
                .bind(lost)
                .bind(sign.last.posted.map(u64::cast_signed))
                .bind(sign.last.fed.map(u64::cast_signed))
                .execute(tx)
                .await?;
            Ok(())
        }

        /// Gives how many changes were told within the hour that goes on, and since when it does.
        pub(super) async fn change(
            tx: &mut $connection,
            watch: &Watch,
            change: &Change,
        ) -> Result<std::result::Result<(i64, i64), Unwritten>> {
            let Sign { until, watched_until, counts, last: came } = &change.sign;
            let [judged, skipped, failed, late, lost] = sql::counts(counts);
            let last = change.episode.as_ref().map_or(watch.stream.episode, |episode| episode.number);
            let lines: Option<(i64, i64)> = sqlx::query_as(sql::CHANGE)
                .bind(watch.stream.id.to_string())
                .bind(signed(watch.fence)?)
                .bind(until.as_millisecond())
                .bind(sql::millis(*watched_until))
                .bind(judged)
                .bind(skipped)
                .bind(failed)
                .bind(late)
                .bind(lost)
                .bind(change.standing.as_str())
                .bind(change.because.as_str())
                .bind(change.at.as_millisecond())
                .bind(i64::from(last))
                .bind(i64::from(change.told))
                .bind(sql::an_hour_before(change.at))
                .bind(came.posted.map(u64::cast_signed))
                .bind(came.fed.map(u64::cast_signed))
                .fetch_optional(&mut *tx)
                .await?;
            let Some(lines) = lines else { return Ok(Err(Unwritten::Stale)) };
            match &change.episode {
                Some(seen) if !episode(tx, seen).await? => Ok(Err(Unwritten::Ruled)),
                _ => Ok(Ok(lines)),
            }
        }

        async fn episode(tx: &mut $connection, episode: &Episode) -> Result<bool> {
            let done = sqlx::query(sql::EPISODE)
                .bind(episode.stream.to_string())
                .bind(i64::from(episode.number))
                .bind(episode.tenant.as_str())
                .bind(episode.state.as_str())
                .bind(episode.began_at.as_millisecond())
                .bind(sql::millis(episode.ended_at))
                .bind(episode.worst.as_str())
                .bind(episode.because.as_str())
                .bind(sql::json_text(&episode.scores)?)
                .bind(sql::json_text(&episode.evidence)?)
                .execute(tx)
                .await?;
            Ok(done.rows_affected() == 1)
        }

        pub(super) async fn deserted(
            reader: &mut $connection,
            now: Timestamp,
            limit: u32,
        ) -> Result<Vec<StreamId>> {
            let ids: Vec<String> = sqlx::query_scalar(sql::DESERTED)
                .bind(now.as_millisecond())
                .bind(i64::from(limit))
                .fetch_all(reader)
                .await?;
            ids.iter().map(|id| sql::parse(id)).collect()
        }

        pub(super) async fn episodes(
            reader: &mut $connection,
            tenant: &TenantId,
            state: Option<EpisodeState>,
            before: Option<(StreamId, u32)>,
            limit: u32,
        ) -> Result<Vec<Episode>> {
            let rows: Vec<EpisodeRow> = sqlx::query_as(sql::EPISODES)
                .bind(tenant.as_str())
                .bind(state.map(EpisodeState::as_str))
                .bind(before.map(|(stream, _)| stream.to_string()))
                .bind(before.map(|(_, number)| i64::from(number)))
                .bind(i64::from(limit))
                .fetch_all(reader)
                .await?;
            rows.into_iter().map(TryInto::try_into).collect()
        }

        pub(super) async fn in_review(
            reader: &mut $connection,
            tenants: &Tenants,
            limit: u32,
        ) -> Result<Vec<Episode>> {
            let mut query =
                sqlx::QueryBuilder::<<$connection as sqlx::Connection>::Database>::new(sql::IN_REVIEW);
            if let Tenants::These(these) = tenants {
                query.push(" AND tenant IN (");
                let mut list = query.separated(", ");
                for tenant in these {
                    list.push_bind(tenant.as_str().to_owned());
                }
                // Of nobody, where there are none: an empty list is not SQL everywhere.
                list.push("''");
                query.push(")");
            }
            query.push(sql::IN_REVIEW_ORDER).push_bind(i64::from(limit));
            let rows: Vec<EpisodeRow> = query.build_query_as().fetch_all(reader).await?;
            rows.into_iter().map(TryInto::try_into).collect()
        }

        pub(super) async fn reseal(
            tx: &mut $connection,
            id: StreamId,
            from: &Source,
            to: &Source,
        ) -> Result<bool> {
            let query = sqlx::query(sql::RESEALED).bind(id.to_string());
            let done = query.bind(from.reveal()).bind(to.reveal()).execute(tx).await?;
            Ok(done.rows_affected() == 1)
        }

        pub(super) async fn rule(
            tx: &mut $connection,
            episode: &Episode,
            ruling: &EpisodeRuling,
        ) -> Result<bool> {
            let done = sqlx::query(sql::RULE)
                .bind(episode.stream.to_string())
                .bind(i64::from(episode.number))
                .bind(sql::json_text(ruling)?)
                .bind(&ruling.by)
                .bind(signed(episode.fence)?)
                .bind(ruling.at.as_millisecond())
                .execute(tx)
                .await?;
            Ok(done.rows_affected() == 1)
        }

        pub(super) async fn one_episode(
            reader: &mut $connection,
            stream: StreamId,
            number: u32,
        ) -> Result<Option<Episode>> {
            let row: Option<EpisodeRow> = sqlx::query_as(sql::ONE_EPISODE)
                .bind(stream.to_string())
                .bind(i64::from(number))
                .fetch_optional(reader)
                .await?;
            row.map(TryInto::try_into).transpose()
        }
    };
}
pub(in crate::adapters) use stream_statements;
