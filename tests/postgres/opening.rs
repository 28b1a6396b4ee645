use super::{Server, fresh, options, raw, refused};
use lazaret::{
    adapters::postgres::{Options, Postgres},
    ports::{
        Kind, PortError, Store,
        contract::samples::{settled, upload},
    },
    upload::Decision,
};
use sqlx::{Connection, PgConnection};

async fn error(options: &Options) -> PortError {
    Postgres::open(options).await.err().expect("it cannot be opened")
}

#[tokio::test]
async fn a_schema_that_is_behind_or_ahead_is_refused() {
    let url = Server::shared().empty().await;
    let looks_only = Options { migrate: false, ..options(&url) };
    let behind = error(&looks_only).await;
    assert!(behind.to_string().contains("run `lazaret migrate`"), "{behind}");
    Postgres::open(&options(&url)).await.unwrap().close().await;
    let store = Postgres::open(&looks_only).await.expect("now it fits");
    store.ping().await.unwrap();
    let mut admin = PgConnection::connect(&url).await.unwrap();
    raw(&mut admin, "UPDATE schema_version SET version = 1000").await.unwrap();
    for options in [&looks_only, &options(&url)] {
        let ahead = error(options).await.to_string();
        assert!(ahead.contains("newer lazaret (schema 1000"), "{ahead}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_may_begin_at_once() {
    let options = options(&Server::shared().empty().await);
    let stores = futures_util::future::join_all((0..4).map(|_| Postgres::open(&options))).await;
    for store in stores {
        store.unwrap().ping().await.unwrap();
    }
}

#[tokio::test]
async fn another_programs_database_is_refused() {
    let url = Server::shared().empty().await;
    let mut admin = PgConnection::connect(&url).await.unwrap();
    raw(&mut admin, "CREATE TABLE uploads (id text)").await.unwrap();
    let foreign = error(&options(&url)).await;
    assert!(foreign.to_string().contains("another program's"), "{foreign}");
}

#[tokio::test]
async fn what_is_wrong_with_the_url_is_said() {
    let (_, _, url) = fresh().await;
    let cases = [
        (format!("{url}_not_there"), Kind::Fail, "no such database: check store.url"),
        (
            url.replace("postgres@", "nobody_known@"),
            Kind::Fail,
            "refuses the login: check the user in store.url",
        ),
        ("postgres://127.0.0.1:1/x".to_owned(), Kind::Retry, "is store.url right?"),
        ("postgres://[".to_owned(), Kind::Fail, "store.url is not understood"),
    ];
    for (url, kind, words) in cases {
        let error = error(&options(&url)).await;
        assert!(error.kind == kind && error.to_string().contains(words), "{url}: {error}");
    }
    let none = error(&Options { connections: 0, ..options(&url) }).await;
    assert!(none.to_string().contains("store.connections"), "{none}");
}

#[tokio::test]
async fn an_owner_that_is_no_superuser_is_enough_and_a_lesser_one_is_told_what_to_ask_for() {
    let server = Server::shared();
    let url = server.empty().await;
    // The role exists in the whole server once any store was opened.
    server.database().await;
    let mut admin = PgConnection::connect(&url).await.unwrap();
    raw(&mut admin, "CREATE ROLE plain LOGIN; ALTER SCHEMA public OWNER TO plain").await.unwrap();
    let plain = options(&url.replace("postgres@", "plain@"));
    let told = error(&plain).await.to_string();
    assert!(told.contains("an administrator must run `GRANT lazaret_app TO \"plain\"`"), "{told}");
    raw(&mut admin, "GRANT lazaret_app TO plain").await.unwrap();
    let store = Postgres::open(&plain).await.expect("that was all it needed");
    settled(&store, &upload(1), Decision::Publish, 5).await;
    assert_eq!(store.audit_verify().await.unwrap(), Ok(2));

    // The owner itself is under row-level security, and the log is closed to it too.
    let mut owner = PgConnection::connect(&plain.url).await.unwrap();
    let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM uploads").fetch_one(&mut owner).await.unwrap();
    assert_eq!(seen, 0, "no tenant was named");
    assert!(refused(&mut owner, "DELETE FROM audit").await.contains("append-only"));

    // Who may only work as the role can serve, but not migrate.
    raw(&mut admin, "CREATE ROLE worker LOGIN; GRANT lazaret_app TO worker").await.unwrap();
    let worker = Options { migrate: false, ..options(&url.replace("postgres@", "worker@")) };
    Postgres::open(&worker).await.expect("it need not own anything").ping().await.unwrap();
}
