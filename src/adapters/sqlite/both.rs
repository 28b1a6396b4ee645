//! What the modules in `sql/shared` need of this engine.

use super::{Sqlite, Tx, audit, outbox, readers::Lent};
use crate::{
    ports::{Result, accounts::Deed},
    upload::{TenantId, UploadId},
};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::SqliteConnection;

pub(super) type This = Sqlite;
pub(super) type Engine = sqlx::Sqlite;
pub(super) type Connection = SqliteConnection;

/// Where in a text another one begins, from 1; 0 where it does not stand in it.
pub(super) const PLACE_IN: &str = "instr";

pub(super) async fn begin(store: &Sqlite) -> Result<Tx> {
    store.begin().await
}

pub(super) async fn reader(store: &Sqlite) -> Result<Lent<'_>> {
    store.readers.lend().await
}

/// Last before the commit.
pub(super) async fn append(
    tx: &mut SqliteConnection,
    deed: Deed<'_>,
    subject: &str,
    detail: Value,
) -> Result<()> {
    let Deed { actor, action, at } = deed;
    audit::append(tx, audit::Entry { at, actor, action, subject, detail }).await
}

pub(super) async fn tell(
    tx: &mut SqliteConnection,
    upload: UploadId,
    tenant: &TenantId,
    kind: &'static str,
    body: Value,
    at: Timestamp,
) -> Result<()> {
    outbox::append(tx, upload, tenant, kind, &body, at).await
}
