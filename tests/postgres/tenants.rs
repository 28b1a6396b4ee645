use super::{fresh, late, raw, refused};
use lazaret::{
    ports::{
        Store,
        contract::samples::{api_key, at, settled, tenant, upload},
        store::{Handed, NewUpload},
        streams::{Change, Counts, Episode, EpisodeState, NewStream, Sign, StreamKey},
    },
    upload::{Because, Decision, Standing, StreamId},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Rows of each table that a connection sees.
async fn seen(connection: &mut PgConnection) -> Vec<(&'static str, i64)> {
    let mut all = Vec::new();
    for table in [
        "uploads",
        "verdicts",
        "renditions",
        "outbox",
        "api_keys",
        "policies",
        "calls",
        "audit",
        "leaders",
        "streams",
        "episodes",
    ] {
        let count = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        all.push((table, sqlx::query_scalar(count).fetch_one(&mut *connection).await.unwrap()));
    }
    all
}

/// A stream of the tenant's with an episode of which nobody is told.
async fn an_episode(store: &dyn Store, name: &str, n: u8) {
    let id = StreamId::new(at(i64::from(n)), &[n; 10]);
    let key = StreamKey { hash: [n; 32], expires_at: late() };
    let (tenant, external_id, at) = (tenant(name), None, at(5));
    let (tuning, actor) = ("{}".to_owned(), "cli".to_owned());
    let new = NewStream {
        id,
        tenant: tenant.clone(),
        external_id,
        key,
        tuning,
        queued: false,
        source: None,
        actor,
        at,
    };
    assert!(store.open_stream(&new, 100).await.unwrap());
    let watch = store.watch_stream(id, "p1", at, late()).await.unwrap().unwrap();
    let (standing, because) = (Standing::Cut, Because::Bad);
    let episode = Episode {
        stream: id,
        tenant,
        number: 1,
        state: EpisodeState::Open,
        began_at: at,
        ended_at: None,
        worst: standing,
        because,
        scores: Default::default(),
        evidence: Vec::new(),
        ruling: None,
        fence: 0,
        holder: None,
        held_until: None,
    };
    let sign =
        Sign { until: late(), watched_until: None, counts: Counts::default(), last: Default::default() };
    let (scores, sequence, episode) = (Default::default(), None, Some(episode));
    let change = Change { standing, because, told: false, scores, sequence, sign, episode, at };
    assert_eq!(store.change_stream(&watch, &change).await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_tenant_sees_its_own_rows_and_nobody_sees_none() {
    let (store, _, url) = fresh().await;
    for (n, name) in [(1, "a"), (2, "b"), (3, "b")] {
        let new = NewUpload { tenant: tenant(name), ..upload(n.into()) };
        settled(&*store, &new, Decision::Publish, 5).await;
        store.apply_policy(&tenant(name), "text", "cli", at(6)).await.unwrap();
        an_episode(&*store, name, n).await;
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
            ("streams", uploads),
            ("episodes", uploads),
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
