//! One process of many does a thing: the one whose name stands in the store, for as long as it renews it in time.

use crate::ports::{Clock, Kind, PortError, Result, Store};
use jiff::Timestamp;
use std::{sync::Arc, time::Duration};

pub(crate) struct Leader {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    what: &'static str,
    holder: String,
    term: Duration,
    until: Option<Timestamp>,
}

impl Leader {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        what: &'static str,
        holder: String,
        term: Duration,
    ) -> Self {
        Self { store, clock, what, holder, term, until: None }
    }

    /// Is this process the one, now? Asks the store only when a third of the term has passed. After an error, and
    /// after the term, it is not.
    pub(crate) async fn leads(&mut self) -> Result<bool> {
        let now = self.clock.now();
        let fresh = self.until.and_then(|until| until.checked_sub(self.term * 2 / 3).ok());
        if fresh.is_some_and(|fresh| now < fresh) {
            return Ok(true);
        }
        let until = now
            .checked_add(self.term)
            .map_err(|e| PortError::new(Kind::Fail, "the leader's term is too long").because(e))?;
        match self.store.lead(self.what, &self.holder, now, until).await {
            Ok(true) => {
                if self.until.replace(until).is_none() {
                    tracing::info!(leader.of = self.what, leader.holder = self.holder, "leads");
                }
                Ok(true)
            }
            Ok(false) => {
                if self.until.take().is_some() {
                    tracing::info!(leader.of = self.what, leader.holder = self.holder, "leads no more");
                }
                Ok(false)
            }
            // Still in office for the rest of the term.
            Err(error) if self.holds(now) => {
                tracing::warn!(leader.of = self.what, %error, "leading could not be renewed");
                Ok(true)
            }
            Err(error) => {
                self.until = None;
                Err(error)
            }
        }
    }

    fn holds(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// Lets the next one begin at once.
    pub(crate) async fn resign(&mut self) {
        let now = self.clock.now();
        if self.until.take().is_some()
            && let Err(error) = self.store.lead(self.what, &self.holder, now, now).await
        {
            tracing::warn!(leader.of = self.what, %error, "the next leader has to wait for the term to end");
        }
    }
}
