//! Many items with one decision: what would become of each, and what became of it. Each is ruled on by itself, by the
//! rules that hold for one.

use super::{
    admit::{Ask, Case, Denied, admit, gaps_of},
    desk::{Desk, Opened, Result, Trouble},
};
use crate::{
    access::{Person, Right, may},
    ports::reviews::{Ruling, Status},
    upload::{UploadId, ruling::Kind},
};

/// Items of one decision.
pub const MOST: usize = 100;

/// What would become of one of many.
pub struct Foreseen {
    pub id: UploadId,
    /// Absent where it is not there for this person.
    pub opened: Option<Opened>,
    pub outcome: std::result::Result<Ruling, Denied>,
}

impl Desk {
    /// Changes nothing, and takes nothing.
    pub async fn foresee(&self, person: &Person, ids: &[UploadId], ask: &Ask) -> Result<Vec<Foreseen>> {
        let mut all = Vec::with_capacity(ids.len().min(MOST));
        for &id in ids.iter().take(MOST) {
            all.push(match self.seen(&person.user, id).await {
                Ok(opened) => {
                    let outcome = match self.handed_on(&person.user, &opened.item).await {
                        Ok(()) => self.would(person, &opened, ask),
                        Err(Trouble::Denied(denied)) => Err(denied),
                        Err(Trouble::Port(error)) => return Err(error.into()),
                    };
                    Foreseen { id, opened: Some(opened), outcome }
                }
                Err(Trouble::Denied(denied)) => Foreseen { id, opened: None, outcome: Err(denied) },
                Err(Trouble::Port(error)) => return Err(error.into()),
            });
        }
        Ok(all)
    }

    fn would(&self, person: &Person, opened: &Opened, ask: &Ask) -> std::result::Result<Ruling, Denied> {
        let now = self.clock.now();
        let mut item = opened.item.clone();
        // As if it had been taken, which it is when it is decided.
        if item.status == Status::Open && item.held_until.is_none_or(|until| until <= now) {
            item.holder = Some(person.user.id.clone());
        }
        let ask = Ask { fence: item.fence, ..fitting(ask, opened) };
        let case = Case {
            item: &item,
            state: opened.upload.state,
            verdict: &opened.verdict,
            rulings: &opened.rulings,
        };
        admit(&ask, case, &person.user, &self.rules, now).map(|(ruling, _)| ruling)
    }

    /// Decides what can be decided. Where the store fails on the way, what was decided before stands, and can be taken
    /// back with the batch.
    pub async fn rule_all(
        &self,
        person: &Person,
        ids: &[UploadId],
        ask: &Ask,
    ) -> Vec<(UploadId, Result<Ruling>)> {
        let mut all = Vec::with_capacity(ids.len().min(MOST));
        for &id in ids.iter().take(MOST) {
            all.push((id, self.rule_one(person, id, ask).await));
        }
        all
    }

    async fn rule_one(&self, person: &Person, id: UploadId, ask: &Ask) -> Result<Ruling> {
        let opened = self.seen(&person.user, id).await?;
        self.handed_on(&person.user, &opened.item).await?;
        self.would(person, &opened, ask)?;
        let mut ask = fitting(ask, &opened);
        if opened.item.status == Status::Open {
            let now = self.clock.now();
            let taken = self.reviews.take(id, &person.user.id, now, now + self.lease).await?;
            ask.fence = taken.ok_or_else(|| Denied::Held("somebody else".into()))?.fence;
        }
        let ruled = self.rule(person, id, &ask).await;
        if ruled.is_err() && opened.item.status == Status::Open {
            self.put_back(person, id, ask.fence, None).await?;
        }
        ruled
    }

    /// Takes back all of a batch that can be taken back still; nobody holds the items after it. Gives how many were, and
    /// how many were not.
    pub async fn undo_all(&self, person: &Person, batch: &str) -> Result<(u32, u32)> {
        if !may(person.user.role, Right::Decide) {
            return Err(Denied::Right.into());
        }
        let (mut undone, mut late) = (0, 0);
        for ruling in self.reviews.batch(&person.user.id, batch).await? {
            let deed = crate::ports::accounts::Deed {
                actor: &person.actor(),
                action: "ruling.undone",
                at: self.clock.now(),
            };
            let since = self.undo_since()?;
            match self.reviews.undo(ruling.upload, ruling.number, &person.user.id, since, None, deed).await? {
                true => undone += 1,
                false => late += 1,
            }
        }
        Ok((undone, late))
    }
}

/// Of the gaps that were named for all, those that this one has.
fn fitting(ask: &Ask, opened: &Opened) -> Ask {
    let mut ask = ask.clone();
    if ask.kind == Kind::Approve {
        let gaps = gaps_of(&opened.verdict, &opened.rulings);
        ask.overrides.retain(|code| gaps.iter().any(|gap| gap.code == *code));
    }
    ask
}
