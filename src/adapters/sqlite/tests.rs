//! What only SQLite can show: through its own connection, with raw statements.

use super::{
    Sqlite,
    row::{GENESIS, chained},
};
use crate::{
    ports::{
        Kind, Reviews, Store,
        contract::{
            reviews::all,
            samples::{TERM, at, claimed, id, keyed, settled, settlement, tenant, upload},
        },
        store::{Accepted, Forged},
    },
    upload::{Decision, rendition::RenditionName},
};
use std::{os::unix::fs::PermissionsExt, path::Path};
use tempfile::TempDir;

async fn fresh() -> (Sqlite, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("data/lazaret.db")).await.unwrap();
    (store, folder)
}

async fn raw(store: &Sqlite, sql: &'static str) -> sqlx::Result<()> {
    sqlx::raw_sql(sql).execute(&store.writer).await.map(|_| ())
}

#[tokio::test]
async fn the_audit_log_refuses_changes_and_a_forged_one_shows() {
    let forgeries = [
        ("UPDATE audit SET detail = '{}' WHERE sequence = 3", 3),
        ("UPDATE audit SET actor = 'key:k2' WHERE sequence = 1", 1),
        ("UPDATE audit SET at = at + 1 WHERE sequence = 4", 4),
        ("UPDATE audit SET hash = zeroblob(32) WHERE sequence = 2", 2),
        ("DELETE FROM audit WHERE sequence = 3", 3),
        ("DELETE FROM audit WHERE sequence = 1", 1),
        ("DELETE FROM audit WHERE sequence = 6", 6),
        ("DELETE FROM audit", 1),
        // What moves from one field to the next keeps the text as a whole, but not the hash.
        ("UPDATE audit SET actor = actor || 'u', action = substr(action, 2) WHERE sequence = 5", 5),
    ];
    for (forgery, first_wrong) in forgeries {
        let (store, _folder) = fresh().await;
        for n in 1..=3 {
            settled(&store, &upload(n), Decision::Review, 5).await;
        }
        let refused = raw(&store, forgery).await.expect_err(forgery).to_string();
        assert!(refused.contains("append-only"), "{forgery}: {refused}");
        assert_eq!(store.audit_verify().await.unwrap(), Ok(6));
        raw(&store, "DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_cut").await.unwrap();
        raw(&store, forgery).await.unwrap();
        assert_eq!(store.audit_verify().await.unwrap(), Err(first_wrong), "{forgery}");
    }
}

#[tokio::test]
async fn a_log_that_is_written_anew_shows_to_who_wrote_its_end_down() {
    let (store, _folder) = fresh().await;
    for n in 1..=3 {
        settled(&store, &upload(n), Decision::Review, 5).await;
    }
    let noted = store.audit_walk(&[]).await.unwrap().expect("it is whole");
    // Somebody who may write the file forges a line, and hashes all that follow anew.
    raw(&store, "DROP TRIGGER audit_is_not_changed").await.unwrap();
    let mut previous = GENESIS;
    for mut line in store.audit(0, 10).await.unwrap() {
        if line.sequence == 4 {
            line.actor = "somebody".into();
        }
        previous = chained(&previous, &line);
        sqlx::query("UPDATE audit SET actor = $2, hash = $3 WHERE sequence = $1")
            .bind(i64::try_from(line.sequence).unwrap())
            .bind(&line.actor)
            .bind(&previous[..])
            .execute(&store.writer)
            .await
            .unwrap();
    }
    assert_eq!(store.audit_verify().await.unwrap(), Ok(6), "nothing in it tells");
    assert_eq!(store.audit_walk(&[noted]).await.unwrap(), Err(Forged::Noted(6)));
}

