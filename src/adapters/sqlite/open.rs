//! Opening the database file: who may read it, how durable it is, which schema it has.

use super::row::damaged;
use crate::ports::{Kind, PortError, Result};
use sqlx::{
    Connection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::{DirBuilder, OpenOptions},
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    time::{Duration, Instant},
};

/// In order; the position, from 1, is the schema's version, kept in `PRAGMA user_version`. A landed one never changes.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_many_machines.sql"),
    include_str!("migrations/0003_streams.sql"),
    include_str!("migrations/0004_console.sql"),
    include_str!("migrations/0005_pulled.sql"),
    include_str!("migrations/0006_insight.sql"),
    include_str!("migrations/0007_care.sql"),
    include_str!("migrations/0008_uploaders.sql"),
    include_str!("migrations/0009_undone.sql"),
    include_str!("migrations/0010_sums.sql"),
    include_str!("migrations/0011_likeness.sql"),
    include_str!("migrations/0012_retention.sql"),
    include_str!("migrations/0013_labels.sql"),
    include_str!("migrations/0014_drafts.sql"),
    include_str!("migrations/0015_snapshots.sql"),
    include_str!("migrations/0016_reasons.sql"),
];

/// How long a statement waits for another process's write (the command line's, or the server's).
const BUSY: Duration = Duration::from_secs(10);
/// The pause before one that is refused at once tries again.
const AGAIN: Duration = Duration::from_millis(20);
/// How long a task waits for its turn at the one writing connection.
const TURN: Duration = Duration::from_secs(30);

/// Makes folder and file where they are missing, for their owner alone. A file that is there is left as it is, and is
/// not opened: closing it would drop the locks that SQLite holds on it in this process.
pub(super) fn make_file(path: &Path) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(e.into()),
        _ => Ok(()),
    }
}

/// The one connection that writes. `FULL` makes each commit durable before it is answered, which law 3 needs.
pub(super) async fn writer(path: &Path) -> Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        // What is erased is overwritten, not only unlinked.
        .pragma("secure_delete", "ON")
        .pragma("journal_size_limit", "67108864");
    let pool = || {
        SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .acquire_timeout(TURN)
            .max_lifetime(None)
            .idle_timeout(None)
            .test_before_acquire(false)
            .after_release(|connection, _| {
                Box::pin(async move {
                    // SQLite itself rolls back on a full disk; sqlx then counts a transaction that is no more, and every
                    // later BEGIN fails. The ping lets a rollback that is under way end first.
                    connection.ping().await?;
                    Ok(!connection.is_in_transaction())
                })
            })
    };
    // Of two that turn the log on at the same time one is refused at once, however long it would have waited.
    let began = Instant::now();
    loop {
        match pool().connect_with(options.clone()).await.map_err(PortError::from) {
            Err(busy) if busy.kind == Kind::Retry && began.elapsed() < BUSY => {
                tokio::time::sleep(AGAIN).await;
            }
            opened => return opened,
        }
    }
}

pub(super) fn read_only(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY)
}

/// Brings the schema up to date, in one transaction that other processes wait for.
pub(super) async fn migrate(writer: &SqlitePool) -> Result<()> {
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *tx).await?;
    let known = MIGRATIONS.len();
    let done = usize::try_from(version).map_err(|_| damaged(format!("schema version {version}")))?;
    if done > known {
        return Err(PortError::new(
            Kind::Fail,
            format!(
                "the store was written by a newer lazaret (schema {done}, this one knows {known}): run that one"
            ),
        ));
    }
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *tx).await?;
    if done == 0 && tables > 0 {
        return Err(PortError::new(
            Kind::Fail,
            "the file is another program's database: set store.url to a file of lazaret's own",
        ));
    }
    for migration in &MIGRATIONS[done..] {
        sqlx::raw_sql(*migration).execute(&mut *tx).await?;
    }
    // A PRAGMA takes no bound value; this one is a number of ours.
    sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA user_version = {known}"))).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}
