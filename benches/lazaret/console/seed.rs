//! A store as it is after a year: uploads of ten tenants, verdicts, what waits, what people decided, the log; live streams,
//! people, and an item that many reported.

use anyhow::Context;
use lazaret::ports::{Clock, clock::SystemClock};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

/// Spreads the numbers of uploads over 63 bits.
const LIKENESS: u64 = 92_233_720_368_547;

/// Streams that are open, of which a tenth are cut.
pub const STREAMS: u32 = 1_000;
pub const PEOPLE: u32 = 200;
/// Frames of each episode.
const FRAMES: u64 = 8;
/// Of the item that many reported: as many as are kept, each as long as it may be.
const REPORTS: u32 = 100;
const REPORTED: usize = 2_000;

#[derive(Debug, Clone, Copy)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// As the statements make it.
    pub fn id(self, n: u32) -> String {
        format!("01a00000-{:04x}-7000-8000-{n:012x}", n / 65_536)
    }

    /// The item that many reported.
    pub fn reported(self, items: u32) -> String {
        self.id(items / 2 + 3)
    }

    fn sql_id(self) -> &'static str {
        match self {
            Self::Sqlite => "printf('01a00000-%04x-7000-8000-%012x', n / 65536, n)",
            Self::Postgres => {
                "'01a00000-' || lpad(to_hex(n / 65536), 4, '0') || '-7000-8000-' || lpad(to_hex(n), 12, '0')"
            }
        }
    }

    fn json(self, text: &str) -> String {
        match self {
            Self::Sqlite => format!("'{text}'"),
            Self::Postgres => format!("CAST('{text}' AS json)"),
        }
    }

    fn zeros(self) -> &'static str {
        match self {
            Self::Sqlite => "zeroblob(32)",
            Self::Postgres => "decode(repeat('00', 32), 'hex')",
        }
    }

    fn statements(self, items: u32) -> anyhow::Result<Vec<String>> {
        let now = SystemClock.now().as_millisecond();
        let (id, day) = (self.sql_id(), now / 86_400_000);
        let numbers =
            format!("WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {items})");
        let checks = ["type", "structure", "antivirus", "image"].map(|check| {
            serde_json::json!({
                "check": check, "engine": "nsfw-mobilenet-v2", "version": "4.3.0/e465224fa643/onnxruntime-1.31.1",
                "coverage": if check == "image" { "partial" } else { "complete" }, "why": "limit.frames: 30 of 31",
            })
        });
        let verdict = serde_json::json!({
            "verdict": "review", "sha256": "ab".repeat(32), "size": 123_456,
            "type": { "media_type": "image/jpeg", "declared": "image/jpeg" },
            "reasons": ["nudity.likely", "coverage.image.partial"],
            "findings": [{ "check": "image", "code": "image.label", "detail": "porn", "score": 0.71 }],
            "checks": checks,
            "labels": { "nsfw-mobilenet-v2.porn": 0.71, "nsfw-mobilenet-v2.sexy": 0.2, "nsfw-mobilenet-v2.neutral": 0.1,
                        "nsfw-mobilenet-v2.hentai": 0.01, "nsfw-mobilenet-v2.drawing": 0.01 },
            "policy": { "version": 1, "digest": "cd".repeat(32) },
            "perceptual_hash": format!("{:016x}", u64::from(items / 2) * LIKENESS),
        });
        let verdict = self.json(&serde_json::to_string(&verdict).context("a verdict as JSON")?);
        // A minute apart; six of ten wait.
        let at = format!("{now} - ({items} - n) * CAST(60000 AS bigint)");
        let like = format!("(n * {LIKENESS})");
        Ok(vec![
            format!(
                "INSERT INTO uploads (id, tenant, state, version, filename, declared, size, sha256, accepted_at, settled_at) \
                 {numbers} SELECT {id}, 'tenant' || (n % 10), CASE WHEN n % 10 < 6 THEN 'in_review' WHEN n % 10 < 9 \
                 THEN 'published' ELSE 'quarantined' END, 3, 'photo ' || n || '.jpg', 'image/jpeg', 123456, \
                 'sum ' || (n / 3), {at}, {at} FROM s"
            ),
            format!(
                "INSERT INTO verdicts (upload, number, detail, at) SELECT id, 1, {verdict}, settled_at FROM uploads"
            ),
            format!(
                "INSERT INTO reviews (upload, tenant, status, severity, reason, reasons, media_type, queued_at, likeness, like_0, like_1, like_2, like_3, \
                 labels) \
                 {numbers} SELECT {id}, 'tenant' || (n % 10), CASE WHEN n % 10 < 6 THEN 'open' ELSE 'closed' END, n % 101, \
                 'reason.' || (n % 15), 'reason.' || (n % 15) || ' coverage.image.partial' || CASE WHEN n % 1000 = 1 THEN ' policy.error' ELSE '' END, \
                 CASE n % 3 WHEN 0 THEN 'image/jpeg' WHEN 1 THEN 'application/pdf' ELSE 'video/mp4' END, {at}, {like}, {like} & 65535, ({like} >> 16) & 65535, \
                 ({like} >> 32) & 65535, ({like} >> 48) & 65535, CASE WHEN n % 3 = 0 THEN '\nm.porn\n' WHEN n % 1000 = 1 THEN \
                 '\nm.sexy\nm.rare\n' ELSE '' END FROM s"
            ),
            format!(
                "INSERT INTO rulings (upload, number, kind, reason, note, overrides, rules_over, person, at, standing) \
                 {numbers} SELECT {id}, 1, 'approve', 'harmless', 'a note', '', 'verdict 1', 'p' || (n % 20), {at}, 'done' \
                 FROM s WHERE n % 10 >= 6"
            ),
            format!(
                "INSERT INTO tallies (what, day, tenant, name, n) {numbers} SELECT w.what, {day} - d.n, 'tenant' || t.n, \
                 CASE w.what WHEN 'verdict' THEN 'review' WHEN 'check' THEN 'image partial' WHEN 'waited' THEN '1h' \
                 ELSE 'name.' || m.n END, 7 + m.n FROM (SELECT n FROM s WHERE n <= 90) d, (SELECT n FROM s WHERE n <= 10) t, \
                 (SELECT n FROM s WHERE n <= 30) m, (SELECT 'verdict' AS what UNION ALL SELECT 'check' UNION ALL SELECT 'waited' \
                 UNION ALL SELECT 'ruled' UNION ALL SELECT 'overturned' UNION ALL SELECT 'person_ruled') w \
                 WHERE m.n = 1 OR w.what NOT IN ('verdict', 'check', 'waited')"
            ),
            format!(
                "INSERT INTO audit (sequence, at, actor, action, subject, detail, hash) {numbers} SELECT n + \
                 (SELECT coalesce(max(sequence), 0) FROM audit), {at}, 'user:p' || (n % 20), 'item.viewed', {id}, \
                 '{{\"sealed\":false}}', {} FROM s ORDER BY n",
                self.zeros()
            ),
            format!(
                "INSERT INTO people (id, email, role, tenants, totp_step, backup_codes, created_at, version) {numbers} \
                 SELECT 'p' || n, 'moderator-' || n || '@example.org', 'moderator', 'tenant' || (n % 10), 0, '', {now}, 1 \
                 FROM s WHERE n <= {PEOPLE}"
            ),
            format!(
                "INSERT INTO reports (upload, number, category, text, reporter, at) {numbers} SELECT '{}', n, 'harassment', \
                 '{}', 'user-' || n, {now} FROM s WHERE n <= {REPORTS}",
                self.reported(items),
                "again ".repeat(REPORTED / 6)
            ),
            format!(
                "INSERT INTO streams (id, tenant, external_id, opened_at, key_hash, key_expires_at, tuning, queued, standing, \
                 because, since, judged, skipped, lost, episode) {numbers} SELECT {id}, 'tenant' || (n % 10), 'camera ' || n, \
                 {now}, {}, {now} + CAST(86400000 AS bigint), '{{}}', 0, CASE n % 10 WHEN 0 THEN 'cut' ELSE 'warn' END, \
                 CASE n % 10 WHEN 0 THEN 'bad' ELSE 'suspicious' END, {now}, 12345, 67, 8, 1 FROM s WHERE n <= {STREAMS}",
                self.zeros()
            ),
            format!(
                "INSERT INTO episodes (stream, number, tenant, state, began_at, ended_at, worst, because, scores, evidence) \
                 SELECT id, 1, tenant, CASE id WHEN '{}' THEN 'in_review' ELSE 'ruled' END, opened_at, opened_at, 'cut', 'bad', \
                 '{}', '{}' FROM streams",
                self.id(1),
                scores(),
                frames()
            ),
        ])
    }
}

