//! Values in and out of PostgreSQL.

pub(super) use crate::adapters::sql::*;

/// An upload's columns, by name: a statement that is prepared must not change its answer when a newer process adds one.
macro_rules! upload_columns {
    () => {
        "u.id, u.tenant, u.state, u.version, u.filename, u.declared, u.size, u.sha256, u.accepted_at, u.settled_at, \
         u.due_at, u.fence, u.worker, u.attempts, u.waiting_for, u.external_id, u.uploader"
    };
}
pub(super) use upload_columns;

/// PostgreSQL's text holds any character but NUL.
pub(super) fn clean(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}
