use super::{Server, fresh, options};
use lazaret::{
    adapters::postgres::{Options, Postgres},
    ports::{
        Kind, Store,
        contract::samples::{claimed, settlement, tenant, upload},
    },
    upload::Decision,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_server_that_only_reads_is_said_in_one_line() {
    let (store, _, url) = fresh().await;
    store.accept(&upload(1)).await.unwrap();
    let name = url.rsplit('/').next().unwrap();
    let mut admin = PgConnection::connect(&Server::shared().url("postgres", "postgres")).await.unwrap();
    let turn = |value: &str| format!("ALTER DATABASE {name} SET default_transaction_read_only = {value}");
    sqlx::raw_sql(AssertSqlSafe(turn("on"))).execute(&mut admin).await.unwrap();
    let words = "the store only reads: store.url must name the primary, and it must be writable";
    let refused = Postgres::open(&options(&url)).await.err().expect("nothing could be written");
    assert_eq!((refused.kind, refused.to_string().as_str()), (Kind::Retry, words));

    // The same where it happens to a running service.
    sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1")
        .bind(name)
        .execute(&mut admin)
        .await
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let refused = loop {
        match store.accept(&upload(2)).await {
            Err(error) if error.to_string().contains(words) => break error,
            other => assert!(other.is_err() && Instant::now() < deadline, "{other:?}"),
        }
    };
    assert_eq!(refused.kind, Kind::Retry, "it costs nobody an attempt");
    assert!(store.upload(&tenant("acme"), upload(1).id).await.unwrap().is_some(), "reading goes on");
    assert!(store.ping().await.is_err(), "and readiness knows");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_loses_nothing_that_was_answered() {
    let server = Server::start();
    let store = Postgres::open(&options(&server.database().await)).await.unwrap();
    let lease = claimed(&store, &upload(1), 5).await;
    server.kill();
    let deadline = Instant::now() + Duration::from_secs(20);
    let settled = loop {
        match store.settle(&lease, &settlement(&lease, Decision::Publish, super::late())).await {
            Ok(settled) => break settled,
            Err(error) => assert!(error.kind == Kind::Retry && Instant::now() < deadline, "{error}"),
        }
    };
    assert_eq!(settled, Ok(()), "the lease outlived the server, and so did the pool");
    assert_eq!(store.audit_verify().await.unwrap(), Ok(2));
}

#[tokio::test]
async fn a_busy_pool_is_waited_for_and_closing_ends_it() {
    let (_, _, url) = fresh().await;
    let store = Postgres::open(&Options { connections: 1, ..options(&url) }).await.unwrap();
    let all = futures_util::future::join_all((1..=30).map(|n| {
        let store = &store;
        async move {
            store.accept(&upload(n)).await.unwrap();
            store.upload(&tenant("acme"), upload(n).id).await.unwrap().expect("what is answered shows")
        }
    }));
    assert_eq!(all.await.len(), 30);
    store.close().await;
    let closed = store.accept(&upload(99)).await.expect_err("it is closed");
    assert!(closed.to_string().contains("closed"), "{closed}");
}
