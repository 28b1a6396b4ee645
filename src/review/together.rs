//! Many items with one decision: what would become of each, and what became of it. Each is ruled on by itself, by the
//! rules that hold for one.

use super::{
    admit::{Ask, Case, Denied, admit, gaps_of, may_see},
    desk::{Desk, Opened, Result, Trouble, handed_on},
};
use crate::{
    access::{Person, Right, may},
    ports::reviews::{Brief, Ruling, Status},
    upload::{UploadId, ruling::Kind},
};
use std::collections::HashMap;

/// Items of one decision.
pub const MOST: usize = 100;

/// What would become of one of many.
pub struct Foreseen {
    pub id: UploadId,
    /// Absent where it is not there for this person.
    pub brief: Option<Brief>,
    pub outcome: std::result::Result<Ruling, Denied>,
}

impl From<Opened> for Brief {
    fn from(opened: Opened) -> Self {
        let Opened { item, upload, verdict, rulings, .. } = opened;
        Self { item, state: upload.state, verdict, rulings }
    }
}

impl Desk {
    /// Changes nothing, and takes nothing.
    pub async fn foresee(&self, person: &Person, ids: &[UploadId], ask: &Ask) -> Result<Vec<Foreseen>> {
        let user = &person.user;
        let ids = &ids[..ids.len().min(MOST)];
        let briefs = self.reviews.briefs(ids).await?;
        let mut briefs: HashMap<_, _> = briefs.into_iter().map(|brief| (brief.item.upload, brief)).collect();
        let people = self.accounts.users().await?;
        let mut all = Vec::with_capacity(ids.len());
        for &id in ids {
            let brief = match briefs.remove(&id).filter(|brief| may_see(&brief.item, user)) {
                Some(brief) => brief,
                // It may have been settled before there was a queue.
                None => match self.seen(user, id).await {
                    Ok(opened) => opened.into(),
                    Err(Trouble::Denied(denied)) => {
                        all.push(Foreseen { id, brief: None, outcome: Err(denied) });
                        continue;
                    }
                    Err(Trouble::Port(error)) => return Err(error.into()),
                },
            };
            let outcome =
                handed_on(&people, user, &brief.item).and_then(|()| self.would(person, &brief, ask));
            all.push(Foreseen { id, brief: Some(brief), outcome });
        }
        Ok(all)
    }

    fn would(&self, person: &Person, brief: &Brief, ask: &Ask) -> std::result::Result<Ruling, Denied> {
        let now = self.clock.now();
        let mut item = brief.item.clone();
        // As if it had been taken, which it is when it is decided.
        if item.status == Status::Open && item.held_until.is_none_or(|until| until <= now) {
            item.holder = Some(person.user.id.clone());
        }
        let ask = Ask { fence: item.fence, ..fitting(ask, brief) };
        let case = Case { item: &item, state: brief.state, verdict: &brief.verdict, rulings: &brief.rulings };
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
        let brief = Brief::from(self.seen(&person.user, id).await?);
        self.handed_on(&person.user, &brief.item).await?;
        self.would(person, &brief, ask)?;
        let mut ask = fitting(ask, &brief);
        let open = brief.item.status == Status::Open;
        if open {
            let now = self.clock.now();
            let taken = self.reviews.take(id, &person.user.id, now, now + self.lease).await?;
            ask.fence = taken.ok_or_else(|| Denied::Held("somebody else".into()))?.fence;
        }
        let ruled = self.rule(person, id, &ask).await;
        if ruled.is_err() && open {
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
fn fitting(ask: &Ask, brief: &Brief) -> Ask {
    let mut ask = ask.clone();
    if ask.kind == Kind::Approve {
        let gaps = gaps_of(&brief.verdict, &brief.rulings);
        ask.overrides.retain(|code| gaps.iter().any(|gap| gap.code == *code));
    }
    ask
}
