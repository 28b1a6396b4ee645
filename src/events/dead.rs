//! What was given up, messages and webhook calls in one list, and its second chance.

use crate::ports::{DeadLetters, Result, Store, dead::DeadLetter, store::Call};
use jiff::Timestamp;
use serde::Serialize;

/// What stands before the number of an entry whose webhook calls died.
const CALL: &str = "call:";

/// One line of the list.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Dead {
    pub id: String,
    /// The queue that it died in, or the webhook.
    pub place: String,
    pub code: String,
    pub detail: String,
    pub body: String,
}

/// The broker's first, then webhook calls; of each the oldest first.
pub async fn list(store: &dyn Store, letters: Option<&dyn DeadLetters>, limit: u32) -> Result<Vec<Dead>> {
    let mut all = Vec::new();
    if let Some(letters) = letters {
        all.extend(letters.list(limit as usize).await?.into_iter().map(Dead::from));
    }
    all.extend(store.calls_dead(limit).await?.into_iter().map(Dead::from));
    Ok(all)
}

/// One, or all; how many there were.
pub async fn redrive(
    store: &dyn Store,
    letters: Option<&dyn DeadLetters>,
    id: Option<&str>,
    now: Timestamp,
) -> Result<u64> {
    if let Some(number) = id.and_then(|id| id.strip_prefix(CALL)) {
        return match number.parse() {
            Ok(sequence) => Ok(store.calls_redrive(Some(sequence), now).await?),
            Err(_) => Ok(0),
        };
    }
    let mut count = match letters {
        Some(letters) => letters.redrive(id).await?,
        None => 0,
    };
    if id.is_none() {
        count += store.calls_redrive(None, now).await?;
    }
    Ok(count)
}

impl From<DeadLetter> for Dead {
    fn from(letter: DeadLetter) -> Self {
        let DeadLetter { id, queue, code, detail, body } = letter;
        Self { id, place: queue, code, detail, body }
    }
}

impl From<Call> for Dead {
    fn from(call: Call) -> Self {
        Self {
            id: format!("{CALL}{}", call.entry.sequence),
            place: format!("webhook {}", call.webhook),
            code: "webhook.given_up".to_owned(),
            detail: call.error.unwrap_or_default(),
            body: call.entry.body,
        }
    }
}
