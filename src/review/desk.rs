//! What a moderator does, on the stores: takes items, looks at them, rules, and takes it back.

use super::admit::{Ask, Case, Denied, Rules, admit};
use crate::{
    access::{Person, Right, may, people::actor},
    ports::{
        Clock, PortError, Reviews, Store,
        accounts::{Deed, User},
        reviews::{Counts, Item, Ruling, Standing, View},
        store::{NumberedVerdict, Stale, Upload},
    },
    upload::{State, UploadId, ruling::Kind},
};
use jiff::Timestamp;
use serde_json::json;
use std::{sync::Arc, time::Duration};

#[derive(Clone)]
pub struct Desk {
    pub store: Arc<dyn Store>,
    pub reviews: Arc<dyn Reviews>,
    pub clock: Arc<dyn Clock>,
    pub rules: Rules,
    /// How long an item is somebody's, from when they were last heard of.
    pub lease: Duration,
}

/// An item with all that is known of it.
#[derive(Debug, Clone)]
pub struct Opened {
    pub item: Item,
    pub upload: Upload,
    pub verdict: NumberedVerdict,
    pub rulings: Vec<Ruling>,
}

impl Opened {
    /// Does this person hold it?
    pub fn is_held_by(&self, user: &User) -> bool {
        self.item.holder.as_deref() == Some(user.id.as_str())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error(transparent)]
    Port(#[from] PortError),
}

pub type Result<T> = std::result::Result<T, Trouble>;

impl Desk {
    /// The open queue, as this person may see it.
    pub fn view(&self, user: &User) -> View {
        View {
            tenants: user.tenants.clone(),
            escalated: may(user.role, Right::Overrule) || user.role == crate::ports::accounts::Role::Auditor,
            tenant: None,
            reason: None,
            media_type: None,
            before: None,
        }
    }

    pub async fn queue(&self, view: &View, limit: u32) -> Result<(Vec<Item>, Counts)> {
        Ok((self.reviews.queue(view, limit).await?, self.reviews.counts(view, self.clock.now()).await?))
    }

    /// The next item, which is this person's from now on.
    pub async fn next(&self, person: &Person, view: &View) -> Result<Option<Item>> {
        decides(&person.user)?;
        let now = self.clock.now();
        let item = self.reviews.next(view, &person.user.id, now, now + self.lease).await?;
        if let Some(item) = &item {
            self.note(&person.user, "item.taken", item.upload, json!({ "fence": item.fence })).await?;
        }
        Ok(item)
    }

    /// This very item; `None` where somebody else has it.
    pub async fn take(&self, person: &Person, id: UploadId) -> Result<Option<Item>> {
        decides(&person.user)?;
        let item = self.seen(&person.user, id).await?.item;
        if item.escalated && !may(person.user.role, Right::Overrule) {
            return Err(Denied::Escalated.into());
        }
        let now = self.clock.now();
        let item = self.reviews.take(id, &person.user.id, now, now + self.lease).await?;
        if let Some(item) = &item {
            self.note(&person.user, "item.taken", item.upload, json!({ "fence": item.fence })).await?;
        }
        Ok(item)
    }

    /// All of an item. That it was looked at is on record.
    pub async fn open(&self, person: &Person, id: UploadId) -> Result<Opened> {
        let opened = self.seen(&person.user, id).await?;
        self.note(&person.user, "item.viewed", id, json!({ "sealed": opened.item.sealed })).await?;
        Ok(opened)
    }

    /// As [`Self::open`], off the record: for what belongs to an item that was opened.
    pub async fn seen(&self, user: &User, id: UploadId) -> Result<Opened> {
        let item = match self.reviews.item(id).await? {
            Some(item) => item,
            None => self.adopt(id).await?,
        };
        if !user.tenants.includes(&item.tenant) || (item.sealed && !may(user.role, Right::Sealed)) {
            return Err(Denied::NoItem.into());
        }
        let upload = self.store.upload(&item.tenant, id).await?.ok_or(Denied::NoItem)?;
        let verdict = self.store.verdict(id).await?.ok_or(Denied::NoItem)?;
        let rulings = self.reviews.rulings(id).await?;
        Ok(Opened { item, upload, verdict, rulings })
    }

