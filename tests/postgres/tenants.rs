use super::{fresh, late, raw, refused};
use lazaret::{
    ports::{
        Store,
        contract::samples::{api_key, at, settled, tenant, upload},
        store::{Handed, NewUpload},
    },
    upload::Decision,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Rows of each table that a connection sees.
async fn seen(connection: &mut PgConnection) -> Vec<(&'static str, i64)> {
    let mut all = Vec::new();
    for table in
        ["uploads", "verdicts", "renditions", "outbox", "api_keys", "policies", "calls", "audit", "leaders"]
    {
        let count = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        all.push((table, sqlx::query_scalar(count).fetch_one(&mut *connection).await.unwrap()));
    }
    all
}

#[tokio::test]
async fn a_tenant_sees_its_own_rows_and_nobody_sees_none() {
    let (store, _, url) = fresh().await;
    for (n, name) in [(1, "a"), (2, "b"), (3, "b")] {
        let new = NewUpload { tenant: tenant(name), ..upload(n) };
        settled(&*store, &new, Decision::Publish, 5).await;
        store.apply_policy(&tenant(name), "text", "cli", at(6)).await.unwrap();
    }
    store.add_key(&api_key(1, "a"), "cli").await.unwrap();
    store.add_key(&api_key(2, "b"), "cli").await.unwrap();
    let handed: Vec<_> = store.outbox(0, 100).await.unwrap();
    let handed: Vec<_> = handed
        .iter()
        .map(|entry| Handed { sequence: entry.sequence, webhooks: vec!["w".to_owned()] })
        .collect();
    store.outbox_handed_on(&handed, at(7)).await.unwrap();
    assert!(store.lead("outbox", "p1", at(7), late()).await.unwrap());

    let mut app = PgConnection::connect(&url).await.unwrap();
    raw(&mut app, "SET ROLE lazaret_app").await.unwrap();
    assert!(
        seen(&mut app).await.iter().all(|(_, rows)| *rows == 0),
        "no tenant is named: {:?}",
        seen(&mut app).await
    );
    raw(&mut app, "SET lazaret.tenant = ''").await.unwrap();
    assert!(seen(&mut app).await.iter().all(|(_, rows)| *rows == 0));
    let table = |uploads, keys| {
        vec![
            ("uploads", uploads),
            ("verdicts", uploads),
            ("renditions", 2 * uploads),
            ("outbox", 2 * uploads),
            ("api_keys", keys),
            ("policies", uploads),
            ("calls", 2 * uploads),
            ("audit", 0),
            ("leaders", 0),
        ]
    };
    raw(&mut app, "SET lazaret.tenant = 'a'").await.unwrap();
    assert_eq!(seen(&mut app).await, table(1, 1));
    raw(&mut app, "SET lazaret.tenant = 'b'").await.unwrap();
    assert_eq!(seen(&mut app).await, table(2, 1));
    raw(&mut app, "SET lazaret.tenant = 'a,b'").await.unwrap();
    assert_eq!(seen(&mut app).await, table(3, 2));

    // Nor does it write what is another's.
    raw(&mut app, "SET lazaret.tenant = 'a'").await.unwrap();
    let done = sqlx::raw_sql("UPDATE uploads SET filename = 'x' WHERE tenant = 'b'")
        .execute(&mut app)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 0);
    let given = refused(&mut app, "UPDATE uploads SET tenant = 'b'").await;
    assert!(given.contains("row-level security"), "{given}");
    let sent =
        "INSERT INTO outbox (upload, tenant, kind, body, at) SELECT id, 'b', 'x', '{}', 1 FROM uploads";
    assert!(refused(&mut app, sent).await.contains("row-level security"));
    for never in [
        "DROP TABLE uploads",
        "TRUNCATE uploads",
        "ALTER TABLE uploads NO FORCE ROW LEVEL SECURITY",
        "DELETE FROM uploads",
    ] {
        let words = refused(&mut app, never).await;
        assert!(words.contains("permission denied") || words.contains("must be owner"), "{never}: {words}");
    }
}

#[tokio::test]
async fn the_service_works_as_the_role_that_owns_nothing() {
    let (store, mut admin, _) = fresh().await;
    store.ping().await.unwrap();
    let owned: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_class WHERE relowner = 'lazaret_app'::regrole")
            .fetch_one(&mut admin)
            .await
            .unwrap();
    assert_eq!(owned, 0);
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
         AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY relname COLLATE \"C\"",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    assert_eq!(open, ["audit_head", "heartbeat", "schema_version"], "these hold nobody's data");
}
