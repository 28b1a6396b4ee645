//! What the modules in `sql/shared` need of this engine.

use super::{Postgres, audit, db::Tx, outbox};
use crate::{
    ports::{Result, accounts::Deed},
    upload::{TenantId, UploadId},
};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::PgConnection;

pub(super) type This = Postgres;
pub(super) type Engine = sqlx::Postgres;
pub(super) type Connection = PgConnection;

/// Where in a text another one begins, from 1; 0 where it does not stand in it.
pub(super) const PLACE_IN: &str = "strpos";

pub(super) async fn begin(store: &Postgres) -> Result<Tx<'static>> {
    store.db.machine().await
}

pub(super) async fn reader(store: &Postgres) -> Result<Tx<'static>> {
    store.db.machine().await
}

/// Last before the commit.
pub(super) async fn append(
    tx: &mut PgConnection,
    deed: Deed<'_>,
    subject: &str,
    detail: Value,
) -> Result<()> {
    let Deed { actor, action, at } = deed;
    audit::append(tx, &[audit::Entry { at, actor, action, subject, detail }]).await
}

pub(super) async fn tell(
    tx: &mut PgConnection,
    upload: UploadId,
    tenant: &TenantId,
    kind: &'static str,
    body: Value,
    at: Timestamp,
) -> Result<()> {
    outbox::append(tx, &[outbox::News { upload, tenant, kind, body, at }]).await
}
