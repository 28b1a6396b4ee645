//! How much people look at, and for how long: views that begin and end, and whether it is enough for the day.

use super::{
    admit::Denied,
    care::Rest,
    desk::{Desk, Result},
};
use crate::{
    Task,
    access::Person,
    ports::{
        accounts::User,
        care::{Exposure, Subject, day},
    },
};
use std::time::Duration;

/// How long a view that nobody ended is looked for, at most.
const LONGEST_VIEW: Duration = Duration::from_secs(60);

impl Desk {
    /// A page that holds nothing is still open.
    pub async fn still_looks(&self, person: &Person, subject: Subject) -> Result<()> {
        Ok(self.care.still_looks(&person.user.id, subject, self.clock.now(), self.gap()).await?)
    }

    /// Of a view: the page is heard of three times in a lease, and one that comes late is no new one.
    pub fn gap(&self) -> Duration {
        self.lease * 2
    }

    /// The person is done with looking at it, for now. What they did is stored before: it is done, also where the store went
    /// away since, and the view is ended when its time is over.
    pub(super) async fn looked(&self, person: &Person, subject: Subject) {
        let (who, now) = (&person.user.id, self.clock.now());
        let ended = match self.care.still_looks(who, subject, now, self.gap()).await {
            Ok(()) => self.care.looked(who, subject, now).await,
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            tracing::warn!(user.id = %who, %error, "a view that is over stays open for now");
        }
    }

    /// What the person looked at today, and whether it is enough.
    pub async fn rest(&self, user: &User) -> Result<(Exposure, Rest)> {
        let exposure = self.care.exposure(&user.id, day(self.clock.now())).await?;
        Ok((exposure, self.limits.rest(&exposure)))
    }

    /// Whether it is enough for these people, in their order.
    pub async fn rests(&self, users: &[User]) -> Result<Vec<Rest>> {
        let ids: Vec<&str> = users.iter().map(|user| user.id.as_str()).collect();
        let mut exposures = self.care.exposures(&ids, day(self.clock.now())).await?;
        let rest = |id: &&str| self.limits.rest(&exposures.remove(*id).unwrap_or_default());
        Ok(ids.iter().map(rest).collect())
    }

    pub(super) async fn rested(&self, user: &User) -> Result<()> {
        match self.rest(user).await? {
            (_, Rest::Due(_)) => Err(Denied::Paused.into()),
            _ => Ok(()),
        }
    }

    /// The limits do not hold for this person today.
    pub async fn lift(&self, by: &Person, who: &User) -> Result<()> {
        let (actor, now) = (by.actor(), self.clock.now());
        Ok(self.care.lift(&who.id, day(now), self.deed(&actor, "care.lifted")).await?)
    }

    /// Views whose page was closed without a word end, with their length on record.
    pub fn end_views(&self) -> Task {
        let desk = self.clone();
        Task::start("ending views", |stop| async move {
            while !stop.is_cancelled() {
                let now = desk.clock.now();
                if let Err(error) = desk.care.end_views(now - desk.gap(), now).await {
                    tracing::warn!(%error, "views that are over stay open for now");
                }
                let _ = stop.run_until_cancelled(tokio::time::sleep(desk.lease.min(LONGEST_VIEW))).await;
            }
        })
    }
}