#[tokio::test]
async fn the_schema_itself_keeps_law_1() {
    let (store, _folder) = fresh().await;
    settled(&store, &upload(1), Decision::Publish, 1).await;
    settled(&store, &upload(2), Decision::Quarantine, 2).await;
    let copy = "INSERT INTO renditions SELECT (SELECT upload FROM verdicts WHERE detail LIKE '%quarantine%'), name, key, \
                media_type, sha256, size, width, height FROM renditions";
    assert!(raw(&store, copy).await.unwrap_err().to_string().contains("only a published upload"));
    let takedown = "UPDATE uploads SET state = 'quarantined' WHERE state = 'published'";
    assert!(raw(&store, takedown).await.unwrap_err().to_string().contains("renditions"));
    assert!(store.published(id(1), RenditionName::Original).await.unwrap().is_some());
}

#[tokio::test]
async fn a_full_disk_is_said_and_loses_nothing() {
    let (store, _folder) = fresh().await;
    store.accept(&upload(1)).await.unwrap();
    let lease = claimed(&store, &upload(2), 2).await;
    raw(&store, "CREATE TABLE ballast (bytes BLOB); INSERT INTO ballast VALUES (zeroblob(40000))")
        .await
        .unwrap();
    // SQLite's own limit gives the very SQLITE_FULL that a full disk gives. It lives as long as the connection.
    raw(&store, "PRAGMA max_page_count = 1").await.unwrap();
    let mut full = None;
    for n in 3..1000 {
        let new = crate::ports::store::NewUpload { filename: Some("x".repeat(9000)), ..upload(n) };
        if let Err(error) = store.accept(&new).await {
            full = Some((n, error));
            break;
        }
    }
    let (n, error) = full.expect("the store has a limit");
    assert_eq!(error.kind, Kind::Full, "{error}");
    assert_eq!(store.upload(&tenant("acme"), id(n)).await.unwrap(), None, "no row without its answer");
    assert_eq!(store.outbox(0, 1000).await.unwrap().len() as u64, n - 1, "nor an event");

    // There is room again: the same store goes on, with all that it had.
    raw(&store, "PRAGMA max_page_count = 1000000").await.unwrap();
    assert_eq!(store.accept(&upload(n)).await.unwrap(), Accepted::New);
    assert_eq!(store.settle(&lease, &settlement(&lease, Decision::Publish, at(4))).await.unwrap(), Ok(()));
    assert!(store.claim(id(1), "w1", at(5), TERM).await.unwrap().is_some());
    assert!(store.audit_verify().await.unwrap().is_ok());
}

#[tokio::test]
async fn a_cancelled_write_leaves_the_store_usable() {
    let (store, _folder) = fresh().await;
    for n in 1..=60 {
        let new = upload(n);
        let patience = std::time::Duration::from_micros(n * 25);
        // Cancelled anywhere between the first statement and the last.
        let _ = tokio::time::timeout(patience, store.accept(&new)).await;
    }
    let page = crate::ports::store::Page { limit: 100, ..Default::default() };
    let rows = store.uploads(&tenant("acme"), &page).await.unwrap().len();
    assert_eq!(store.accept(&upload(99)).await.unwrap(), Accepted::New);
    let rows_after = store.uploads(&tenant("acme"), &page).await.unwrap().len();
    assert!(rows_after > rows, "the write after them is kept");
    assert_eq!(store.outbox(0, 100).await.unwrap().len(), rows_after, "a row and its event, or neither");
    assert_eq!(store.audit_verify().await.unwrap(), Ok(rows_after as u64));
}

