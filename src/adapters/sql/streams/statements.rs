//! The statements, which read the same to both engines.

pub(in crate::adapters) const STREAM: &str = "SELECT id, tenant, external_id, opened_at, closed_at, key_hash, \
    key_expires_at, tuning, queued, standing, because, since, watched_until, judged, skipped, failed, late, lost, \
    last_posted, last_fed, episode, fence, holder, held_until, source, pull FROM streams WHERE id = $1";

pub(in crate::adapters) const OPEN: &str = "INSERT INTO streams (id, tenant, external_id, opened_at, key_hash, \
    key_expires_at, tuning, queued, standing, because, since, source) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'warn', 'unwatched', $4, $9)";

pub(in crate::adapters) const OPEN_OF_TENANT: &str =
    "SELECT count(*) FROM streams WHERE tenant = $1 AND closed_at IS NULL";

pub(in crate::adapters) const REKEY: &str = "UPDATE streams SET key_hash = $3, key_expires_at = $4 \
    WHERE id = $1 AND tenant = $2 AND closed_at IS NULL";

/// The episode that goes on ends with the stream.
pub(in crate::adapters) const CLOSE: &str = "UPDATE streams SET closed_at = $3, holder = NULL, held_until = NULL, \
    fence = fence + 1 WHERE id = $1 AND tenant = $2 AND closed_at IS NULL";
pub(in crate::adapters) const END_EPISODES: &str =
    "UPDATE episodes SET state = 'in_review', ended_at = $2 WHERE stream = $1 AND state = 'open'";

pub(in crate::adapters) const WATCH: &str = "UPDATE streams SET fence = fence + 1, holder = $2, held_until = $4 \
    WHERE id = $1 AND closed_at IS NULL AND (holder IS NULL OR holder = $2 OR held_until <= $3) \
    RETURNING id, tenant, external_id, opened_at, closed_at, key_hash, key_expires_at, tuning, queued, standing, \
    because, since, watched_until, judged, skipped, failed, late, lost, last_posted, \
    last_fed, episode, fence, holder, held_until, source, pull";

pub(in crate::adapters) const SIGN: &str = "UPDATE streams SET held_until = $3, watched_until = $4, judged = $5, \
    skipped = $6, failed = $7, late = $8, lost = $9, last_posted = $10, last_fed = $11 WHERE id = $1 AND fence = $2 \
    AND closed_at IS NULL AND holder IS NOT NULL";

pub(in crate::adapters) const LEAVE: &str = "UPDATE streams SET holder = NULL, held_until = NULL, watched_until = $3, \
    judged = $4, skipped = $5, failed = $6, late = $7, lost = $8, last_posted = $9, \
    last_fed = $10 WHERE id = $1 AND fence = $2 AND closed_at IS NULL";

pub(in crate::adapters) const CHANGE: &str = "UPDATE streams SET held_until = $3, watched_until = $4, judged = $5, \
    skipped = $6, failed = $7, late = $8, lost = $9, since = CASE WHEN standing = $10 AND because = $11 THEN since \
    ELSE $12 END, standing = $10, because = $11, episode = $13, \
    lines = CASE WHEN $14 = 0 THEN lines WHEN lines_since <= $15 THEN 1 ELSE lines + 1 END, \
    lines_since = CASE WHEN $14 = 1 AND lines_since <= $15 THEN $12 ELSE lines_since END, \
    last_posted = $16, last_fed = $17 \
    WHERE id = $1 AND fence = $2 AND closed_at IS NULL AND holder IS NOT NULL RETURNING lines, lines_since";

/// What a person has ruled on stays as it is, and what goes on is nobody's to rule on as they saw it.
pub(in crate::adapters) const EPISODE: &str = "INSERT INTO episodes (stream, number, tenant, state, began_at, ended_at, \
    worst, because, scores, evidence) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
    ON CONFLICT (stream, number) DO UPDATE SET state = excluded.state, ended_at = excluded.ended_at, \
    worst = excluded.worst, because = excluded.because, scores = excluded.scores, evidence = excluded.evidence, \
    fence = CASE WHEN episodes.state = 'in_review' THEN episodes.fence + 1 ELSE episodes.fence END, \
    holder = NULL, held_until = NULL \
    WHERE episodes.state != 'ruled'";

pub(in crate::adapters) const RESEALED: &str = "UPDATE streams SET source = $3 WHERE id = $1 AND source = $2";

pub(in crate::adapters) const PULLED: &str = "UPDATE streams SET pull = $3 WHERE id = $1 AND fence = $2";

/// Those of whom the row says that they pass, those that are fed by the broker, those whose frames are fetched, and those
/// whose episode goes on, which only the last one does.
pub(in crate::adapters) const DESERTED: &str = "SELECT id FROM streams WHERE closed_at IS NULL \
    AND (held_until IS NULL OR held_until <= $1) AND (queued = 1 OR source IS NOT NULL OR standing = 'pass' \
    OR EXISTS (SELECT 1 FROM episodes e WHERE e.stream = streams.id AND e.number = streams.episode AND e.state = 'open')) \
    ORDER BY held_until, id LIMIT $2";

pub(in crate::adapters) const ONE_EPISODE: &str = "SELECT stream, number, tenant, state, began_at, ended_at, worst, \
    because, scores, evidence, ruling, fence, holder, held_until FROM episodes WHERE stream = $1 AND number = $2";

pub(in crate::adapters) const EPISODES: &str = "SELECT stream, number, tenant, state, began_at, ended_at, worst, \
    because, scores, evidence, ruling, fence, holder, held_until FROM episodes WHERE tenant = $1 AND (CAST($2 AS TEXT) IS NULL OR state = $2) \
    AND (CAST($3 AS TEXT) IS NULL OR stream < $3 OR (stream = $3 AND number < $4)) \
    ORDER BY stream DESC, number DESC LIMIT $5";

/// `cut` before `warn`.
pub(in crate::adapters) const IN_REVIEW: &str = "SELECT stream, number, tenant, state, began_at, ended_at, worst, \
    because, scores, evidence, ruling, fence, holder, held_until FROM episodes WHERE state = 'in_review'";
pub(in crate::adapters) const IN_REVIEW_ORDER: &str = " ORDER BY worst, began_at, stream, number LIMIT ";

pub(in crate::adapters) const RULE: &str = "UPDATE episodes SET state = 'ruled', ruling = $3, ruled_by = $4, \
    ruled_at = $6, holder = NULL, held_until = NULL \
    WHERE stream = $1 AND number = $2 AND state = 'in_review' AND holder = $4 AND fence = $5";
