use super::{Server, options, raw};
use lazaret::adapters::postgres::Postgres;
use sqlx::{Connection, PgConnection};

/// What the version before the labels had.
const BEFORE: [&str; 11] = [
    include_str!("../../src/adapters/postgres/migrations/0001_first.sql"),
    include_str!("../../src/adapters/postgres/migrations/0002_console.sql"),
    include_str!("../../src/adapters/postgres/migrations/0003_pulled.sql"),
    include_str!("../../src/adapters/postgres/migrations/0004_insight.sql"),
    include_str!("../../src/adapters/postgres/migrations/0005_care.sql"),
    include_str!("../../src/adapters/postgres/migrations/0006_uploaders.sql"),
    include_str!("../../src/adapters/postgres/migrations/0007_undone.sql"),
    include_str!("../../src/adapters/postgres/migrations/0008_sight.sql"),
    include_str!("../../src/adapters/postgres/migrations/0009_figures.sql"),
    include_str!("../../src/adapters/postgres/migrations/0010_likeness.sql"),
    include_str!("../../src/adapters/postgres/migrations/0011_retention.sql"),
];

const JUDGED: &str = r#"
    INSERT INTO uploads (id, tenant, state, version, size, sha256, accepted_at, settled_at)
        SELECT '01a00000-0000-7000-8000-00000000000' || n, 'acme', 'in_review', 2, 1, 'x', 1, 2
        FROM generate_series(1, 3) n;
    INSERT INTO verdicts (upload, number, detail, at)
        SELECT id, 1, '{"labels":{"m.old":0.9}}'::json, 1 FROM uploads
        UNION ALL SELECT id, 2, '{"labels":{"m.c":0.49,"m.b":0.5,"m.a":0.75,"m.d":0.75}}', 2 FROM uploads
            WHERE id LIKE '%1'
        UNION ALL SELECT id, 2, '{"labels":{}}', 2 FROM uploads WHERE id LIKE '%2';
    INSERT INTO reviews (upload, tenant, status, severity, reason, reasons, media_type, queued_at)
        SELECT id, 'acme', 'open', 30, 'r', 'r', 'image/png', 2 FROM uploads;"#;

/// Of the last verdict those that came to a half, the likeliest first.
#[tokio::test]
async fn a_queue_from_before_there_were_labels_in_it_knows_them() {
    let server = Server::shared();
    let url = server.empty().await;
    // The role exists in the whole server once any store was opened.
    server.database().await;
    let mut admin = PgConnection::connect(&url).await.unwrap();
    raw(
        &mut admin,
        "CREATE TABLE schema_version (version bigint NOT NULL); INSERT INTO schema_version VALUES (11)",
    )
    .await
    .unwrap();
    for sql in BEFORE {
        raw(&mut admin, sql).await.unwrap();
    }
    raw(&mut admin, JUDGED).await.unwrap();

    Postgres::open(&options(&url)).await.expect("it is brought up to date");
    let labels: Vec<String> =
        sqlx::query_scalar("SELECT labels FROM reviews ORDER BY upload").fetch_all(&mut admin).await.unwrap();
    assert_eq!(labels, ["\nm.a\nm.d\nm.b\n", "", "\nm.old\n"]);
}