#[tokio::test]
async fn only_its_owner_can_read_it_and_it_is_durable() {
    let (store, folder) = fresh().await;
    store.accept(&upload(1)).await.unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let data = folder.path().join("data");
    assert_eq!(mode(&data), 0o700);
    for name in ["lazaret.db", "lazaret.db-wal", "lazaret.db-shm"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&store.writer).await.unwrap();
    assert_eq!(synchronous, 2, "FULL: law 3 needs each commit on the disk");
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&store.writer).await.unwrap();
    assert_eq!(journal, "wal");
    let write = "UPDATE uploads SET version = 9";
    sqlx::raw_sql(write)
        .execute(&mut *store.readers.lend().await.unwrap())
        .await
        .expect_err("readers only read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_found_again_and_shared_with_a_second_process() {
    let (store, folder) = fresh().await;
    let path = folder.path().join("data/lazaret.db");
    store.accept(&upload(1)).await.unwrap();
    let second = Sqlite::open_existing(&path).await.unwrap();
    assert_eq!(second.accept(&upload(2)).await.unwrap(), Accepted::New);
    assert_eq!(store.backlog().await.unwrap(), 2);
    // Both read before they write: without BEGIN IMMEDIATE one would find its snapshot outdated.
    let many = |store: Sqlite, first: u64| {
        tokio::spawn(async move {
            for n in first..first + 40 {
                let new = keyed(n, "acme", &n.to_string());
                assert_eq!(store.accept(&new).await.unwrap(), Accepted::New);
            }
            store
        })
    };
    let (store, second) = tokio::join!(many(store, 100), many(second, 200));
    let (store, second) = (store.unwrap(), second.unwrap());
    second.close().await;
    store.accept(&upload(3)).await.unwrap();
    store.close().await;
    assert!(store.backlog().await.unwrap_err().to_string().contains("closed"));
    assert!(!folder.path().join("data/lazaret.db-wal").exists(), "closing folds the log back");
    assert_eq!(Sqlite::open(&path).await.unwrap().backlog().await.unwrap(), 83);
    let missing = Sqlite::open_existing(&folder.path().join("no.db")).await.err().expect("there is none");
    assert!(missing.to_string().contains("no store at"), "{missing}");
    assert!(!folder.path().join("no.db").exists());
}

#[tokio::test]
async fn two_processes_may_begin_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lazaret.db");
    let (first, second) = tokio::join!(Sqlite::open(&path), Sqlite::open(&path));
    first.unwrap().accept(&upload(1)).await.unwrap();
    assert_eq!(second.unwrap().backlog().await.unwrap(), 1);
}

#[tokio::test]
async fn other_databases_are_refused() {
    let (store, folder) = fresh().await;
    raw(&store, "PRAGMA user_version = 1000").await.unwrap();
    store.close().await;
    let newer = Sqlite::open(&folder.path().join("data/lazaret.db")).await.err().expect("it is newer");
    assert!(newer.to_string().contains("newer lazaret (schema 1000"), "{newer}");

    let (store, folder) = fresh().await;
    raw(&store, "PRAGMA user_version = 0").await.unwrap();
    store.close().await;
    let foreign =
        Sqlite::open(&folder.path().join("data/lazaret.db")).await.err().expect("it has other tables");
    assert!(foreign.to_string().contains("another program's"), "{foreign}");

    let garbage = folder.path().join("garbage.db");
    std::fs::write(&garbage, [0x55; 9000]).unwrap();
    let error = Sqlite::open(&garbage).await.err().expect("it is no database");
    assert_eq!(error.kind, Kind::Fail, "{error}");
}

#[tokio::test]
async fn readers_go_back_when_a_read_is_cancelled() {
    let (store, _folder) = fresh().await;
    for n in 1..=50 {
        store.accept(&upload(n)).await.unwrap();
    }
    for micros in 0..200 {
        let page = crate::ports::store::Page { limit: 50, ..Default::default() };
        let patience = std::time::Duration::from_micros(micros);
        let _ = tokio::time::timeout(patience, store.uploads(&tenant("acme"), &page)).await;
    }
    // More at a time than there are readers: each waits for its turn, and none is lost.
    let known = futures_util::future::join_all((0..40).map(|_| store.known(&[]))).await;
    assert!(known.iter().all(Result::is_ok));
}

