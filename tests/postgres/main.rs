//! What only PostgreSQL can show: through connections of the tests' own, with raw statements.

#[path = "../servers/postgres.rs"]
mod server;

mod batches;
mod erasing;
mod opening;
mod schema;
mod tenants;
mod trouble;
mod upgrade;

use lazaret::{adapters::postgres::Postgres, ports::contract::samples::at};
use server::{Server, options};
use sqlx::{Connection, PgConnection};
use std::sync::Arc;

/// A store in a fresh database, and a superuser's connection beside it.
async fn fresh() -> (Arc<Postgres>, PgConnection, String) {
    let url = Server::shared().database().await;
    let store = Postgres::open(&options(&url)).await.expect("a fresh store opens");
    let admin = PgConnection::connect(&url).await.expect("the server answers");
    (Arc::new(store), admin, url)
}

async fn raw(connection: &mut PgConnection, sql: &'static str) -> sqlx::Result<()> {
    sqlx::raw_sql(sql).execute(connection).await.map(|_| ())
}

/// The words in which a statement is refused.
async fn refused(connection: &mut PgConnection, sql: &'static str) -> String {
    raw(connection, sql).await.expect_err(sql).to_string()
}

fn late() -> jiff::Timestamp {
    at(10_000)
}
