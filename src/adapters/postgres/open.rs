//! Opening: may this server be used, which schema does it hold, and as whom do connections work.

use super::{Options, clock, role};
use crate::ports::{Kind, PortError, Result};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::time::Duration;

/// In order; the position, from 1, is the schema's version. A landed one never changes.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_console.sql"),
    include_str!("migrations/0003_pulled.sql"),
    include_str!("migrations/0004_insight.sql"),
    include_str!("migrations/0005_care.sql"),
    include_str!("migrations/0006_uploaders.sql"),
    include_str!("migrations/0007_undone.sql"),
    include_str!("migrations/0008_sight.sql"),
    include_str!("migrations/0009_figures.sql"),
    include_str!("migrations/0010_likeness.sql"),
    include_str!("migrations/0011_retention.sql"),
    include_str!("migrations/0012_labels.sql"),
    include_str!("migrations/0013_drafts.sql"),
    include_str!("migrations/0014_snapshots.sql"),
    include_str!("migrations/0015_unbound.sql"),
    include_str!("migrations/0016_reasons.sql"),
];

/// How long a task waits for its turn at a connection, or for the server to come back.
const TURN: Duration = Duration::from_secs(30);
/// How long the first connection may take.
const GREETING: Duration = Duration::from_secs(10);
/// A connection that nobody used for longer is asked whether it lives before it is used.
const TRUSTED: Duration = Duration::from_secs(1);

/// What each connection says first. Commits are durable before they are answered, which law 3 needs, also where the
/// server's default is that they need not be. What hangs does not hang for ever.
///
/// The last two are for the planner, where the server's owner left its defaults: a page anywhere costs hardly more than the
/// next one (the default is of discs that turn, and has it read whole tables where an index would do), and no statement of
/// ours is worth the start of a second process, of which there are many at a time.
const HELLO: &str = "SET ROLE lazaret_app; SET statement_timeout = '30s'; SET lock_timeout = '20s'; \
    SET idle_in_transaction_session_timeout = '60s'; \
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'; \
    SELECT set_config('random_page_cost', '1.1', false) WHERE current_setting('random_page_cost') = '4'; \
    SELECT set_config('max_parallel_workers_per_gather', '0', false) \
    WHERE current_setting('max_parallel_workers_per_gather') = '2'";

pub(super) async fn open(options: &Options) -> Result<PgPool> {
    if options.connections == 0 {
        return Err(PortError::new(Kind::Fail, "store.connections must be at least 1"));
    }
    let mut to: PgConnectOptions = options
        .url
        .parse()
        .map_err(|e: sqlx::Error| PortError::new(Kind::Fail, "store.url is not understood").because(e))?;
    if let Some(password) = &options.password {
        to = to.password(password);
    }
    to = to.application_name("lazaret");
    let mut first = greet(&to).await?;
    suits(&mut first).await?;
    clock::check(&mut first, &to).await?;
    if options.migrate {
        migrate(&mut first).await?;
    }
    role::check(&mut first).await?;
    first.execute(HELLO).await?;
    up_to_date(version(&mut first).await?)?;
    // Its end is of no interest: all was read.
    let _ = first.close().await;
    let pool = PgPoolOptions::new()
        .max_connections(options.connections)
        .acquire_timeout(TURN)
        .test_before_acquire(false)
        .before_acquire(|connection, was| {
            Box::pin(async move {
                if was.idle_for > TRUSTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute(HELLO).await?;
                Ok(())
            })
        });
    Ok(pool.connect_with(to).await?)
}

async fn greet(to: &PgConnectOptions) -> Result<PgConnection> {
    match tokio::time::timeout(GREETING, to.connect()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => {
            let why = format!("the store does not answer at {}: check store.url", to.get_host());
            Err(PortError::new(Kind::Retry, why))
        }
    }
}

/// Is this a server that can hold the store?
async fn suits(connection: &mut PgConnection) -> Result<()> {
    let (encoding, reads_only): (String, bool) = sqlx::query_as(
        "SELECT current_setting('server_encoding'), current_setting('transaction_read_only') = 'on' \
         OR pg_is_in_recovery()",
    )
    .fetch_one(connection)
    .await?;
    if reads_only {
        let why = "the store only reads: store.url must name the primary, and it must be writable";
        return Err(PortError::new(Kind::Retry, why));
    }
    if encoding != "UTF8" {
        let why = format!("the database's encoding is {encoding}: give store.url one whose encoding is UTF8");
        return Err(PortError::new(Kind::Fail, why));
    }
    Ok(())
}

/// Brings the schema up to date, in one transaction; other processes that begin wait for it.
async fn migrate(connection: &mut PgConnection) -> Result<()> {
    role::make(connection).await?;
    let mut tx = connection.begin().await?;
    sqlx::raw_sql("SELECT pg_advisory_xact_lock(1279351379, 1); SET LOCAL lazaret.tenant = '*'")
        .execute(&mut *tx)
        .await?;
    let done = version(&mut tx).await?;
    if done >= MIGRATIONS.len() {
        return up_to_date(done);
    }
    if done == 0 {
        let foreign: bool =
            sqlx::query_scalar("SELECT to_regclass('uploads') IS NOT NULL").fetch_one(&mut *tx).await?;
        if foreign {
            let why =
                "the database holds another program's tables: give store.url a database of lazaret's own";
            return Err(PortError::new(Kind::Fail, why));
        }
        sqlx::raw_sql(
            "CREATE TABLE schema_version (version bigint NOT NULL); INSERT INTO schema_version VALUES (0); \
             DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO lazaret_app', current_schema()); END $$",
        )
        .execute(&mut *tx)
        .await?;
    }
    for migration in &MIGRATIONS[done..] {
        sqlx::raw_sql(*migration).execute(&mut *tx).await?;
    }
    let known = MIGRATIONS.len();
    sqlx::raw_sql(AssertSqlSafe(format!("UPDATE schema_version SET version = {known}")))
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

async fn version(connection: &mut PgConnection) -> Result<usize> {
    let there: bool = sqlx::query_scalar("SELECT to_regclass('schema_version') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !there {
        return Ok(0);
    }
    let version: i64 = sqlx::query_scalar("SELECT version FROM schema_version").fetch_one(connection).await?;
    usize::try_from(version).map_err(|_| crate::adapters::sql::damaged(format!("schema version {version}")))
}

fn up_to_date(done: usize) -> Result<()> {
    let known = MIGRATIONS.len();
    if done < known {
        let why = format!("the store's schema is {done}, this version needs {known}: run `lazaret migrate`");
        return Err(PortError::new(Kind::Fail, why));
    }
    if done > known {
        let why = format!(
            "the store was written by a newer lazaret (schema {done}, this one knows {known}): run that one"
        );
        return Err(PortError::new(Kind::Fail, why));
    }
    Ok(())
}
