//! Tries are slowed: a few are free, and each further one waits twice as long. Failures fade with time.

use super::{People, Refused};
use crate::{
    access::password,
    ports::{Kind, PortError, Result},
};
use jiff::Timestamp;
use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

/// The first wait; it doubles with each failure.
const WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// Accounts that may be tried at the same time.
const TURNS: usize = 64;

/// What failures are counted by.
pub(super) struct Count {
    pub key: String,
    /// Failures after which each further one costs time.
    free: u32,
    /// Of those before, one is forgotten for each so long without another.
    fades: Duration,
}

impl Count {
    /// Of one account.
    pub(super) fn of_one(key: String) -> Self {
        // Who guesses is heard so often anyway.
        Self { key, free: 5, fades: LONGEST_WAIT }
    }

    /// Many people may come from one address, and some of them mistype all day. That others sign in from it forgives nothing.
    pub(super) fn of_address(address: &str) -> Self {
        Self { key: format!("address:{}", place(address)), free: 30, fades: Duration::from_secs(120) }
    }
}

/// Whoever has one address of IPv6 has the 2^64 of its network.
fn place(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            let network = u128::from(address) & (u128::MAX << 64);
            format!("{}/64", Ipv6Addr::from(network))
        }
        Ok(address) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}

/// What a process gives turns for.
#[derive(Clone)]
pub(super) struct Pace {
    /// Hashing takes memory and time: a few at once.
    hashing: Arc<Semaphore>,
    /// One try at a time of an account, or many at once would all come before the first failure counts. (Of each process
    /// one: so many more than the free ones get through at most.)
    tries: Arc<[Mutex<()>; TURNS]>,
}

impl Default for Pace {
    fn default() -> Self {
        let tries = Arc::new(std::array::from_fn(|_| Mutex::default()));
        Self { hashing: Arc::new(Semaphore::new(2)), tries }
    }
}

impl People {
    pub(super) async fn check(&self, password: &str, stored: Option<&str>) -> Result<bool> {
        let _turn = self.turn().await?;
        let (password, stored) = (password.to_owned(), stored.map(str::to_owned));
        let random = Arc::clone(&self.random);
        blocking(move || match stored {
            Some(stored) => password::matches(&password, &stored),
            None => password::hash(&password[..password.floor_char_boundary(password::LONGEST)], &*random)
                .map(|_| false),
        })
        .await
    }

    pub(super) async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        self.pace.hashing.acquire().await.map_err(|_| PortError::new(Kind::Retry, "the service is stopping"))
    }

    pub(super) async fn one_try(&self, key: &str) -> MutexGuard<'_, ()> {
        let place = key.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        self.pace.tries[place % TURNS].lock().await
    }

    pub(super) async fn failed(&self, count: &Count) -> Result<()> {
        self.accounts.failed(&count.key, self.clock.now(), count.fades).await
    }

    /// Each of them, also where another could not be counted.
    pub(super) async fn all_failed(&self, counts: &[Count]) -> Result<()> {
        let mut counted = Ok(());
        for count in counts {
            counted = counted.and(self.failed(count).await);
        }
        counted
    }

    pub(super) async fn not_too_fast(&self, counts: &[Count]) -> std::result::Result<(), Refused> {
        for count in counts {
            if let Some(tries) = self.accounts.tries(&count.key).await? {
                let again = tries.last_at + wait(tries.failures, count.free);
                let now = self.clock.now();
                if again > now {
                    return Err(Refused::Slow(seconds(again, now)));
                }
            }
        }
        Ok(())
    }
}

fn wait(failures: u32, free: u32) -> Duration {
    if failures < free {
        return Duration::ZERO;
    }
    WAIT.saturating_mul(1 << (failures - free).min(16)).min(LONGEST_WAIT)
}

