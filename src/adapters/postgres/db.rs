//! Connections, and transactions that say whose rows they are about.

use crate::{ports::Result, upload::TenantId};
use sqlx::{AssertSqlSafe, PgPool, Transaction};

pub(super) type Tx = Transaction<'static, sqlx::Postgres>;

#[derive(Clone)]
pub(super) struct Db {
    pub pool: PgPool,
}

impl Db {
    /// For what concerns the whole machine. Dropped, it rolls back, a little later: one that locked rows is rolled back
    /// before the answer, or a claim that comes at once would pass them over.
    pub async fn machine(&self) -> Result<Tx> {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lazaret.tenant = '*'";
        Ok(self.pool.begin_with(BEGIN).await?)
    }

    /// For one tenant's own: row-level security hides all others'.
    pub async fn tenant(&self, tenant: &TenantId) -> Result<Tx> {
        self.tenants([tenant]).await
    }

    /// For these tenants'. Their names hold neither quote nor comma ([`TenantId`]), and the setting takes no bound value.
    pub async fn tenants(&self, tenants: impl IntoIterator<Item = &TenantId>) -> Result<Tx> {
        let names: Vec<_> = tenants.into_iter().map(TenantId::as_str).collect();
        let begin =
            format!("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lazaret.tenant = '{}'", names.join(","));
        Ok(self.pool.begin_with(AssertSqlSafe(begin)).await?)
    }
}
