//! What was seen on live streams, in people's hands: each episode is one item, is looked at by one person at a time, and is
//! ruled on once.

use super::{
    care::Rest,
    desk::{Desk, Result, decides, seconds_left},
};
use crate::{
    access::{Person, people::actor},
    ports::{
        accounts::{Deed, STREAMS, User},
        care::{Level, Subject},
        streams::{Episode, EpisodeRuling, EpisodeState},
        wall::EpisodeId,
    },
    review::Denied,
    upload::Standing,
};
use jiff::Timestamp;
use serde_json::json;

/// What may be said of an episode, and in words.
pub const SAID: [(&str, &str); 3] = [
    ("confirmed", "It was as bad as it was taken for"),
    ("mistaken", "There was nothing wrong with it"),
    ("unclear", "It cannot be told from these frames"),
];
/// Longest note, in characters.
const NOTE: usize = 4000;
/// Episodes among which the next one is looked for.
const NEXT: u32 = 100;

/// Whether live streams are for this person.
pub fn sees(user: &User) -> bool {
    user.queues.includes(STREAMS)
}

/// How hard it is to look at.
fn level(episode: &Episode) -> Level {
    if episode.worst == Standing::Cut { Level::High } else { Level::Medium }
}

fn is_held_by(episode: &Episode, user: &User) -> bool {
    episode.holder.as_deref() == Some(user.id.as_str())
}

/// They have it, and their time with it is not over.
fn in_hand(episode: &Episode, user: &User, now: Timestamp) -> bool {
    is_held_by(episode, user) && episode.held_until.is_some_and(|until| until > now)
}

/// Somebody else looks at it just now.
pub fn is_taken(episode: &Episode, user: &User, now: Timestamp) -> bool {
    !is_held_by(episode, user) && episode.held_until.is_some_and(|until| until > now)
}

impl Desk {
    /// Episodes that nobody has ruled on, worst first, as this person may see them.
    pub async fn episodes(&self, user: &User, limit: u32) -> Result<Vec<Episode>> {
        if !sees(user) {
            return Ok(Vec::new());
        }
        Ok(self.store.episodes_in_review(&user.tenants, limit).await?)
    }

    /// The worst episode that nobody looks at, which is this person's from now on.
    pub async fn next_episode(&self, person: &Person) -> Result<Option<Episode>> {
        decides(&person.user)?;
        self.rested(&person.user).await?;
        let now = self.clock.now();
        for episode in self.episodes(&person.user, NEXT).await? {
            if !is_taken(&episode, &person.user, now)
                && let Some(taken) = self.take_episode(person, (episode.stream, episode.number)).await?
            {
                return Ok(Some(taken));
            }
        }
        Ok(None)
    }

    /// This very one; `None` where somebody else has it, or nothing is to be said of it any more.
    pub async fn take_episode(&self, person: &Person, of: EpisodeId) -> Result<Option<Episode>> {
        decides(&person.user)?;
        self.shown_episode(person, of).await?;
        let now = self.clock.now();
        let taken = self.wall.take_episode(of, &person.user.id, now, now + self.lease).await?;
        if let Some(episode) = &taken {
            let detail = json!({ "episode": of.1, "fence": episode.fence });
            self.note_episode(&person.user, "episode.taken", of, detail).await?;
        }
        Ok(taken)
    }

    /// One episode. That it was looked at is on record, and counts.
    pub async fn open_episode(&self, person: &Person, of: EpisodeId) -> Result<Episode> {
        let episode = self.shown_episode(person, of).await?;
        let (subject, now) = (Subject::Episode(of.0, of.1), self.clock.now());
        self.care.looks(&person.user.id, subject, level(&episode), now, self.gap()).await?;
        self.note_episode(&person.user, "episode.viewed", of, json!({ "episode": of.1 })).await?;
        Ok(episode)
    }

    /// As [`Self::open_episode`], off the record: for the frames on a page that was opened.
    pub async fn shown_episode(&self, person: &Person, of: EpisodeId) -> Result<Episode> {
        let episode = self.seen_episode(&person.user, of).await?;
        // What somebody has in hand they may bring to its end.
        if !in_hand(&episode, &person.user, self.clock.now()) {
            self.rested(&person.user).await?;
        }
        Ok(episode)
    }