fn seconds(again: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(again.as_second() - now.as_second()).unwrap_or(0).max(1)
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| PortError::new(Kind::Retry, "a password could not be checked").because(e))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::people::Options,
        adapters::sqlite::Sqlite,
        ports::{Clock, random::SystemRandom},
    };
    use sqlx::Connection;
    use tempfile::TempDir;

    #[test]
    fn each_failure_beyond_the_free_ones_doubles_the_wait() {
        let waits: Vec<_> = [0, 4, 5, 6, 7, 12, 40, 4_000].map(|n| wait(n, 5).as_secs()).into();
        assert_eq!(waits, [0, 0, 2, 4, 8, 256, 900, 900]);
    }

    /// Stands, until it is moved.
    struct Still(std::sync::Mutex<Timestamp>);

    impl Still {
        fn advance(&self, by: Duration) {
            *self.0.lock().unwrap() += by;
        }
    }

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    async fn people() -> (People, Arc<Still>, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Sqlite::open(&folder.path().join("lazaret.db")).await.unwrap());
        let clock = Arc::new(Still(std::sync::Mutex::new("2026-11-20T12:00:00Z".parse().unwrap())));
        let people = People::new(store, clock.clone(), Arc::new(SystemRandom), Options::default());
        (people, clock, folder)
    }

    #[test]
    fn who_has_a_network_of_ipv6_is_one() {
        for (address, place) in [
            ("192.0.2.7", "address:192.0.2.7"),
            ("::ffff:192.0.2.7", "address:192.0.2.7"),
            ("2001:db8:0:1::7", "address:2001:db8:0:1::/64"),
            ("2001:db8:0:1:ffff:ffff:ffff:ffff", "address:2001:db8:0:1::/64"),
            ("2001:db8:0:2::7", "address:2001:db8:0:2::/64"),
            ("unknown", "address:unknown"),
        ] {
            assert_eq!(Count::of_address(address).key, place, "{address}");
        }
    }

    async fn failures(people: &People, key: &str) -> u32 {
        people.accounts.tries(key).await.unwrap().map_or(0, |tries| tries.failures)
    }

    #[tokio::test]
    async fn what_is_too_long_for_an_account_counts_for_its_address_alone() {
        let (people, _clock, _folder) = people().await;
        let email = format!("{}@example.org", "a".repeat(4_000));
        for n in 1..=3 {
            let refused = people.sign_in(&email, "correct horse battery", "2001:db8::7", "a browser").await;
            assert!(matches!(refused, Err(Refused::Wrong)));
            assert_eq!(failures(&people, "address:2001:db8::/64").await, n);
        }
        assert_eq!(failures(&people, &format!("account:{email}")).await, 0, "nothing so long is stored");
    }

    #[tokio::test]
    async fn a_failure_that_is_not_counted_for_the_account_is_for_the_address() {
        let (people, _clock, folder) = people().await;
        let file = format!("sqlite:{}", folder.path().join("lazaret.db").display());
        let mut store = sqlx::SqliteConnection::connect(&file).await.unwrap();
        let broken = "CREATE TRIGGER broken BEFORE INSERT ON tries WHEN NEW.what LIKE 'account:%' \
            BEGIN SELECT RAISE(ABORT, 'broken'); END";
        sqlx::query(broken).execute(&mut store).await.unwrap();
        store.close().await.unwrap();
        let refused = people.sign_in("ann@example.org", "a password", "192.0.2.7", "a browser").await;
        assert!(matches!(refused, Err(Refused::Port(_))));
        assert_eq!(failures(&people, "address:192.0.2.7").await, 1);
    }

    #[tokio::test]
    async fn an_office_that_mistypes_all_day_waits_for_nothing() {
        let (people, clock, _folder) = people().await;
        let count = Count::of_address("192.0.2.7");
        for _ in 0..100 {
            for _ in 0..2 {
                people.not_too_fast(std::slice::from_ref(&count)).await.expect("nobody waits");
                people.failed(&count).await.unwrap();
            }
            clock.advance(Duration::from_secs(5 * 60));
        }
    }

    #[tokio::test]
    async fn who_guesses_is_heard_no_more_often_than_failures_fade() {
        let (people, clock, _folder) = people().await;
        let six_hours = Duration::from_secs(6 * 3600);
        for count in [Count::of_one("account:ann".into()), Count::of_address("192.0.2.7")] {
            let end = clock.now() + six_hours;
            let mut heard = 0;
            while clock.now() < end {
                match people.not_too_fast(std::slice::from_ref(&count)).await {
                    Ok(()) => {
                        people.failed(&count).await.unwrap();
                        heard += 1;
                    }
                    Err(Refused::Slow(seconds)) => clock.advance(Duration::from_secs(seconds)),
                    Err(other) => panic!("{other}"),
                }
            }
            // Beyond the free ones, and those whose waits grow.
            let most = count.free + 10 + u32::try_from(six_hours.as_secs() / count.fades.as_secs()).unwrap();
            assert!((count.free..=most).contains(&heard), "{}: {heard} of {most}", count.key);
        }
    }
}
