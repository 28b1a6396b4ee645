//! PostgreSQL's troubles in the port's words.

use crate::ports::{Kind, PortError};
use std::error::Error;

/// What a SQLSTATE says, from <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
pub(in crate::adapters) fn of_state(state: &str) -> (Kind, &'static str) {
    match state {
        "53100" => (Kind::Full, "the store's disk is full"),
        // Or a primary that became a standby: it may go through later, so nobody pays an attempt for it.
        "25006" => {
            (Kind::Retry, "the store only reads: store.url must name the primary, and it must be writable")
        }
        "53300" => (
            Kind::Retry,
            "the store takes no more connections: lower store.connections or raise its own limit",
        ),
        "55P03" | "57014" => (Kind::Retry, "the store is busy"),
        "3D000" => (Kind::Fail, "there is no such database: check store.url"),
        "42501" => {
            (Kind::Fail, "the store's role may not do that: was everything made by `lazaret migrate`?")
        }
        "42P01" | "42703" => (Kind::Fail, "the store's schema is not this version's: run `lazaret migrate`"),
        _ => match &state[..state.len().min(2)] {
            "08" | "53" | "57" => (Kind::Retry, "the store cannot be reached"),
            "40" => (Kind::Retry, "the store is busy"),
            "28" => {
                (Kind::Fail, "the store refuses the login: check the user in store.url, and the password")
            }
            _ => (Kind::Fail, "the store failed"),
        },
    }
}

/// Is it the fault of what was asked, so that others who asked at the same time may fare better on their own?
pub(super) fn is_the_askers_own(error: &PortError) -> bool {
    let Some(cause) = error.source().and_then(|cause| cause.downcast_ref::<sqlx::Error>()) else {
        return true;
    };
    match cause {
        sqlx::Error::Database(said) => {
            let state = said.code().unwrap_or_default();
            !["08", "25", "53", "57"].iter().any(|class| state.starts_with(class))
        }
        sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_say_what_the_caller_can_do() {
        let cases = [
            ("08006", Kind::Retry), // connection_failure
            ("25006", Kind::Retry), // read_only_sql_transaction
            ("40001", Kind::Retry), // serialization_failure
            ("40P01", Kind::Retry), // deadlock_detected
            ("53100", Kind::Full),  // disk_full
            ("53300", Kind::Retry), // too_many_connections
            ("57P01", Kind::Retry), // admin_shutdown
            ("57P03", Kind::Retry), // cannot_connect_now
            ("57014", Kind::Retry), // query_canceled
            ("22021", Kind::Fail),  // character_not_in_repertoire
            ("23505", Kind::Fail),  // unique_violation
            ("28P01", Kind::Fail),  // invalid_password
            ("3D000", Kind::Fail),  // invalid_catalog_name
            ("P0001", Kind::Fail),  // raise_exception
            ("", Kind::Fail),
        ];
        for (state, kind) in cases {
            assert_eq!(of_state(state).0, kind, "{state}");
        }
        for (state, names) in [("25006", "store.url"), ("28P01", "store.url"), ("53300", "store.connections")]
        {
            assert!(of_state(state).1.contains(names), "{state}");
        }
    }
}
