//! SQLite's troubles in the port's words.

use crate::ports::Kind;

// Result codes, from https://www.sqlite.org/rescode.html; the low byte is the primary one.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const FULL: i32 = 13;
/// A write failed for anything but ENOSPC (that is FULL): a quota or a file-size limit, as a rule.
const IOERR_WRITE: i32 = 10 | (3 << 8);
/// The shared-memory file of the write-ahead log could not grow.
const IOERR_SHMSIZE: i32 = 10 | (19 << 8);

pub(in crate::adapters) fn of_code(code: Option<i32>) -> (Kind, &'static str) {
    match code {
        Some(IOERR_WRITE | IOERR_SHMSIZE) => (Kind::Full, "the store's disk takes no more"),
        Some(code) if code & 0xff == FULL => (Kind::Full, "the store's disk is full"),
        Some(code) if matches!(code & 0xff, BUSY | LOCKED) => (Kind::Retry, "the store is busy"),
        _ => (Kind::Fail, "the store failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::PortError;

    #[test]
    fn codes_say_what_the_caller_can_do() {
        let cases = [
            (5, Kind::Retry),            // SQLITE_BUSY
            (5 | (2 << 8), Kind::Retry), // SQLITE_BUSY_SNAPSHOT
            (6, Kind::Retry),            // SQLITE_LOCKED
            (13, Kind::Full),            // SQLITE_FULL
            (778, Kind::Full),           // SQLITE_IOERR_WRITE
            (4874, Kind::Full),          // SQLITE_IOERR_SHMSIZE
            (266, Kind::Fail),           // SQLITE_IOERR_READ
            (11, Kind::Fail),            // SQLITE_CORRUPT
            (2067, Kind::Fail),          // SQLITE_CONSTRAINT_UNIQUE
        ];
        for (code, kind) in cases {
            assert_eq!(of_code(Some(code)).0, kind, "{code}");
        }
        assert_eq!(PortError::from(sqlx::Error::PoolTimedOut).kind, Kind::Retry);
        assert_eq!(PortError::from(sqlx::Error::RowNotFound).kind, Kind::Fail);
    }
}
