//! Stores of versions before, brought up to date.

use super::{Sqlite, open::MIGRATIONS};
use crate::ports::{
    Store,
    contract::samples::{at, upload},
};
use sha2::{Digest, Sha256};
use sqlx::{Connection, SqliteConnection};

/// What has landed stays as it is: a store is brought up to date from what the version before made.
#[test]
fn landed_migrations_are_never_changed() {
    let landed = [
        "47638f1a05747b91882705bedcca4e56c79e1faa2724c84f85b8a0463271e3ec",
        "43f2d5ea8221ba21e887373bc5e7e67803aceaa5057101fde81f1675ce9dff78",
        "09d35c683955c8fbad096e189e9e8890a5d506b5cd568e7b9d3273cb6918ef4d",
        "ac4eec0484229f26c2954656543893dc4e12c758ab53fb58bb9ad70da9dfaf68",
    ];
    for (n, (sql, sha256)) in MIGRATIONS.iter().zip(landed).enumerate() {
        let digest: String = Sha256::digest(sql).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, sha256, "migration {}: write another one instead", n + 1);
    }
}

const FILLED: &str = r#"PRAGMA user_version = 4;
    INSERT INTO uploads (id, tenant, state, version, size, sha256, accepted_at, due_at)
        VALUES ('01a00000-0000-7000-8000-000000000001', 'acme', 'received', 1, 1, 'x', 1, 1);
    INSERT INTO outbox (upload, kind, body, at, tenant, handed_at)
        SELECT id, 'upload.received', '{}', 1, tenant, NULL FROM uploads
        UNION ALL SELECT id, 'upload.review', '{"a":1}', 2, tenant, 3 FROM uploads
        UNION ALL SELECT id, 'upload.review', '{}', 5, tenant, 6 FROM uploads;
    INSERT INTO calls (sequence, webhook, upload, due_at) SELECT 2, 'w', id, 4 FROM uploads;
    DELETE FROM outbox WHERE sequence = 3;"#;

const OF_A_STREAM: &str =
    "INSERT INTO streams (id, tenant, opened_at, key_hash, key_expires_at, tuning, queued, standing,
        because, since) VALUES ('s', 'acme', 1, zeroblob(32), 1, '{}', 0, 'warn', 'unwatched', 1);
    INSERT INTO outbox (upload, kind, body, at, tenant) VALUES ('s', 'stream.cut', '{}', 1, 'acme');
    INSERT INTO calls (sequence, webhook, upload, due_at) SELECT max(sequence), 'w', 's', 4 FROM outbox;";

/// Of stores whose schema is the fourth some have references from events to uploads, which no stream's event passes, and
/// some were made without.
#[tokio::test]
async fn events_and_calls_outlast_an_upgrade() {
    for references in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lazaret.db");
        let mut old =
            SqliteConnection::connect(&format!("sqlite:{}?mode=rwc", path.display())).await.unwrap();
        for sql in &MIGRATIONS[..4] {
            let mut sql = (*sql).to_owned();
            for column in ["kind", "attempts"] {
                let with = format!(" REFERENCES uploads (id),\n    {column}");
                sql = if references { sql } else { sql.replace(&with, &format!(",\n    {column}")) };
            }
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut old).await.unwrap();
        }
        sqlx::raw_sql(FILLED).execute(&mut old).await.unwrap();
        let told = sqlx::raw_sql(OF_A_STREAM).execute(&mut old).await;
        assert_eq!(told.is_err(), references, "before");
        sqlx::raw_sql("DELETE FROM calls WHERE upload = 's'; DELETE FROM outbox WHERE upload = 's'; DELETE FROM streams;")
            .execute(&mut old)
            .await
            .unwrap();
        old.close().await.unwrap();

        let store = Sqlite::open(&path).await.unwrap();
        let told = store.outbox(0, 9).await.unwrap();
        let told: Vec<_> = told.iter().map(|e| (e.sequence, e.kind.as_str(), e.body.as_str())).collect();
        assert_eq!(told, [(1, "upload.received", "{}"), (2, "upload.review", r#"{"a":1}"#)]);
        assert_eq!(store.calls_due(at(9), 9).await.unwrap().len(), 1);
        store.accept(&upload(7)).await.unwrap();
        let next = store.outbox(2, 9).await.unwrap();
        assert!(next[0].sequence > 3, "a number that was given is not given again");
        sqlx::raw_sql(OF_A_STREAM).execute(&store.writer).await.unwrap();
        let nobodys = "INSERT INTO outbox (upload, kind, body, at) VALUES ('x', 'stream.cut', '{}', 1)";
        sqlx::raw_sql(nobodys).execute(&store.writer).await.expect_err("there is no such subject");
    }
}

const JUDGED: &str = r#"
    INSERT INTO uploads (id, tenant, state, version, size, sha256, accepted_at, settled_at)
        SELECT '01a00000-0000-7000-8000-00000000000' || value, 'acme', 'in_review', 2, 1, 'x', 1, 2
        FROM json_each('[1, 2, 3]');
    INSERT INTO verdicts (upload, number, detail, at)
        SELECT id, 1, '{"labels":{"m.old":0.9}}', 1 FROM uploads
        UNION ALL SELECT id, 2, '{"labels":{"m.c":0.49,"m.b":0.5,"m.a":0.75,"m.d":0.75}}', 2 FROM uploads
            WHERE id LIKE '%1'
        UNION ALL SELECT id, 2, '{"labels":{}}', 2 FROM uploads WHERE id LIKE '%2';
    INSERT INTO reviews (upload, tenant, status, severity, reason, reasons, media_type, queued_at)
        SELECT id, 'acme', 'open', 30, 'r', 'r', 'image/png', 2 FROM uploads;
    PRAGMA user_version = 12;"#;

/// Of the last verdict those that came to a half, the likeliest first.
#[tokio::test]
async fn a_queue_from_before_there_were_labels_in_it_knows_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lazaret.db");
    let mut old = SqliteConnection::connect(&format!("sqlite:{}?mode=rwc", path.display())).await.unwrap();
    for sql in &MIGRATIONS[..12] {
        sqlx::raw_sql(*sql).execute(&mut old).await.unwrap();
    }
    sqlx::raw_sql(JUDGED).execute(&mut old).await.unwrap();
    old.close().await.unwrap();

    let store = Sqlite::open(&path).await.unwrap();
    let labels: Vec<String> = sqlx::query_scalar("SELECT labels FROM reviews ORDER BY upload")
        .fetch_all(&store.writer)
        .await
        .unwrap();
    assert_eq!(labels, ["\nm.a\nm.d\nm.b\n", "", "\nm.old\n"]);
}
