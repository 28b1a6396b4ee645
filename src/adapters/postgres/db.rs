//! Connections, and transactions that say whose rows they are about.

use crate::{ports::Result, upload::TenantId};
use sqlx::{AssertSqlSafe, Connection, PgPool, Transaction, pool::PoolConnection};

pub(super) type Tx<'c> = Transaction<'c, sqlx::Postgres>;

/// For what concerns the whole machine.
const MACHINE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lazaret.tenant = '*'";

/// For these tenants'. Their names hold neither quote nor comma ([`TenantId`]), and the setting takes no bound value.
fn begin<'a>(tenants: impl IntoIterator<Item = &'a TenantId>) -> AssertSqlSafe<String> {
    let names: Vec<_> = tenants.into_iter().map(TenantId::as_str).collect();
    let names = names.join(",");
    AssertSqlSafe(format!("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lazaret.tenant = '{names}'"))
}

#[derive(Clone)]
pub(super) struct Db {
    pub pool: PgPool,
}

impl Db {
    /// For what concerns the whole machine. Dropped, it rolls back, a little later: one that locked rows is rolled back
    /// before the answer, or a claim that comes at once would pass them over.
    pub async fn machine(&self) -> Result<Tx<'static>> {
        Ok(self.pool.begin_with(MACHINE).await?)
    }

    /// For one tenant's own: row-level security hides all others'.
    pub async fn tenant(&self, tenant: &TenantId) -> Result<Tx<'static>> {
        Ok(self.pool.begin_with(begin([tenant])).await?)
    }

    pub fn kept(&self) -> Kept {
        Kept { pool: self.pool.clone(), connection: None }
    }
}

/// One connection for transaction after transaction: what the server knows by then, plans and pages, is at hand. The
/// pool hands its connections out in turn, and asks each that comes back whether it lives.
pub(super) struct Kept {
    pool: PgPool,
    connection: Option<PoolConnection<sqlx::Postgres>>,
}

impl Kept {
    /// As [`Db::machine`].
    pub async fn machine(&mut self) -> Result<Tx<'_>> {
        Ok(self.connection().await?.begin_with(MACHINE).await?)
    }

    /// For these tenants' own.
    pub async fn tenants(&mut self, tenants: impl IntoIterator<Item = &TenantId>) -> Result<Tx<'_>> {
        let begin = begin(tenants);
        Ok(self.connection().await?.begin_with(begin).await?)
    }

    async fn connection(&mut self) -> Result<&mut PoolConnection<sqlx::Postgres>> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.pool.acquire().await?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Where all are taken, others may be waiting for this one.
    pub fn share(&mut self) {
        let most = self.pool.options().get_max_connections();
        if self.pool.num_idle() == 0 && self.pool.size() >= most {
            self.rest();
        }
    }

    /// There is nothing to do for now.
    pub fn rest(&mut self) {
        self.connection = None;
    }

    pub fn rests(&self) -> bool {
        self.connection.is_none()
    }

    /// It may be lost, or in the middle of something.
    pub fn doubt(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
}
