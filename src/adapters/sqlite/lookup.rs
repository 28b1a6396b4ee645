//! The look-up behind every signed URL, on the thread that asks. sqlx runs each statement on a thread that the connection
//! has for it: the way there and back costs several times what these two look-ups by primary key do.

use super::{
    delivery::PUBLISHED,
    row::{RenditionColumns, rendition},
};
use crate::{
    ports::{Result, store::PublishedRendition},
    upload::{UploadId, rendition::RenditionName},
};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// One connection, and one look-up at a time: SQLite's page cache has one lock for the whole process, on which several
/// connections spend more time than in looking up. It reads pages that are in memory, as a rule, and in the write-ahead
/// log nobody keeps a reader waiting.
pub(super) struct Lookups {
    /// None once closed, or where it could not be opened: all look-ups then go the other way, which tells why.
    connection: Mutex<Option<Connection>>,
}

impl Lookups {
    pub(super) fn open(path: &Path) -> Self {
        Self { connection: Mutex::new(connection(path).ok()) }
    }

    /// `None` where this way cannot answer at once: ask in the other, which waits, and has words for its troubles.
    pub(super) fn published(
        &self,
        id: UploadId,
        name: RenditionName,
    ) -> Option<Result<Option<PublishedRendition>>> {
        let row = ask(self.lock().as_ref()?, id, name);
        Some(row.ok()?.map(understood).transpose())
    }

    /// Before the connection that writes, which folds the log back in as the last one.
    pub(super) fn close(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connection(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::ZERO)?;
    Ok(connection)
}

type Columns = (Option<String>, RenditionColumns);

fn ask(connection: &Connection, id: UploadId, name: RenditionName) -> rusqlite::Result<Option<Columns>> {
    let mut statement = connection.prepare_cached(PUBLISHED)?;
    let row = statement.query_row((id.to_string(), name.as_str()), |row| {
        let rendition =
            (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?);
        Ok((row.get(0)?, rendition))
    });
    row.optional()
}

fn understood((filename, columns): Columns) -> Result<PublishedRendition> {
    Ok(PublishedRendition { rendition: rendition(columns)?, filename })
}
