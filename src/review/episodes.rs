//! What was seen on live streams, in people's hands: each episode is one item, and is ruled on once.

use super::desk::{Desk, Result, decides};
use crate::{
    access::{Person, people::actor},
    ports::{
        accounts::{Deed, User},
        streams::{Episode, EpisodeRuling, EpisodeState},
    },
    review::Denied,
    upload::StreamId,
};
use serde_json::json;

/// What may be said of an episode, and in words.
pub const SAID: [(&str, &str); 3] = [
    ("confirmed", "It was as bad as it was taken for"),
    ("mistaken", "There was nothing wrong with it"),
    ("unclear", "It cannot be told from these frames"),
];
/// Longest note, in characters.
const NOTE: usize = 4000;
/// The queue that live streams and their episodes are filed under.
pub const QUEUE: &str = "stream";

/// Whether live streams are for this person.
pub fn sees(user: &User) -> bool {
    user.queues.includes(QUEUE)
}

impl Desk {
    /// Episodes that nobody has looked at, worst first, as this person may see them.
    pub async fn episodes(&self, user: &User, limit: u32) -> Result<Vec<Episode>> {
        if !sees(user) {
            return Ok(Vec::new());
        }
        Ok(self.store.episodes_in_review(&user.tenants, limit).await?)
    }

    /// One episode, and on record that somebody looked.
    pub async fn open_episode(&self, person: &Person, stream: StreamId, number: u32) -> Result<Episode> {
        let episode = self.seen_episode(&person.user, stream, number).await?;
        let (actor, at) = (actor(&person.user), self.clock.now());
        let deed = Deed { actor: &actor, action: "episode.viewed", at };
        self.reviews.record(deed, &stream.to_string(), json!({ "episode": number })).await?;
        Ok(episode)
    }

    pub async fn seen_episode(&self, user: &User, stream: StreamId, number: u32) -> Result<Episode> {
        let episode = self.store.episode(stream, number).await?;
        let theirs = |episode: &Episode| sees(user) && user.tenants.includes(&episode.tenant);
        Ok(episode.filter(theirs).ok_or(Denied::NoItem)?)
    }

    /// False where it was ruled on meanwhile, or goes on.
    pub async fn rule_episode(
        &self,
        person: &Person,
        (stream, number): (StreamId, u32),
        said: &str,
        note: &str,
    ) -> Result<bool> {
        decides(&person.user)?;
        let episode = self.seen_episode(&person.user, stream, number).await?;
        let Some((said, _)) = SAID.iter().find(|(known, _)| *known == said) else {
            return Err(Denied::Reason.into());
        };
        if episode.state != EpisodeState::InReview {
            return Ok(false);
        }
        let (actor, at) = (actor(&person.user), self.clock.now());
        let ruling = EpisodeRuling {
            said: (*said).to_owned(),
            note: note.chars().take(NOTE).collect(),
            by: person.user.id.clone(),
            at,
        };
        let deed = Deed { actor: &actor, action: "episode.ruled", at };
        Ok(self.store.rule_episode(&episode, &ruling, deed).await?)
    }
}
