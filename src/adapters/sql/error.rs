//! SQL's troubles in the port's words. What a database says is understood by its own adapter.

use crate::{
    adapters::{postgres, sqlite},
    ports::{Kind, PortError},
};
use sqlx::{error::DatabaseError, postgres::PgDatabaseError};
use std::fmt::Display;

impl From<sqlx::Error> for PortError {
    fn from(error: sqlx::Error) -> Self {
        let (kind, message) = match &error {
            sqlx::Error::Database(e) => said(e.as_ref()),
            sqlx::Error::PoolTimedOut => (Kind::Retry, "the store is busy or cannot be reached"),
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => {
                (Kind::Retry, "the connection to the store broke: is store.url right?")
            }
            sqlx::Error::Tls(_) => (Kind::Fail, "the store speaks no TLS that is trusted: check store.url"),
            _ => (Kind::Fail, "the store failed"),
        };
        Self::new(kind, message).because(error)
    }
}

fn said(error: &dyn DatabaseError) -> (Kind, &'static str) {
    match error.try_downcast_ref::<PgDatabaseError>() {
        Some(error) => postgres::of_state(error.code()),
        None => sqlite::of_code(error.code().and_then(|code| code.parse().ok())),
    }
}

/// A stored value that no version of this program writes.
pub(in crate::adapters) fn damaged(what: impl Display) -> PortError {
    PortError::new(Kind::Fail, format!("the store is damaged ({what}): restore a backup"))
}
