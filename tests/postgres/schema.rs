use super::{fresh, raw, refused};
use lazaret::{
    adapters::sqlite::Sqlite,
    ports::{
        Reviews, Store,
        contract::{
            reviews::all,
            samples::{at, id, settled, upload},
        },
    },
    upload::{Decision, rendition::RenditionName},
};
use sqlx::{Connection, PgConnection, SqliteConnection};

/// Tables that SQLite needs no counterpart of: it counts its schema in a pragma, and keeps the last number of a log itself.
const OWN: &str = "('schema_version', 'audit_head')";

async fn lines(connection: &mut PgConnection, sql: String) -> Vec<String> {
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await.unwrap()
}

async fn lite(connection: &mut SqliteConnection, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(connection).await.unwrap()
}

#[tokio::test]
async fn both_stores_have_the_same_tables_columns_types_defaults_and_keys() {
    let (_store, mut pg, _) = fresh().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lazaret.db");
    let sqlite = Sqlite::open(&path).await.unwrap();
    let mut sl = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();

    // Of a key no part is NULL, whether SQLite is told so or not.
    let columns = lite(
        &mut sl,
        "SELECT t.name || '.' || c.name || iif(c.\"notnull\" OR c.pk, ' NOT NULL', '') || iif(c.pk, ' key', '') \
         FROM pragma_table_list t, pragma_table_info(t.name) c \
         WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%' ORDER BY 1",
    );
    let same = lines(
        &mut pg,
        format!(
            "SELECT (c.relname || '.' || a.attname || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END || \
             CASE WHEN a.attnum = ANY (i.indkey) THEN ' key' ELSE '' END)::text COLLATE \"C\" \
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary WHERE c.relkind = 'r' \
             AND c.relnamespace = 'public'::regnamespace AND c.relname NOT IN {OWN} ORDER BY 1"
        ),
    );
    assert_eq!(same.await, columns.await);

    // SQLite has one type for whole numbers and for what is true or false.
    let types = lite(
        &mut sl,
        "SELECT t.name || '.' || c.name || ' ' || c.type || coalesce(' = ' || c.dflt_value, '') \
         FROM pragma_table_list t, pragma_table_info(t.name) c \
         WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%' ORDER BY 1",
    );
    let same = lines(
        &mut pg,
        format!(
            "SELECT (c.relname || '.' || a.attname || ' ' || CASE format_type(a.atttypid, NULL) \
             WHEN 'bigint' THEN 'INTEGER' WHEN 'boolean' THEN 'INTEGER' WHEN 'text' THEN 'TEXT' WHEN 'json' THEN 'TEXT' \
             WHEN 'bytea' THEN 'BLOB' ELSE format_type(a.atttypid, NULL) END || coalesce(' = ' || CASE \
             pg_get_expr(d.adbin, d.adrelid) WHEN 'false' THEN '0' WHEN 'true' THEN '1' \
             ELSE regexp_replace(pg_get_expr(d.adbin, d.adrelid), '::[a-z]+$', '') END, ''))::text COLLATE \"C\" \
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relkind = 'r' \
             AND c.relnamespace = 'public'::regnamespace AND c.relname NOT IN {OWN} ORDER BY 1"
        ),
    );
    assert_eq!(same.await, types.await);

    let unique = lite(
        &mut sl,
        "SELECT t.name || ' ' || (SELECT group_concat(name, ',') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) \
         FROM pragma_table_list t, pragma_index_list(t.name) i \
         WHERE t.schema = 'main' AND i.\"unique\" AND i.origin = 'c' ORDER BY 1",
    );
    let same = lines(
        &mut pg,
        "SELECT (i.indrelid::regclass || ' ' || (SELECT string_agg(a.attname::text, ',' ORDER BY k.turn) \
         FROM unnest(i.indkey) WITH ORDINALITY AS k (num, turn) \
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num))::text COLLATE \"C\" FROM pg_index i \
         JOIN pg_class c ON c.oid = i.indrelid WHERE i.indisunique AND NOT i.indisprimary \
         AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
            .to_owned(),
    );
    assert_eq!(same.await, unique.await);

    let foreign = lite(
        &mut sl,
        "SELECT t.name || '.' || f.\"from\" || ' ' || f.\"table\" || '.' || f.\"to\" \
         FROM pragma_table_list t, pragma_foreign_key_list(t.name) f WHERE t.schema = 'main' \
         AND t.name NOT IN ('verdicts', 'renditions', 'outbox') ORDER BY 1",
    );
    let same = lines(
        &mut pg,
        "SELECT (k.conrelid::regclass || '.' || a.attname || ' ' || k.confrelid::regclass || '.' || b.attname)::text \
         COLLATE \"C\" FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] \
         JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1] WHERE k.contype = 'f' ORDER BY 1"
            .to_owned(),
    );
    assert_eq!(same.await, foreign.await);
    sqlite.close().await;
}

