//! What is wrong at start is one line that names the setting, from `serve` and from `doctor`.

use crate::{
    broker::Plain,
    postgres,
    s3::s3_url,
    site::{Ran, Site},
    wait::PATIENCE,
};
use lapin::{
    options::QueueDeclareOptions,
    types::{AMQPValue, FieldTable},
};
use sqlx::{Connection, PgConnection};
use std::{
    net::TcpListener,
    process::{Command, Stdio},
};

/// `part` is `doctor`'s name for it; `words` are what the line must hold beside the setting.
async fn assert_said(site: &Site, part: &str, setting: &str, words: &[&str]) {
    let serve = site.run(&["serve"]).await;
    assert_eq!(serve.code(), 2, "{serve:?}");
    let error = serve.err();
    let lines: Vec<&str> = error.lines().collect();
    let [line] = lines[..] else { panic!("one line, and nothing in the log: {error}") };
    let doctor = site.run(&["doctor", "--json"]).await;
    assert_eq!(doctor.code(), 1, "{doctor:?}");
    let parts = doctor.json();
    let sick: Vec<&str> = parts
        .iter()
        .filter(|line| line["healthy"] == false)
        .map(|line| line["part"].as_str().unwrap())
        .collect();
    assert_eq!(sick, [part], "{doctor:?}");
    let found = parts.iter().find(|line| line["part"] == part).unwrap();
    for said in [line, found["advice"].as_str().unwrap()] {
        assert!(said.contains(setting), "{setting}: {said}");
        for word in words {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert!(!said.contains('\n') && !said.contains("hunter2"), "{said}");
    }
}

async fn raw(site: &Site, sql: String) {
    let mut admin = PgConnection::connect(&site.backing.database).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_of_the_store() {
    // A server of its own, for its rules are changed.
    let server = tokio::task::spawn_blocking(postgres::Server::start).await.unwrap();
    let database = server.database().await;
    let site = Site::new("");
    let mut admin = PgConnection::connect(&database).await.unwrap();
    let file: String = sqlx::query_scalar("SHOW hba_file").fetch_one(&mut admin).await.unwrap();
    let rules = format!(
        "CREATE ROLE guarded LOGIN SUPERUSER PASSWORD 'right'; \
         COPY (SELECT rule FROM (VALUES (1, 'host all guarded 127.0.0.1/32 scram-sha-256'), \
         (2, 'host all all 127.0.0.1/32 trust')) rules (n, rule) ORDER BY n) TO '{file}'; SELECT pg_reload_conf()"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(rules)).execute(&mut admin).await.unwrap();
    let url = database.replace("postgres@", "guarded@");
    let with = |password: &str| format!("[store]\nurl = \"{url}\"\npassword = \"{password}\"");
    site.configure(&with("hunter2"));
    assert_said(&site, "store", "store.url", &["password"]).await;
    site.configure(&with("right"));
    let keys = site.run(&["key", "list"]).await;
    assert_eq!(keys.code(), 0, "{keys:?}");
}

#[tokio::test]
async fn a_store_that_only_reads() {
    let site = Site::new("");
    let (_, name) = site.backing.database.rsplit_once('/').unwrap();
    raw(&site, format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    assert_said(&site, "store", "store.url", &["only reads"]).await;
}

/// `lazaret` with a clock that is off by as much as `+1h`.
async fn run_at(site: &Site, off: &str, arguments: &[&str]) -> Ran {
    let plain = site.command();
    let mut command = Command::new("faketime");
    command.args(["-m", "--exclude-monotonic", "-f", off]).arg(plain.get_program()).args(plain.get_args());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.args(arguments).env_remove("RUST_LOG").stdin(Stdio::null());
    let running = tokio::process::Command::from(command).kill_on_drop(true).output();
    let output = tokio::time::timeout(PATIENCE, running).await.expect("it ends by itself");
    Ran::of(output.expect("faketime, which scripts/setup.sh installs"))
}

/// The store's clock is right; this process's is an hour off, to either side. (S3's client puts itself right, by the date
/// in the answers.)
#[tokio::test]
async fn a_clock_that_is_wrong() {
    let site = Site::new("");
    assert_eq!(site.run(&["key", "list"]).await.code(), 0, "with the right clock");
    for (off, way) in [("+1h", "ahead of"), ("-1h", "behind")] {
        let serve = run_at(&site, off, &["serve"]).await;
        assert_eq!(serve.code(), 2, "{serve:?}");
        let error = serve.err();
        assert_eq!(error.lines().count(), 1, "{error}");
        let doctor = run_at(&site, off, &["doctor", "--json"]).await;
        assert_eq!(doctor.code(), 1, "{doctor:?}");
        let lines = doctor.json();
        let store = lines.iter().find(|line| line["part"] == "store").unwrap();
        assert_eq!(store["healthy"], false, "{store}");
        for said in [error.as_str(), store["advice"].as_str().unwrap()] {
            assert!(said.contains("store.url") && said.contains("clock") && said.contains(way), "{said}");
        }
    }
}

#[tokio::test]
async fn a_vhost_or_bucket_that_does_not_exist() {
    let site = Site::new("");
    let url = &site.backing.vhost.url;
    site.configure(&format!("[queue]\nurl = \"{url}-none\""));
    assert_said(&site, "broker", "queue.url", &["vhost", "-none"]).await;
    site.configure(&format!("[queue]\nurl = \"{}\"", url.replace("guest:guest", "guest:hunter2")));
    assert_said(&site, "broker", "queue.url", &["password"]).await;
    site.configure(&format!("[blobs]\nurl = \"{}\"", s3_url("nowhere", site.backing.s3.address)));
    assert_said(&site, "blobs", "blobs.url", &["nowhere", "no such bucket"]).await;
}

#[tokio::test]
async fn a_queue_with_other_arguments() {
    let site = Site::new("");
    let plain = Plain::connect(&site.backing.vhost.url).await;
    let mut other = FieldTable::default();
    other.insert("x-queue-type".into(), AMQPValue::LongString("classic".into()));
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    plain.channel.queue_declare("lazaret.uploads".into(), durable, other).await.unwrap();
    assert_said(&site, "broker", "queue.url", &["lazaret.uploads", "differs"]).await;

    let site = Site::new("");
    assert_eq!(site.run(&["dead", "list"]).await.code(), 0, "declares all queues");
    site.configure("[queue]\ndelivery_limit = 7");
    assert_said(&site, "broker", "queue.delivery_limit", &["differs"]).await;
}

#[tokio::test]
async fn nobody_listens() {
    let site = Site::new("");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let bucket = s3_url(&site.backing.bucket, nobody);
    for (part, setting, url) in [
        ("store", "store.url", format!("postgres://postgres@{nobody}/a")),
        ("broker", "queue.url", format!("amqp://guest:guest@{nobody}/a")),
        ("blobs", "blobs.url", bucket),
    ] {
        let (section, key) = setting.split_once('.').unwrap();
        site.configure(&format!("[{section}]\n{key} = \"{url}\""));
        assert_said(&site, part, setting, &[&nobody.to_string()]).await;
    }
}

/// The schema is not brought up where that was not asked for.
#[tokio::test]
async fn a_store_without_a_schema_under_no_migrate() {
    let site = Site::new("");
    let (server, name) = site.backing.database.rsplit_once('/').unwrap();
    raw(&site, "CREATE DATABASE bare".to_owned()).await;
    assert_ne!(name, "bare");
    site.configure(&format!("[store]\nurl = \"{server}/bare\""));
    let serve = site.run(&["serve", "--no-migrate"]).await;
    assert!(serve.code() == 2 && serve.err().contains("lazaret migrate"), "{serve:?}");
    assert_eq!(site.run(&["migrate"]).await.code(), 0);
}