    async fn seen_episode(&self, user: &User, (stream, number): EpisodeId) -> Result<Episode> {
        let episode = self.store.episode(stream, number).await?;
        let theirs = |episode: &Episode| sees(user) && user.tenants.includes(&episode.tenant);
        Ok(episode.filter(theirs).ok_or(Denied::NoItem)?)
    }

    /// The page is still open.
    pub async fn extend_episode(&self, person: &Person, of: EpisodeId, fence: u64) -> Result<bool> {
        let (subject, now) = (Subject::Episode(of.0, of.1), self.clock.now());
        // As of an item: at the limit a lease that ran out is not revived.
        let episode = self.store.episode(of.0, of.1).await?;
        if episode.is_some_and(|episode| !in_hand(&episode, &person.user, now))
            && let (_, Rest::Due(_)) = self.rest(&person.user).await?
        {
            return Ok(false);
        }
        self.care.still_looks(&person.user.id, subject, now, self.gap()).await?;
        Ok(self.wall.keep_episode(of, &person.user.id, fence, now + self.lease).await?.is_ok())
    }

    pub async fn leave_episode(&self, person: &Person, of: EpisodeId, fence: u64) -> Result<()> {
        self.wall.leave_episode(of, &person.user.id, fence).await?;
        self.looked(person, Subject::Episode(of.0, of.1)).await;
        Ok(())
    }

    /// False where it was ruled on meanwhile, or goes on.
    pub async fn rule_episode(
        &self,
        person: &Person,
        of: EpisodeId,
        said: &str,
        note: &str,
        fence: u64,
    ) -> Result<bool> {
        decides(&person.user)?;
        let episode = self.seen_episode(&person.user, of).await?;
        let Some((said, _)) = SAID.iter().find(|(known, _)| *known == said) else {
            return Err(Denied::Reason.into());
        };
        if episode.state != EpisodeState::InReview {
            return Ok(false);
        }
        match &episode.holder {
            Some(holder) if *holder == person.user.id && episode.fence == fence => {}
            Some(holder) if *holder != person.user.id => return Err(Denied::Held(holder.clone()).into()),
            _ => return Err(Denied::Over.into()),
        }
        let (actor, at) = (actor(&person.user), self.clock.now());
        let ruling = EpisodeRuling {
            said: (*said).to_owned(),
            note: note.chars().take(NOTE).collect(),
            by: person.user.id.clone(),
            at,
        };
        let deed = Deed { actor: &actor, action: "episode.ruled", at };
        let ruled = self.store.rule_episode(&episode, &ruling, deed).await?;
        self.looked(person, Subject::Episode(of.0, of.1)).await;
        Ok(ruled)
    }

    /// Takes the person's own word back, under the fence that it was said under. It is theirs again; false where its time
    /// is over.
    pub async fn undo_episode(&self, person: &Person, of: EpisodeId, fence: u64) -> Result<bool> {
        decides(&person.user)?;
        self.seen_episode(&person.user, of).await?;
        let (actor, now) = (actor(&person.user), self.clock.now());
        let deed = Deed { actor: &actor, action: "episode.undone", at: now };
        let (since, until) = (now - self.rules.undo, now + self.lease);
        Ok(self.wall.undo_episode(of, fence, &person.user.id, since, until, deed).await?)
    }

    /// The last episode that this person ruled on, while that can be taken back, and the seconds that are left.
    pub async fn undoable_episode(&self, user: &User) -> Result<Option<(Episode, u64)>> {
        if !sees(user) {
            return Ok(None);
        }
        let (now, undo) = (self.clock.now(), self.rules.undo);
        let last = self.wall.last_ruled_episode(&user.id, now - undo).await?;
        let theirs = last.filter(|episode| user.tenants.includes(&episode.tenant));
        Ok(theirs.and_then(|episode| {
            let left = seconds_left(episode.ruling.as_ref()?.at + undo, now);
            Some((episode, left))
        }))
    }

    async fn note_episode(
        &self,
        user: &User,
        action: &'static str,
        (stream, _): EpisodeId,
        detail: serde_json::Value,
    ) -> Result<()> {
        let (actor, at) = (actor(user), self.clock.now());
        Ok(self.reviews.record(Deed { actor: &actor, action, at }, &stream.to_string(), detail).await?)
    }
}
