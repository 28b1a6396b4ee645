//! What a moderator does, on the stores: takes items, looks at them, rules, and takes it back.

use super::{
    admit::{Ask, Case, Denied, Rules, admit, could_decide, may_see, said},
    care::{Limits, Rest},
    watching::Watching,
};
use crate::{
    access::{Person, Right, may, people::actor},
    ports::{
        Accounts, Care, Clock, PortError, Reviews, Store, Wall,
        accounts::{Deed, User},
        care::{Level, Subject},
        reports::{Appeal, Report},
        reviews::{Counts, Item, Place, Ruling, Skip, Standing, Status, View, Voiced},
        store::{NumberedVerdict, Upload},
    },
    upload::{State, UploadId, ruling::Kind},
};
use jiff::Timestamp;
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// How often a ruling is tried whose item changes at the same moment.
const ROUNDS: u32 = 3;
/// Appeals that are looked over at once.
const APPEALS: u32 = 500;
/// Sealed items that are told of at once.
const SEALED: u32 = 50;
/// Skipped items that are looked over for the next one.
const SKIPPED: u32 = 500;

#[derive(Clone)]
pub struct Desk {
    pub store: Arc<dyn Store>,
    pub reviews: Arc<dyn Reviews>,
    pub care: Arc<dyn Care>,
    pub wall: Arc<dyn Wall>,
    pub accounts: Arc<dyn Accounts>,
    pub clock: Arc<dyn Clock>,
    pub rules: Rules,
    /// How long an item is somebody's, from when they were last heard of.
    pub lease: Duration,
    pub limits: Limits,
    pub watching: Watching,
}

/// An item with all that is known of it.
#[derive(Debug, Clone)]
pub struct Opened {
    pub item: Item,
    pub upload: Upload,
    pub verdict: NumberedVerdict,
    pub rulings: Vec<Ruling>,
    pub reports: Vec<Report>,
    pub appeals: Vec<Appeal>,
}

/// A page of the queue, with what there is to choose from.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub items: Vec<Item>,
    pub counts: Counts,
    /// The most frequent first.
    pub labels: Vec<(String, u64)>,
}

impl Opened {
    /// Does this person hold it?
    pub fn is_held_by(&self, user: &User) -> bool {
        self.item.holder.as_deref() == Some(user.id.as_str())
    }
}

