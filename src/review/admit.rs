//! May this person rule so on this item, and what becomes of it? Pure.

use crate::{
    access::{Right, may},
    ports::{
        accounts::User,
        reviews::{Becomes, Item, Ruling, Standing, Status},
        store::NumberedVerdict,
    },
    upload::{
        State,
        ruling::{self, Forbidden, Gap, Kind, Leave, SEALS, reasons},
        verdict::VerdictDetail,
    },
};
use jiff::Timestamp;
use std::time::Duration;

/// What somebody wants to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    pub kind: Kind,
    pub reason: String,
    pub note: String,
    pub overrides: Vec<String>,
    /// Of the lease under which the item was looked at.
    pub fence: u64,
    /// Of what is decided together.
    pub batch: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Rules {
    /// How long a ruling can be taken back.
    pub undo: Duration,
    /// Reasons whose items are approved by two people only: codes, or beginnings of such.
    pub second: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { undo: Duration::from_secs(30), second: Vec::new() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("there is no such item")]
    NoItem,
    #[error("your role does not allow this")]
    Right,
    #[error("you have looked at enough that is hard to look at for today: take a rest")]
    Paused,
    #[error("the item was escalated: a senior decides it")]
    Escalated,
    #[error("another person is to decide this item: you have had your say")]
    SamePerson,
    #[error("you skipped this item: somebody else is to look at it")]
    Skipped,
    #[error("choose a reason")]
    Reason,
    #[error("say in the note what the reason is")]
    Note,
    #[error("the note is longer than {LONGEST_NOTE} characters")]
    LongNote,
    /// Ids of people are for the log: whoever reads this knows nobody by them.
    #[error("somebody else is looking at this item now; nothing was decided")]
    Held(String),
    #[error("your time with this item ran out; take it again, what you wrote is still here")]
    Over,
    #[error("it was decided already: {0}")]
    Decided(String),
    #[error("the upload is {0}: there is nothing to decide")]
    State(State),
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
}

/// Characters.
pub const LONGEST_NOTE: usize = 4_000;

/// What is decided on.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    pub item: &'a Item,
    pub state: State,
    pub verdict: &'a NumberedVerdict,
    pub rulings: &'a [Ruling],
}

/// The ruling as it is to be stored, and what becomes of the item.
pub fn admit(
    ask: &Ask,
    case: Case<'_>,
    who: &User,
    rules: &Rules,
    now: Timestamp,
) -> Result<(Ruling, Becomes), Denied> {
    let Case { item, verdict, rulings, .. } = case;
    may_touch(ask, item, who)?;
    if !reasons(ask.kind).iter().any(|(code, _)| *code == ask.reason) {
        return Err(Denied::Reason);
    }
    if ask.note.chars().count() > LONGEST_NOTE {
        return Err(Denied::LongNote);
    }
    if ask.note.trim().is_empty() && (ask.reason == "other" || ask.kind == Kind::Note) {
        return Err(Denied::Note);
    }
    let last = rulings.iter().rev().find(|r| r.standing == Standing::Done && r.kind.decision().is_some());
    // What is published stays so: a report is dismissed, and no gap is gone over.
    let publishes = ask.kind == Kind::Approve && case.state != State::Published;
    let ruling = Ruling {
        upload: item.upload,
        number: 0,
        kind: ask.kind,
        reason: ask.reason.clone(),
        note: ask.note.trim().to_owned(),
        overrides: if publishes { ask.overrides.clone() } else { Vec::new() },
        over: last.map_or(format!("verdict {}", verdict.number), |last| format!("ruling {}", last.number)),
        by: who.id.clone(),
        at: now,
        standing: Standing::Done,
        due_at: None,
        fence: 0,
        outcome: None,
        batch: ask.batch.clone(),
    };
    let stays = Becomes {
        status: item.status,
        escalated: item.escalated,
        sealed: item.sealed,
        not_by: item.not_by.clone(),
        released: false,
    };
    if ask.kind == Kind::Note {
        return Ok((ruling, stays));
    }
    stands_open(ask, case, who)?;
    let waits = Ruling { standing: Standing::Waiting, due_at: Some(now + rules.undo), ..ruling };
    if ask.kind == Kind::Escalate {
        return Ok((waits, Becomes { escalated: true, released: true, ..stays }));
    }
    if publishes {
        let gaps = gaps_of(verdict, rulings);
        if let Some(strange) = ask.overrides.iter().find(|code| !gaps.iter().any(|gap| gap.code == **code)) {
            return Err(Forbidden::NoGap(strange.clone()).into());
        }
        // Asked again of a fresh examination before anything is published.
        Leave::over(&verdict.detail, &ask.overrides)?;
        if needs_second(item, &verdict.detail, rules) && !said_before(rulings, who) {
            let mut not_by = item.not_by.clone();
            not_by.push(who.id.clone());
            // What was decided already is reversed by two seniors: it is open to another of them.
            let escalated = item.escalated || item.status == Status::Closed;
            let becomes = Becomes { status: Status::Open, escalated, not_by, released: true, ..stays };
            return Ok((Ruling { standing: Standing::Second, due_at: None, ..waits }, becomes));
        }
    }
    // Nobody is to be served it for as long as it could be taken back.
    let due_at = if seals(ask) && case.state == State::Published { Some(now) } else { waits.due_at };
    let sealed = item.sealed || seals(ask);
    let becomes = Becomes { status: Status::Waiting, sealed, released: true, ..stays };
    Ok((Ruling { due_at, ..waits }, becomes))
}

