//! Is this machine's clock the store's? Leases, retries and signed URLs of all processes go by their own clocks.

use crate::ports::{Kind, PortError, Result};
use jiff::{SignedDuration, Timestamp};
use sqlx::{PgConnection, postgres::PgConnectOptions};

/// Beyond it, two machines that are off to either side no longer agree on a lease of the default length.
const FAR: SignedDuration = SignedDuration::from_secs(30);
/// Beyond it somebody should know.
const NOTABLE: SignedDuration = SignedDuration::from_secs(2);

pub(super) async fn check(connection: &mut PgConnection, to: &PgConnectOptions) -> Result<()> {
    let asked = Timestamp::now();
    let theirs: f64 = sqlx::query_scalar("SELECT extract(epoch FROM clock_timestamp())::float8")
        .fetch_one(connection)
        .await?;
    let theirs = Timestamp::UNIX_EPOCH
        .checked_add(SignedDuration::from_secs_f64(theirs))
        .map_err(|error| crate::adapters::sql::damaged(format!("the store's time: {error}")))?;
    let ahead = ahead(asked, theirs, Timestamp::now());
    if ahead.abs() > FAR {
        let why = format!(
            "this machine's clock is {} that of the store at {}, to which store.url points: set both by NTP",
            words(ahead),
            to.get_host()
        );
        return Err(PortError::new(Kind::Fail, why));
    }
    if ahead.abs() > NOTABLE {
        tracing::warn!("this machine's clock is {} the store's; set both by NTP", words(ahead));
    }
    Ok(())
}

/// By how much our clock is ahead of one that read `theirs` at some moment between `asked` and `answered`: nothing, where
/// they may agree.
fn ahead(asked: Timestamp, theirs: Timestamp, answered: Timestamp) -> SignedDuration {
    if theirs < asked {
        asked.duration_since(theirs)
    } else if theirs > answered {
        answered.duration_since(theirs)
    } else {
        SignedDuration::ZERO
    }
}

fn words(ahead: SignedDuration) -> String {
    let way = if ahead.is_negative() { "behind" } else { "ahead of" };
    format!("{} s {way}", ahead.abs().as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_is_no_skew() {
        let at = |second: i64| Timestamp::from_second(1_000_000 + second).unwrap();
        let seconds = |asked, theirs, answered| ahead(at(asked), at(theirs), at(answered)).as_secs();
        assert_eq!([seconds(0, 5, 10), seconds(0, 0, 0), seconds(0, 10, 10)], [0, 0, 0]);
        assert_eq!([seconds(100, 0, 110), seconds(0, 100, 10)], [100, -90]);
        assert_eq!(words(SignedDuration::from_secs(-90)), "90 s behind");
    }
}
