//! What was done with an item: who took it, skipped it and ruled on it, before that the machine.

use super::{Console, fail::Fail, hold, words};
use crate::{
    ports::{
        PortError,
        accounts::User,
        reviews::{AuditFilter, Ruling, Standing},
        store::AuditLine,
    },
    review::Opened,
    upload::{UploadId, ruling},
};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Of each kind, lines of the log that are looked at, the newest.
const LINES: u32 = 20;
/// What people did that is shown.
const MOST: usize = 40;
/// Bytes of notes that are shown whole, the newest before; of the others, how they begin.
const NOTES: usize = 20_000;

pub(super) struct History {
    /// The newest first; the machine's part comes last.
    pub events: Vec<Event>,
    /// What people did before that.
    pub more: usize,
}

pub(super) struct Event {
    pub at: String,
    pub who: String,
    pub what: String,
    pub note: String,
    pub standing: &'static str,
    pub outcome: String,
    /// The number of one's own ruling that can be taken back still, and the seconds for which it can.
    pub undo: Option<(u32, u64)>,
    moment: Timestamp,
    kind: Kind,
}

#[derive(PartialEq, Eq)]
enum Kind {
    Taken,
    Skipped,
    Other,
}

impl History {
    /// Of an item that this person may see; that somebody looked at it is not told.
    pub(super) async fn of(console: &Console, user: &User, opened: &Opened) -> Result<Self, Fail> {
        let (id, rulings) = (opened.item.upload, &opened.rulings);
        let (taken, skipped) =
            tokio::try_join!(lines(console, id, "item.taken"), lines(console, id, "item.skipped"))?;
        let mut names = Names::default();
        let mut events = Vec::with_capacity(taken.len() + skipped.len() + rulings.len());
        for line in taken {
            let who = names.of_actor(console, &line.actor).await?;
            events.push(Event::new(line.at, who, "taken".to_owned(), Kind::Taken));
        }
        for line in skipped {
            let who = names.of_actor(console, &line.actor).await?;
            events.push(Event::new(line.at, who, format!("skipped: {}", why(&line)), Kind::Skipped));
        }
        for ruling in rulings {
            let who = names.of(console, &ruling.by).await?;
            let undo = console.desk.left(ruling, user).filter(|_| is_last(ruling, opened, user));
            let undo = undo.map(|left| (ruling.number, left));
            events.push(Event { undo, ..Event::of_ruling(ruling, who) });
        }
        Ok(Self::told(events, opened))
    }

    fn told(mut events: Vec<Event>, opened: &Opened) -> Self {
        events.sort_by_key(|event| event.moment);
        // Who has it in hand takes it again with each visit, and with what they do next.
        events.dedup_by(|next, last| {
            next.kind == Kind::Taken && last.kind != Kind::Skipped && next.who == last.who
        });
        events.reverse();
        let more = events.len().saturating_sub(MOST);
        events.truncate(MOST);
        let mut room = NOTES;
        for event in &mut events {
            match room.checked_sub(event.note.len()) {
                Some(left) => room = left,
                None => event.note = words::brief(&event.note),
            }
        }
        let (upload, verdict) = (&opened.upload, &opened.verdict);
        let by_machine = |at, what| Event::new(at, "the machine".to_owned(), what, Kind::Other);
        let said = format!("verdict {}: {}", verdict.number, verdict.detail.verdict);
        events.push(by_machine(verdict.at, said));
        events.push(by_machine(upload.accepted_at, "accepted".to_owned()));
        Self { events, more }
    }
}

impl Event {
    fn new(moment: Timestamp, who: String, what: String, kind: Kind) -> Self {
        let (note, outcome) = (String::new(), String::new());
        Self { at: words::time(moment), who, what, note, standing: "", outcome, undo: None, moment, kind }
    }

    fn of_ruling(ruling: &Ruling, who: String) -> Self {
        let over = if ruling.overrides.is_empty() {
            String::new()
        } else {
            format!(", over {}", ruling.overrides.join(", "))
        };
        let what = format!("{}: {}{over}", ruling.kind, ruling.reason.replace('_', " "));
        Self {
            note: ruling.note.clone(),
            standing: match ruling.standing {
                Standing::Waiting => "can be undone still",
                Standing::Second => "waits for a second person",
                Standing::Done => "",
                Standing::Undone => "taken back",
                Standing::Failed => "not carried out",
            },
            outcome: ruling.outcome.clone().unwrap_or_default(),
            ..Self::new(ruling.at, who, what, Kind::Other)
        }
    }
}

/// Has nobody else looked at it, or said anything, since this waits for a second person?
fn is_last(ruling: &Ruling, opened: &Opened, user: &User) -> bool {
    let stands = |r: &&Ruling| matches!(r.standing, Standing::Waiting | Standing::Done);
    let mut later = opened.rulings.iter().filter(|r| r.number > ruling.number).filter(stands);
    ruling.standing != Standing::Second
        || (opened.item.holder.as_ref().is_none_or(|holder| *holder == user.id)
            && later.all(|r| r.kind == ruling::Kind::Note))
}

/// The oldest first.
async fn lines(console: &Console, id: UploadId, action: &str) -> Result<Vec<AuditLine>, PortError> {
    let filter = AuditFilter {
        subjects: Some(vec![id.to_string()]),
        action: Some(action.to_owned()),
        limit: LINES,
        ..AuditFilter::default()
    };
    let mut lines = console.desk.reviews.audit_find(&filter).await?;
    lines.reverse();
    Ok(lines)
}

fn why(line: &AuditLine) -> &'static str {
    let detail: serde_json::Value = serde_json::from_str(&line.detail).unwrap_or_default();
    hold::why_skipped(detail["reason"].as_str().unwrap_or_default())
}

/// Addresses, by id.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    async fn of(&mut self, console: &Console, id: &str) -> Result<String, Fail> {
        if let Some(name) = self.0.get(id) {
            return Ok(name.clone());
        }
        let user = console.people.accounts.user(id).await?;
        let name = user.map_or_else(|| id.to_owned(), |user| user.email);
        self.0.insert(id.to_owned(), name.clone());
        Ok(name)
    }

    /// As the log names them.
    async fn of_actor(&mut self, console: &Console, actor: &str) -> Result<String, Fail> {
        self.of(console, actor.strip_prefix("user:").unwrap_or(actor)).await
    }
}