/// Row by row, a scan of the table would show here before it shows in production.
#[tokio::test]
async fn what_is_asked_often_is_answered_from_an_index() {
    let (store, _folder) = fresh().await;
    let plans = [
        "SELECT id FROM uploads WHERE state IN ('awaiting', 'received', 'scanning') AND due_at <= 1 ORDER BY due_at, id",
        "SELECT count(*) FROM uploads WHERE state IN ('awaiting', 'received', 'scanning')",
        "SELECT * FROM uploads WHERE tenant = 'a' AND id < '~' ORDER BY id DESC",
        "SELECT * FROM uploads WHERE tenant = 'a' AND id < '~' AND state = 'in_review' ORDER BY id DESC",
        "SELECT * FROM uploads WHERE tenant = 'a' AND idempotency_key = 'k'",
        "SELECT r.key FROM renditions r JOIN uploads u ON u.id = r.upload WHERE r.upload = 'x' AND r.name = 'original' \
         AND u.state = 'published'",
        "SELECT DISTINCT r.key FROM renditions r JOIN uploads u ON u.id = r.upload \
         WHERE r.key IN (SELECT value FROM json_each('[]')) AND u.state = 'published'",
        "SELECT r.upload FROM reviews r WHERE r.status = 'open' AND r.sealed = 0 AND r.escalated = 0 AND r.tenant = 'a' \
         AND r.reason = 'r' AND instr(' ' || r.reasons || ' ', ' s ') > 0 AND replace(r.labels, 'l', '') <> r.labels \
         ORDER BY r.severity DESC, r.queued_at, r.upload LIMIT 9",
        "SELECT r.reasons, count(*), count(CASE WHEN r.held_until > 1 THEN 1 END), min(r.queued_at) FROM reviews r \
         WHERE r.status = 'open' AND r.sealed = 0 AND r.escalated = 0 AND r.tenant = 'a' AND r.reason = 'r' \
         AND instr(' ' || r.reasons || ' ', ' s ') > 0 AND replace(r.labels, 'l', '') <> r.labels GROUP BY r.reasons",
    ];
    for sql in plans {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let steps: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(explain).fetch_all(&mut *store.readers.lend().await.unwrap()).await.unwrap();
        for (.., step) in &steps {
            let scans =
                step.starts_with("SCAN") && !step.contains("json_each") && !step.contains("COVERING INDEX");
            assert!(!scans && !step.contains("ORDER BY") && !step.contains("GROUP BY"), "{sql}: {step}");
        }
    }
}

/// The groups that are told are cut off; the totals are not.
#[tokio::test]
async fn totals_are_of_all_that_waits_in_however_many_ways_reasons_stand_together() {
    let (store, _folder) = fresh().await;
    let filled = "INSERT INTO uploads (id, tenant, state, version, size, sha256, accepted_at, settled_at) \
         WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 6000) \
         SELECT printf('01a00000-0000-7000-8000-%012x', n), 'acme', 'in_review', 2, 1, 'x', 1, 2 FROM s; \
         INSERT INTO reviews (upload, tenant, status, severity, reason, reasons, media_type, queued_at, holder, held_until) \
         WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 6000) \
         SELECT printf('01a00000-0000-7000-8000-%012x', n), 'acme', 'open', 40, 'look', 'look r.' || printf('%05d', n), \
         'image/png', 10000 - n, CASE WHEN n > 5900 THEN 'ann' END, CASE WHEN n > 5900 THEN 1800000000000 END FROM s";
    raw(&store, filled).await.unwrap();
    let counts = store.counts(&all(), at(40)).await.unwrap();
    let oldest = counts.oldest.map(jiff::Timestamp::as_millisecond);
    assert_eq!((counts.open, counts.held, oldest), (6000, 100, Some(4000)));
    assert_eq!((counts.reasons.len(), counts.reasons[0].0.as_str()), (24, "look"));
}

#[tokio::test]
async fn the_short_way_to_a_rendition_sees_another_processes_commit_at_once() {
    let (store, folder) = fresh().await;
    let beside = Sqlite::open(&folder.path().join("data/lazaret.db")).await.unwrap();
    let (id, name) = (id(1), RenditionName::Original);
    let short = || beside.lookups.published(id, name).expect("it answers itself").unwrap();
    assert_eq!(short(), None);
    let lease = settled(&store, &upload(1), Decision::Publish, 1).await;
    let found = short().expect("it is published");
    assert_eq!(Some(found.rendition), store.renditions(id).await.unwrap().into_iter().next());
    assert_eq!(found.filename, upload(1).filename);
    store.erase(&lease.upload.tenant, id, "key:k1", at(2)).await.unwrap();
    assert_eq!(short(), None);
    beside.close().await;
    assert!(beside.lookups.published(id, name).is_none(), "it is closed");
}
