//! The connections that read. Not sqlx's pool: it pings a connection each time it is given back, which made the look-up
//! behind a signed URL six times as slow (115 µs against 18).

use crate::ports::{Kind, PortError, Result};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{
    ops::{Deref, DerefMut},
    sync::{Mutex, PoisonError},
};
use tokio::sync::{Semaphore, SemaphorePermit};

pub(super) struct Readers {
    free: Mutex<Vec<SqliteConnection>>,
    count: u32,
    turns: Semaphore,
}

impl Readers {
    /// Each connection has a thread of its own.
    pub async fn open(options: &SqliteConnectOptions, count: u32) -> Result<Self> {
        let mut free = Vec::new();
        for _ in 0..count {
            free.push(options.connect().await?);
        }
        Ok(Self { turns: Semaphore::new(free.len()), free: Mutex::new(free), count })
    }

    /// One of them, waiting for it.
    pub async fn lend(&self) -> Result<Lent<'_>> {
        let turn = self.turns.acquire().await.map_err(|_| closed())?;
        let connection = self.lock().pop().ok_or_else(closed)?;
        Ok(Lent { connection: Some(connection), readers: self, _turn: turn })
    }

    pub async fn close(&self) {
        let Ok(all) = self.turns.acquire_many(self.count).await else { return };
        let free = std::mem::take(&mut *self.lock());
        for connection in free {
            // There is nothing left to lose.
            let _ = connection.close().await;
        }
        self.turns.close();
        drop(all);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConnection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn closed() -> PortError {
    PortError::new(Kind::Fail, "the store is closed")
}

/// Goes back when it is dropped, in the middle of a read too: a read leaves nothing behind.
pub(super) struct Lent<'a> {
    connection: Option<SqliteConnection>,
    readers: &'a Readers,
    _turn: SemaphorePermit<'a>,
}

const IN_PLACE: &str = "a connection stays until its loan is dropped";

impl Deref for Lent<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.connection.as_ref().expect(IN_PLACE)
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect(IN_PLACE)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        // Before the turn goes back, which is a field.
        self.readers.lock().extend(self.connection.take());
    }
}
