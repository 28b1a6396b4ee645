//! Tries are slowed: a few are free, and each further one waits twice as long.

use super::{People, Refused};
use crate::{
    access::password,
    ports::{Kind, PortError, Result},
};
use jiff::Timestamp;
use std::{sync::Arc, time::Duration};
use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

/// Failures after which each further one costs time.
pub(super) const FREE: u32 = 5;
/// Many people may come from one address.
pub(super) const ADDRESS_FREE: u32 = 30;
/// The first wait; it doubles with each failure.
const WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// Accounts that may be tried at the same time.
const TURNS: usize = 64;

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

    pub(super) async fn not_too_fast(&self, keys: &[(String, u32)]) -> std::result::Result<(), Refused> {
        for (key, free) in keys {
            if let Some(tries) = self.accounts.tries(key).await? {
                let again = tries.last_at + wait(tries.failures, *free);
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

    #[test]
    fn each_failure_beyond_the_free_ones_doubles_the_wait() {
        let waits: Vec<_> = [0, 4, 5, 6, 7, 12, 40, 4_000].map(|n| wait(n, FREE).as_secs()).into();
        assert_eq!(waits, [0, 0, 2, 4, 8, 256, 900, 900]);
    }
}