/// What foreign keys are in SQLite.
#[tokio::test]
async fn triggers_hold_what_is_an_uploads_own_to_an_upload() {
    let (store, mut admin, _) = fresh().await;
    settled(&*store, &upload(1), Decision::Publish, 1).await;
    for (orphan, why) in [
        ("INSERT INTO verdicts SELECT 'nobody', number, detail, at FROM verdicts", "no such upload"),
        (
            "INSERT INTO outbox (upload, kind, body, at) VALUES ('nobody', 'upload.published', '{}', 1)",
            "no such upload",
        ),
        (
            "INSERT INTO renditions SELECT 'nobody', name, key, media_type, sha256, size, width, height FROM renditions",
            "only a published upload",
        ),
    ] {
        assert!(refused(&mut admin, orphan).await.contains(why), "{orphan}");
    }
    raw(&mut admin, "SET ROLE lazaret_app; SET lazaret.tenant = '*'").await.unwrap();
    for moved in ["UPDATE verdicts SET upload = 'nobody'", "UPDATE outbox SET upload = 'nobody'"] {
        assert!(refused(&mut admin, moved).await.contains("permission denied"), "{moved}");
    }
}

#[tokio::test]
async fn the_schema_itself_keeps_law_1() {
    let (store, mut admin, _) = fresh().await;
    settled(&*store, &upload(1), Decision::Publish, 1).await;
    settled(&*store, &upload(2), Decision::Quarantine, 2).await;
    let copy = "INSERT INTO renditions SELECT (SELECT id FROM uploads WHERE state = 'quarantined'), name, key, \
                media_type, sha256, size, width, height FROM renditions";
    assert!(refused(&mut admin, copy).await.contains("only a published upload"));
    let moved = "UPDATE renditions SET upload = (SELECT id FROM uploads WHERE state = 'quarantined')";
    assert!(refused(&mut admin, moved).await.contains("only a published upload"));
    let takedown = "UPDATE uploads SET state = 'quarantined' WHERE state = 'published'";
    assert!(refused(&mut admin, takedown).await.contains("take the renditions away"));
    assert!(store.published(id(1), RenditionName::Original).await.unwrap().is_some());
}

#[tokio::test]
async fn the_audit_log_refuses_changes_and_a_forged_one_shows() {
    let forgeries = [
        ("UPDATE audit SET detail = '{}' WHERE sequence = 3", 3),
        ("UPDATE audit SET at = at + 1 WHERE sequence = 4", 4),
        ("UPDATE audit SET actor = actor || 'u', action = substr(action, 2) WHERE sequence = 5", 5),
        ("DELETE FROM audit WHERE sequence = 1", 1),
        ("DELETE FROM audit WHERE sequence = 6", 6),
        ("TRUNCATE audit", 1),
        // The last line, hashed anew: it fits the one before it, and not what is kept beside the log.
        (
            "UPDATE audit SET detail = '{}', hash = sha256((SELECT hash FROM audit WHERE sequence = 5) || int8send(sequence) \
             || int8send(at) || int8send(octet_length(actor)::bigint) || convert_to(actor, 'UTF8') \
             || int8send(octet_length(action)::bigint) || convert_to(action, 'UTF8') \
             || int8send(octet_length(subject)::bigint) || convert_to(subject, 'UTF8') \
             || int8send(2::bigint) || convert_to('{}', 'UTF8')) WHERE sequence = 6",
            6,
        ),
    ];
    for (forgery, first_wrong) in forgeries {
        let (store, mut admin, url) = fresh().await;
        for n in 1..=3 {
            settled(&*store, &upload(n), Decision::Review, 5).await;
        }
        assert!(refused(&mut admin, forgery).await.contains("append-only"), "{forgery}");
        // The service's own role has not even the right to try.
        let mut app = PgConnection::connect(&url).await.unwrap();
        raw(&mut app, "SET ROLE lazaret_app; SET lazaret.tenant = '*'").await.unwrap();
        assert!(refused(&mut app, forgery).await.contains("permission denied"), "{forgery}");
        let gap = "INSERT INTO audit VALUES (8, 0, 'a', 'b', 'c', 'd', decode(repeat('00', 32), 'hex'))";
        assert!(refused(&mut app, gap).await.contains("follows the last one"));
        assert!(refused(&mut app, "UPDATE audit_head SET sequence = 3").await.contains("permission denied"));
        assert_eq!(store.audit_verify().await.unwrap(), Ok(6));

        raw(&mut admin, "ALTER TABLE audit DISABLE TRIGGER USER").await.unwrap();
        raw(&mut admin, forgery).await.unwrap();
        assert_eq!(store.audit_verify().await.unwrap(), Err(first_wrong), "{forgery}");
    }
}