    /// An upload that the machine decided by itself comes into people's hands when somebody opens it.
    async fn adopt(&self, id: UploadId) -> Result<Item> {
        self.reviews.adopt(id).await?;
        Ok(self.reviews.item(id).await?.ok_or(Denied::NoItem)?)
    }

    /// The page is still open.
    pub async fn extend(&self, person: &Person, id: UploadId, fence: u64) -> Result<bool> {
        let until = self.clock.now() + self.lease;
        Ok(self.reviews.keep(id, &person.user.id, fence, until).await?.is_ok())
    }

    /// Left, or skipped for a reason. One that is not held any more is nobody's to give back.
    pub async fn put_back(
        &self,
        person: &Person,
        id: UploadId,
        fence: u64,
        skipped: Option<&str>,
    ) -> Result<()> {
        let actor = person.actor();
        let deed = self.deed(&actor, "item.skipped");
        let _ = self.reviews.put_back(id, &person.user.id, fence, skipped.map(|why| (why, deed))).await?;
        Ok(())
    }

    /// Rules; gives the ruling as it was stored.
    pub async fn rule(&self, person: &Person, id: UploadId, ask: &Ask) -> Result<Ruling> {
        let Opened { item, upload, verdict, rulings } = self.seen(&person.user, id).await?;
        let now = self.clock.now();
        let case = Case { item: &item, state: upload.state, verdict: &verdict, rulings: &rulings };
        let (ruling, becomes) = admit(ask, case, &person.user, &self.rules, now)?;
        let actor = person.actor();
        match self.reviews.rule(&item, &ruling, &becomes, self.deed(&actor, "ruling.made")).await? {
            Ok(number) => Ok(Ruling { number, ..ruling }),
            Err(Stale) => Err(self.lost(id).await?.into()),
        }
    }

    /// Two decided at once: what did the other say?
    async fn lost(&self, id: UploadId) -> Result<Denied> {
        let rulings = self.reviews.rulings(id).await?;
        let last = rulings.iter().rev().find(|r| r.kind != Kind::Note && r.standing != Standing::Undone);
        Ok(last
            .map_or(Denied::Over, |r| Denied::Decided(format!("{} for {}, by {}", r.kind, r.reason, r.by))))
    }

    /// Takes the person's own ruling back. False where its time is over.
    pub async fn undo(&self, person: &Person, id: UploadId, number: u32) -> Result<bool> {
        decides(&person.user)?;
        let actor = person.actor();
        let until = self.clock.now() + self.lease;
        let deed = self.deed(&actor, "ruling.undone");
        Ok(self.reviews.undo(id, number, &person.user.id, until, deed).await?)
    }

    /// The person's newest ruling that can still be taken back.
    pub async fn undoable(&self, user: &User) -> Result<Option<(Ruling, u64)>> {
        let now = self.clock.now();
        let ruling = self.reviews.undoable(&user.id, now).await?;
        Ok(ruling.map(|ruling| {
            let left = ruling.due_at.map_or(0, |due: Timestamp| due.as_second() - now.as_second());
            (ruling, u64::try_from(left).unwrap_or(0))
        }))
    }

    async fn note(
        &self,
        user: &User,
        action: &'static str,
        id: UploadId,
        detail: serde_json::Value,
    ) -> Result<()> {
        let actor = actor(user);
        Ok(self.reviews.record(self.deed(&actor, action), &id.to_string(), detail).await?)
    }

    fn deed<'a>(&self, actor: &'a str, action: &'static str) -> Deed<'a> {
        Deed { actor, action, at: self.clock.now() }
    }
}

pub(super) fn decides(user: &User) -> std::result::Result<(), Denied> {
    if may(user.role, Right::Decide) { Ok(()) } else { Err(Denied::Right) }
}

/// Is there media to show? What is erased has none.
pub fn has_bytes(state: State) -> bool {
    state != State::Erased
}