fn scores() -> serde_json::Value {
    serde_json::json!({ "nsfw-mobilenet-v2.porn": 0.91, "nsfw-mobilenet-v2.sexy": 0.3, "nsfw-mobilenet-v2.hentai": 0.02 })
}

fn frames() -> serde_json::Value {
    let frame = |n: u64| {
        serde_json::json!({
            "key": format!("seeded/{n}"), "media_type": "image/jpeg", "sequence": n, "came_at": "2026-01-01T00:00:00Z",
            "captured_at": null, "scores": scores(),
        })
    };
    (1..=FRAMES).map(frame).collect()
}

pub async fn sqlite(url: &str, items: u32) -> anyhow::Result<()> {
    let mut store = SqliteConnection::connect(url).await?;
    for statement in Dialect::Sqlite.statements(items)? {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut store).await.context("the store is filled")?;
    }
    sqlx::raw_sql("ANALYZE").execute(&mut store).await?;
    store.close().await?;
    Ok(())
}

pub async fn postgres(url: &str, items: u32) -> anyhow::Result<()> {
    let mut store = PgConnection::connect(url).await?;
    sqlx::raw_sql("SET lazaret.tenant = '*'").execute(&mut store).await?;
    for statement in Dialect::Postgres.statements(items)? {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut store).await.context("the store is filled")?;
    }
    sqlx::raw_sql("VACUUM ANALYZE").execute(&mut store).await?;
    Ok(())
}