/// Row by row, a scan of the table would show here before it shows in production.
#[tokio::test]
async fn what_is_asked_often_is_answered_from_an_index() {
    let (_store, _, url) = fresh().await;
    let mut app = PgConnection::connect(&url).await.unwrap();
    let setting = "SET ROLE lazaret_app; SET lazaret.tenant = 'a'; SET enable_seqscan = off; \
                   SET enable_bitmapscan = off; SET enable_sort = off";
    raw(&mut app, setting).await.unwrap();
    let plans = [
        "SELECT id FROM uploads WHERE state IN ('received', 'scanning') AND tenant = 'a' AND due_at <= 1 ORDER BY due_at, id LIMIT 3",
        "SELECT min(tenant) FROM uploads WHERE state IN ('received', 'scanning') AND tenant > 'a'",
        "SELECT * FROM uploads WHERE tenant = 'a' AND id < '~' ORDER BY id DESC LIMIT 3",
        "SELECT * FROM uploads WHERE tenant = 'a' AND id < '~' AND state = 'in_review' ORDER BY id DESC LIMIT 3",
        "SELECT * FROM uploads WHERE tenant = 'a' AND idempotency_key = 'k'",
        "SELECT * FROM uploads WHERE tenant = 'a' AND external_id = 'k'",
        "SELECT * FROM outbox WHERE handed_at IS NULL ORDER BY sequence LIMIT 3",
        "SELECT r.key FROM renditions r JOIN uploads u ON u.id = r.upload WHERE r.upload = 'x' AND r.name = 'original' \
         AND u.state = 'published'",
    ];
    for sql in plans {
        let steps = lines(&mut app, format!("EXPLAIN {sql}")).await;
        let bad = |step: &&String| step.contains("Seq Scan") || step.contains("Sort Key");
        assert!(
            steps.iter().any(|step| step.contains("Index")) && !steps.iter().any(|s| bad(&s)),
            "{sql}: {steps:#?}"
        );
    }
}

/// The groups that are told are cut off; the totals are not.
#[tokio::test]
async fn totals_are_of_all_that_waits_in_however_many_ways_reasons_stand_together() {
    let (store, mut admin, _) = fresh().await;
    let filled = "INSERT INTO uploads (id, tenant, state, version, size, sha256, accepted_at, settled_at) \
         SELECT '01a00000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'), 'acme', 'in_review', 2, 1, 'x', 1, 2 \
         FROM generate_series(1, 6000) n; \
         INSERT INTO reviews (upload, tenant, status, severity, reason, reasons, media_type, queued_at, holder, held_until) \
         SELECT '01a00000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'), 'acme', 'open', 40, 'look', \
         'look r.' || lpad(n::text, 5, '0'), 'image/png', 10000 - n, CASE WHEN n > 5900 THEN 'ann' END, \
         CASE WHEN n > 5900 THEN 1800000000000 END FROM generate_series(1, 6000) n";
    raw(&mut admin, filled).await.unwrap();
    let counts = store.counts(&all(), at(40)).await.unwrap();
    let oldest = counts.oldest.map(jiff::Timestamp::as_millisecond);
    assert_eq!((counts.open, counts.held, oldest), (6000, 100, Some(4000)));
    assert_eq!((counts.reasons.len(), counts.reasons[0].0.as_str()), (24, "look"));
}