/// Why somebody is not handed an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    No,
    /// They decided it before, and others can.
    HadTheirSay,
    /// Everybody who could decide it has done so before.
    NobodyLeft,
    Skipped,
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
            queues: user.queues.clone(),
            escalated: may(user.role, Right::Overrule) || user.role == crate::ports::accounts::Role::Auditor,
            tenant: None,
            reason: None,
            media_type: None,
            label: None,
            voiced: None,
            before: None,
        }
    }

    /// What stands behind a place, and what the whole view comes to.
    pub async fn queue(&self, view: &View, after: Option<&Place>, limit: u32) -> Result<Waiting> {
        let (items, counts, labels) = tokio::try_join!(
            self.reviews.queue(view, after, limit),
            self.reviews.counts(view, self.clock.now()),
            self.reviews.labels(view)
        )?;
        Ok(Waiting { items, counts, labels })
    }

    /// The next item, which is this person's from now on.
    pub async fn next(&self, person: &Person, view: &View) -> Result<Option<Item>> {
        decides(&person.user)?;
        self.rested(&person.user).await?;
        let now = self.clock.now();
        let item = self.reviews.next(view, &person.user.id, now, now + self.lease).await?;
        if let Some(item) = &item {
            self.note(&person.user, "item.taken", item.upload, json!({ "fence": item.fence })).await?;
        }
        Ok(item)
    }

    /// For when nothing else waits for this person: of what they skipped, the next that nobody else could take. Not `but`,
    /// which they skipped just now.
    pub async fn next_skipped(
        &self,
        person: &Person,
        view: &View,
        but: Option<UploadId>,
    ) -> Result<Option<Item>> {
        let (user, now) = (&person.user, self.clock.now());
        decides(user)?;
        self.rested(user).await?;
        let skipped = self.reviews.skipped(view, &user.id, now, SKIPPED).await?;
        if skipped.is_empty() {
            return Ok(None);
        }
        let people = self.accounts.users().await?;
        for item in skipped.iter().filter(|item| but != Some(item.upload) && !others(&people, user, item)) {
            if let Some(item) = self.reviews.take(item.upload, &user.id, now, now + self.lease).await? {
                self.note(user, "item.taken", item.upload, json!({ "fence": item.fence })).await?;
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// This very item; `None` where somebody else has it.
    pub async fn take(&self, person: &Person, id: UploadId) -> Result<Option<Item>> {
        decides(&person.user)?;
        let item = self.seen(&person.user, id).await?.item;
        if item.escalated && !may(person.user.role, Right::Overrule) {
            return Err(Denied::Escalated.into());
        }
        self.handed_on(&person.user, &item).await?;
        let now = self.clock.now();
        if !in_hand(&item, &person.user, now) {
            self.rested(&person.user).await?;
        }
        let item = self.reviews.take(id, &person.user.id, now, now + self.lease).await?;
        if let Some(item) = &item {
            self.note(&person.user, "item.taken", item.upload, json!({ "fence": item.fence })).await?;
        }
        Ok(item)
    }

    /// What others are to decide is not taken by its address either. Skipped items are, where nobody else is left.
    pub(super) async fn handed_on(&self, user: &User, item: &Item) -> Result<()> {
        let asked = item.was_skipped_by(&user.id);
        let people = if asked { self.accounts.users().await? } else { Vec::new() };
        Ok(handed_on(&people, user, item)?)
    }

    async fn others(&self, user: &User, item: &Item) -> Result<bool> {
        Ok(others(&self.accounts.users().await?, user, item))
    }

    /// Why this person is not handed an open item that they may see.
    pub async fn kept(&self, user: &User, item: &Item) -> Result<Kept> {
        let kept = item.is_kept_from(&user.id);
        if item.status != Status::Open {
            return Ok(if kept { Kept::HadTheirSay } else { Kept::No });
        }
        if !kept && !item.was_skipped_by(&user.id) {
            return Ok(Kept::No);
        }
        Ok(match (kept, self.others(user, item).await?) {
            (true, true) => Kept::HadTheirSay,
            (true, false) => Kept::NobodyLeft,
            (false, true) => Kept::Skipped,
            (false, false) => Kept::No,
        })
    }

    /// Of these open items, those that nobody could decide: whoever could has had their say, or there is no senior.
    pub async fn stranded(&self, items: &[Item]) -> Result<BTreeSet<UploadId>> {
        let narrow: Vec<_> = items.iter().filter(|item| item.escalated || !item.not_by.is_empty()).collect();
        if narrow.is_empty() {
            return Ok(BTreeSet::new());
        }
        let people = self.accounts.users().await?;
        let nobodys = narrow.into_iter().filter(|item| !people.iter().any(|one| could_decide(item, one)));
        Ok(nobodys.map(|item| item.upload).collect())
    }

    /// How many of the appeals that this person sees are so.
    pub async fn stranded_appeals(&self, user: &User) -> Result<usize> {
        let view = View { voiced: Some(Voiced::Appealed), ..self.view(user) };
        let items = self.reviews.queue(&view, None, APPEALS).await?;
        Ok(self.stranded(&items).await?.len())
    }

    /// Of what is sealed and waits for a senior, what this person may decide; and how much waits for others alone.
    pub async fn sealed(&self, user: &User) -> Result<(Vec<Item>, usize)> {
        if !may(user.role, Right::Sealed) {
            return Ok((Vec::new(), 0));
        }
        let waiting = self.reviews.sealed(&self.view(user), SEALED).await?;
        let (theirs, others): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|item| could_decide(item, user));
        Ok((theirs, others.len()))
    }

    /// All of an item. That it was looked at is on record.
    pub async fn open(&self, person: &Person, id: UploadId) -> Result<Opened> {
        let opened = self.shown(person, id).await?;
        self.counts(person, &opened).await?;
        self.note(&person.user, "item.viewed", id, json!({ "sealed": opened.item.sealed })).await?;
        Ok(opened)
    }

    /// It is looked at, and counts: a view of it that is under way goes on, be it of its page or of its picture, and else one
    /// begins.
    pub async fn counts(&self, person: &Person, opened: &Opened) -> Result<()> {
        let (subject, now) = (Subject::Upload(opened.item.upload), self.clock.now());
        self.care.looks(&person.user.id, subject, level(&opened.item), now, self.gap()).await?;
        Ok(())
    }

    /// As [`Self::shown`]; each view of what is sealed counts and is on record, also of its picture alone.
    pub async fn glanced(&self, person: &Person, id: UploadId) -> Result<Opened> {
        let opened = self.shown(person, id).await?;
        if opened.item.sealed {
            self.counts(person, &opened).await?;
            self.on_record(person, &opened).await?;
        }
        Ok(opened)
    }

    /// That this is shown, which is sealed.
    pub async fn on_record(&self, person: &Person, opened: &Opened) -> Result<()> {
        let detail = json!({ "sealed": opened.item.sealed });
        self.note(&person.user, "item.shown", opened.item.upload, detail).await
    }

    /// As [`Self::open`], off the record: for the picture on a page that was opened.
    pub async fn shown(&self, person: &Person, id: UploadId) -> Result<Opened> {
        let opened = self.seen(&person.user, id).await?;
        // What somebody has in hand they may bring to its end.
        if !in_hand(&opened.item, &person.user, self.clock.now()) {
            self.rested(&person.user).await?;
        }
        Ok(opened)
    }

    /// As [`Self::open`], off the record: for what belongs to an item that was opened.
    pub async fn seen(&self, user: &User, id: UploadId) -> Result<Opened> {
        let item = match self.reviews.item(id).await? {
            Some(item) => item,
            None => self.adopt(id).await?,
        };
        if !may_see(&item, user) {
            return Err(Denied::NoItem.into());
        }
        let upload = self.store.upload(&item.tenant, id).await?.ok_or(Denied::NoItem)?;
        let verdict = self.store.verdict(id).await?.ok_or(Denied::NoItem)?;
        let rulings = self.reviews.rulings(id).await?;
        let (reports, appeals) = (self.store.reports(id).await?, self.store.appeals(id).await?);
        Ok(Opened { item, upload, verdict, rulings, reports, appeals })
    }

    /// An upload that the machine decided by itself comes into people's hands when somebody opens it.
    async fn adopt(&self, id: UploadId) -> Result<Item> {
        self.reviews.adopt(id).await?;
        Ok(self.reviews.item(id).await?.ok_or(Denied::NoItem)?)
    }

    /// The page is still open.
    pub async fn extend(&self, person: &Person, id: UploadId, fence: u64) -> Result<bool> {
        let now = self.clock.now();
        let until = now + self.lease;
        // At the limit a lease that ran out, on a machine that slept for one, is not revived.
        let item = self.reviews.item(id).await?;
        if item.is_some_and(|item| !in_hand(&item, &person.user, now))
            && let (_, Rest::Due(_)) = self.rest(&person.user).await?
        {
            return Ok(false);
        }
        self.care.still_looks(&person.user.id, Subject::Upload(id), now, self.gap()).await?;
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
        let skipped = match skipped {
            Some(reason) => {
                let item = self.seen(&person.user, id).await?.item;
                Some(Skip { reason, anew: !self.others(&person.user, &item).await?, deed })
            }
            None => None,
        };
        let _ = self.reviews.put_back(id, &person.user.id, fence, skipped).await?;
        self.looked(person, Subject::Upload(id)).await;
        Ok(())
    }

    /// Rules; gives the ruling as it was stored.
    pub async fn rule(&self, person: &Person, id: UploadId, ask: &Ask) -> Result<Ruling> {
        let actor = person.actor();
        for _ in 0..ROUNDS {
            let Opened { item, upload, verdict, rulings, .. } = self.seen(&person.user, id).await?;
            let now = self.clock.now();
            let case = Case { item: &item, state: upload.state, verdict: &verdict, rulings: &rulings };
            let (ruling, becomes) = admit(ask, case, &person.user, &self.rules, now)?;
            let made = self.reviews.rule(&item, &ruling, &becomes, self.deed(&actor, "ruling.made")).await?;
            // The item changed in between, by a report perhaps: it is asked again whether this may be.
            if let Ok(number) = made {
                if ruling.kind != Kind::Note {
                    self.looked(person, Subject::Upload(id)).await;
                }
                return Ok(Ruling { number, ..ruling });
            }
        }
        Err(self.lost(id, &person.user).await?.into())
    }

    /// Two decided at once: what did the other say?
    async fn lost(&self, id: UploadId, who: &User) -> Result<Denied> {
        let rulings = self.reviews.rulings(id).await?;
        let last = rulings.iter().rev().find(|r| r.kind != Kind::Note && r.standing != Standing::Undone);
        Ok(last.map_or(Denied::Over, |ruling| Denied::Decided(said(ruling, who))))
    }

    /// Takes the person's own ruling back. False where its time is over.
    pub async fn undo(&self, person: &Person, id: UploadId, number: u32) -> Result<bool> {
        decides(&person.user)?;
        let actor = person.actor();
        let until = self.clock.now() + self.lease;
        let deed = self.deed(&actor, "ruling.undone");
        Ok(self.reviews.undo(id, number, &person.user.id, self.undo_since()?, Some(until), deed).await?)
    }

    /// What waits for a second person can be taken back for as long as any other ruling, though it is never due.
    pub(super) fn undo_since(&self) -> Result<Timestamp> {
        let since = self.clock.now().checked_sub(self.rules.undo);
        Ok(since.map_err(|e| {
            PortError::new(crate::ports::Kind::Fail, "console.undo is longer than there is time").because(e)
        })?)
    }

    /// The seconds for which this person can take it back still.
    pub fn left(&self, ruling: &Ruling, who: &User) -> Option<u64> {
        let until = match ruling.standing {
            Standing::Waiting if ruling.fence == 0 => ruling.due_at,
            Standing::Second => ruling.at.checked_add(self.rules.undo).ok(),
            _ => None,
        };
        let left = seconds_left(until.filter(|_| ruling.by == who.id)?, self.clock.now());
        (left > 0).then_some(left)
    }

    /// The person's newest ruling that can still be taken back, with all that were made together with it, and the seconds
    /// that are left.
    pub async fn undoable(&self, user: &User) -> Result<Option<(Vec<Ruling>, u64)>> {
        let mut rulings = self.reviews.undoable(&user.id, self.clock.now(), self.undo_since()?).await?;
        // Of a batch some may be carried out at once, and nobody takes these back.
        rulings.retain(|ruling| self.left(ruling, user).is_some());
        let left = rulings.iter().filter_map(|ruling| self.left(ruling, user)).min();
        Ok(left.map(|left| (rulings, left)))
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

    pub(super) fn deed<'a>(&self, actor: &'a str, action: &'static str) -> Deed<'a> {
        Deed { actor, action, at: self.clock.now() }
    }
}

/// `people` are asked for where this one has skipped it.
pub(super) fn handed_on(people: &[User], user: &User, item: &Item) -> std::result::Result<(), Denied> {
    if item.status != Status::Open || item.holder.as_deref() == Some(user.id.as_str()) {
        return Ok(());
    }
    if item.is_kept_from(&user.id) {
        return Err(Denied::SamePerson);
    }
    if item.was_skipped_by(&user.id) && others(people, user, item) {
        return Err(Denied::Skipped);
    }
    Ok(())
}

/// Is there anybody else who could decide it, and has not skipped it?
fn others(people: &[User], user: &User, item: &Item) -> bool {
    let left = |one: &User| one.id != user.id && could_decide(item, one) && !item.was_skipped_by(&one.id);
    people.iter().any(left)
}

/// One whose time is over has to be taken again, or opened anew.
fn in_hand(item: &Item, user: &User, now: Timestamp) -> bool {
    item.holder.as_ref() == Some(&user.id) && item.held_until.is_some_and(|until| until > now)
}

/// Rounded up, so that a page that counts them down does not end before the time does.
pub fn seconds_left(until: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(until.as_millisecond() - now.as_millisecond()).unwrap_or(0).div_ceil(1000)
}

/// How hard it is to look at. What was sealed is so whatever a machine made of it.
fn level(item: &Item) -> Level {
    if item.sealed { Level::High } else { Level::of(item.severity) }
}

pub(super) fn decides(user: &User) -> std::result::Result<(), Denied> {
    if may(user.role, Right::Decide) { Ok(()) } else { Err(Denied::Right) }
}

/// Is there media to show? What is erased has none.
pub fn has_bytes(state: State) -> bool {
    state != State::Erased
}
