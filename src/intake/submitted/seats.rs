//! How much is worked on at a time, so that there is always room for others: of one tenant and of the slow lane no more
//! than their share.

use crate::{ports::publisher::Lane, upload::TenantId};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(super) struct Seats {
    all: Arc<Semaphore>,
    slow: Arc<Semaphore>,
    share: usize,
    /// As many as `intake.sources` names.
    tenants: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
}

/// Whether a message may be worked on.
pub(super) enum Turn {
    /// For as long as this is kept.
    Now(Seat),
    /// Its tenants have their share in hand.
    Above,
    /// Nothing is begun any more.
    Closed,
}

/// Taken in this order by everybody, so that nobody waits for one who waits for him.
#[derive(Default)]
pub(super) struct Seat(Vec<OwnedSemaphorePermit>);

impl Seats {
    pub(super) fn new(seats: usize) -> Self {
        let share = (seats / 2).max(1);
        let (all, slow) = (Arc::new(Semaphore::new(seats.max(1))), Arc::new(Semaphore::new(share)));
        Self { all, slow, share, tenants: Mutex::default() }
    }

    /// For a message of these tenants. One in the main lane waits for no share; one in the slow lane waits for its turn.
    pub(super) async fn take(&self, tenants: &BTreeSet<TenantId>, lane: Lane) -> Turn {
        let mut seat = Seat::default();
        for tenant in tenants {
            let own = self.of(tenant);
            match lane {
                Lane::Main => match own.try_acquire_owned() {
                    Ok(permit) => seat.0.push(permit),
                    Err(_) => return Turn::Above,
                },
                Lane::Bulk => {
                    // Never closed.
                    let Ok(permit) = own.acquire_owned().await else { return Turn::Closed };
                    seat.0.push(permit);
                }
            }
        }
        let shared: &[&Arc<Semaphore>] = match lane {
            Lane::Main => &[&self.all],
            Lane::Bulk => &[&self.slow, &self.all],
        };
        for room in shared {
            let Ok(permit) = Arc::clone(room).acquire_owned().await else { return Turn::Closed };
            seat.0.push(permit);
        }
        Turn::Now(seat)
    }

    /// Whoever waits, waits no longer.
    pub(super) fn close(&self) {
        self.all.close();
        self.slow.close();
    }

    fn of(&self, tenant: &TenantId) -> Arc<Semaphore> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tenants.entry(tenant.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.share))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn of(names: &[&str]) -> BTreeSet<TenantId> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn a_tenant_and_the_slow_lane_leave_room_for_others() {
        let seats = Seats::new(6);
        let now = |tenants: &[&str], lane| seats.take(&of(tenants), lane).now_or_never();
        let sits = |turn: Option<Turn>| match turn {
            Some(Turn::Now(seat)) => seat,
            _ => panic!("no seat"),
        };
        let mut big: Vec<_> = (0..3).map(|_| sits(now(&["big"], Lane::Main))).collect();
        assert!(matches!(now(&["big"], Lane::Main), Some(Turn::Above)));
        assert!(matches!(now(&["big", "small"], Lane::Main), Some(Turn::Above)));
        assert!(now(&["big"], Lane::Bulk).is_none(), "it waits");
        let small: Vec<_> = (0..3).map(|_| sits(now(&["small"], Lane::Main))).collect();
        assert!(now(&["third"], Lane::Main).is_none() && now(&[], Lane::Main).is_none(), "no seat is left");
        drop(small);
        big.pop();
        let _slow =
            [sits(now(&["big"], Lane::Bulk)), sits(now(&["a"], Lane::Bulk)), sits(now(&["b"], Lane::Bulk))];
        assert!(now(&["c"], Lane::Bulk).is_none(), "the slow lane has its share");
        let _main = sits(now(&["c"], Lane::Main));
    }

    #[tokio::test]
    async fn what_is_closed_is_waited_for_no_longer() {
        let seats = Seats::new(1);
        let nobody = BTreeSet::new();
        let _seat = seats.take(&nobody, Lane::Main).await;
        let waits = seats.take(&nobody, Lane::Bulk);
        seats.close();
        assert!(matches!(waits.await, Turn::Closed));
    }
}