/// Their tenant, their queue, and not sealed from them.
pub fn may_see(item: &Item, who: &User) -> bool {
    who.tenants.includes(&item.tenant)
        && who.queues.includes(item.filed_under())
        && (!item.sealed || may(who.role, Right::Sealed))
}

/// Could this person be handed it?
pub fn could_decide(item: &Item, who: &User) -> bool {
    who.disabled_at.is_none()
        && may(who.role, Right::Decide)
        && may_see(item, who)
        && (!item.escalated || may(who.role, Right::Overrule))
        && !item.is_kept_from(&who.id)
}

fn may_touch(ask: &Ask, item: &Item, who: &User) -> Result<(), Denied> {
    // What somebody may not see is not there.
    if !may_see(item, who) {
        return Err(Denied::NoItem);
    }
    if !may(who.role, Right::Decide) {
        return Err(Denied::Right);
    }
    // To seal what is quarantined hides and holds, whatever became of it before.
    if ask.kind == Kind::Note || (seals(ask) && item.status == Status::Closed) {
        return Ok(());
    }
    if item.escalated && !may(who.role, Right::Overrule) {
        return Err(Denied::Escalated);
    }
    if item.is_kept_from(&who.id) {
        return Err(Denied::SamePerson);
    }
    Ok(())
}

/// What was decided, and by whom as this person sees it.
pub fn said(ruling: &Ruling, who: &User) -> String {
    format!("{} for {}, by {}", ruling.kind, ruling.reason.replace('_', " "), whose(ruling, who))
}

fn whose(ruling: &Ruling, who: &User) -> &'static str {
    if ruling.by == who.id { "you" } else { "somebody else" }
}

/// Is there something to decide, and is it this person's turn?
fn stands_open(ask: &Ask, case: Case<'_>, who: &User) -> Result<(), Denied> {
    let Case { item, state, rulings, .. } = case;
    match (item.status, state) {
        (Status::Waiting, _) => {
            let what = rulings.iter().rev().find(|r| r.standing == Standing::Waiting);
            let said = what.map_or("a ruling waits to be carried out".to_owned(), |ruling| said(ruling, who));
            Err(Denied::Decided(said))
        }
        // In review; or users report it, or appeal against it.
        (Status::Open, State::InReview | State::Published | State::Quarantined) => match &item.holder {
            Some(holder) if *holder == who.id && item.fence == ask.fence => Ok(()),
            Some(holder) if *holder != who.id => Err(Denied::Held(holder.clone())),
            _ => Err(Denied::Over),
        },
        // Reversed afterwards: a takedown, or the way back.
        (Status::Closed, State::Published) if ask.kind == Kind::Quarantine => overrules(who),
        (Status::Closed, State::Quarantined) if ask.kind == Kind::Approve => overrules(who),
        // What it is may be seen only afterwards. Whoever sees it seals it: that hides and holds, and lets nothing through.
        (Status::Closed, State::Quarantined) if seals(ask) && !item.sealed => Ok(()),
        (Status::Closed, State::Published | State::Quarantined) => {
            let last = rulings.iter().rev().find(|r| r.standing == Standing::Done);
            let by = last.map_or("the machine", |last| whose(last, who));
            Err(Denied::Decided(format!("the upload is {state}, by {by}")))
        }
        _ => Err(Denied::State(state)),
    }
}

/// The reason belongs to one kind of ruling alone.
fn seals(ask: &Ask) -> bool {
    ask.reason == SEALS
}

fn overrules(who: &User) -> Result<(), Denied> {
    if may(who.role, Right::Overrule) { Ok(()) } else { Err(Denied::Right) }
}

/// Is it marked, by the policy that judged it or by the settings?
pub fn needs_second(item: &Item, verdict: &VerdictDetail, rules: &Rules) -> bool {
    verdict.second
        || item
            .reasons
            .iter()
            .any(|reason| rules.second.iter().any(|marked| reason.starts_with(marked.as_str())))
}

/// What an approval may go over: the gaps that the verdict has, each of which it has to name, and those that were found only
/// when an approval was to be carried out, which may be gone the next time.
pub fn gaps_of(verdict: &NumberedVerdict, rulings: &[Ruling]) -> Vec<Gap> {
    let mut gaps = ruling::gaps(&verdict.detail);
    let failed = rulings.iter().filter(|r| r.standing == Standing::Failed && r.at >= verdict.at);
    for code in failed.filter_map(|r| r.outcome.as_deref()).flat_map(Forbidden::gaps_in) {
        if gaps.iter().all(|gap| gap.code != code) {
            let why = "found when an approval was to be carried out".to_owned();
            gaps.push(Gap { code: code.to_owned(), why });
        }
    }
    gaps
}

/// Did somebody else approve it since it was last decided, and waits for a second to agree?
fn said_before(rulings: &[Ruling], who: &User) -> bool {
    let decided = rulings.iter().rposition(|r| r.standing == Standing::Done && r.kind.decision().is_some());
    rulings[decided.map_or(0, |last| last + 1)..]
        .iter()
        .any(|r| r.standing == Standing::Second && r.kind == Kind::Approve && r.by != who.id)
}

#[cfg(test)]
mod tests;
