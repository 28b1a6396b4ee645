//! Server-sent events: what a page shows, as it changes. They end with the session, and with the process.

use super::{Console, fail::Fail, fields::Fields, filter::Filter, visitor::Unasked, words};
use crate::{
    access::Person,
    ports::{
        Result,
        reviews::{Counts, View},
    },
};
use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{future::BoxFuture, stream};
use serde::Serialize;
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Pages of one process that are told at a time. Who comes later reloads.
const LISTENERS: usize = 200;
/// Looks after which it is asked whether the session still is.
const LOOKS: u32 = 10;
/// Between two looks at the queue.
const EVERY: Duration = Duration::from_secs(2);
/// Counts that are no older are shown to others too.
const FRESH: Duration = Duration::from_millis(1_500);
/// Views whose counts are kept.
const VIEWS: usize = 64;

/// Who listens, and what was counted last.
#[derive(Clone)]
pub struct Pulse {
    places: Arc<Semaphore>,
    counted: Arc<Mutex<HashMap<String, (Instant, Counts)>>>,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(LISTENERS)), counted: Arc::default() }
    }
}

impl Pulse {
    /// Of all who look at the same, one asks the store.
    async fn counts(&self, console: &Console, view: &View) -> Result<Counts> {
        let key = format!("{view:?}");
        let known = || self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, counts)) = known().get(&key)
            && at.elapsed() < FRESH
        {
            return Ok(counts.clone());
        }
        let counts = console.desk.reviews.counts(view, console.desk.clock.now()).await?;
        let mut known = known();
        if known.len() >= VIEWS {
            known.retain(|_, (at, _)| at.elapsed() < FRESH);
        }
        if known.len() < VIEWS {
            known.insert(key, (Instant::now(), counts.clone()));
        }
        Ok(counts)
    }
}

/// What a look found.
pub(super) enum Beat {
    Same,
    Other(Event),
}

impl Beat {
    pub(super) fn of(name: &str, what: &impl Serialize) -> Self {
        Event::default().event(name).json_data(what).map_or(Self::Same, Self::Other)
    }
}

/// A look, and what it has to know at the next.
pub(super) type Look<S> = BoxFuture<'static, Result<(Beat, S)>>;

struct Listener<S, F> {
    console: Console,
    person: Person,
    every: Duration,
    /// `None` when it is over.
    state: Option<S>,
    look: F,
    looks: u32,
    _place: OwnedSemaphorePermit,
}

/// Looks every so often, and tells what is another than before.
pub(super) fn answer<S, F>(
    console: &Console,
    person: Person,
    every: Duration,
    state: S,
    look: F,
) -> std::result::Result<Response, Fail>
where
    S: Send + 'static,
    F: FnMut(&mut S) -> Look<S> + Send + 'static,
{
    let Ok(place) = Arc::clone(&console.pulse.places).try_acquire_owned() else {
        let why = "Too many pages listen just now. Reload to see what changes.";
        return Err(Fail::Said(StatusCode::SERVICE_UNAVAILABLE, why.into()));
    };
    let listener = Listener {
        console: console.clone(),
        person,
        every,
        state: Some(state),
        look,
        looks: 0,
        _place: place,
    };
    let events = stream::unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

impl<S: Send + 'static, F: FnMut(&mut S) -> Look<S>> Listener<S, F> {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.console.settled.is_closed() {
                return None;
            }
            let mut state = self.state.take()?;
            if self.looks > 0 {
                tokio::time::sleep(self.every).await;
            }
            // A store that cannot be asked ends it: whoever listens comes back later.
            if self.looks.is_multiple_of(LOOKS) && !self.console.people.still(&self.person).await.ok()? {
                return Some(Event::default().event("over").data("the session is over"));
            }
            self.looks += 1;
            let (beat, next) = (self.look)(&mut state).await.ok()?;
            self.state = Some(next);
            if let Beat::Other(event) = beat {
                return Some(event);
            }
        }
    }
}

/// The queue's numbers.
#[derive(Serialize, PartialEq, Eq, Clone, Default)]
struct Numbers {
    open: u64,
    held: u64,
    oldest: String,
}

pub(super) async fn queue(
    State(console): State<Console>,
    Unasked(person): Unasked,
    uri: Uri,
) -> std::result::Result<Response, Fail> {
    let view = Filter::of(&Fields::of(&uri)).view(&console.desk, &person.user);
    let state = (console.clone(), view, None::<Numbers>);
    answer(&console, person, EVERY, state, |state: &mut (Console, View, Option<Numbers>)| {
        let (console, view, last) = state.clone();
        Box::pin(async move {
            let counts = console.pulse.counts(&console, &view).await?;
            let now = console.desk.clock.now();
            let oldest = counts.oldest.map_or("–".to_owned(), |at| words::age(at, now));
            let numbers = Numbers { open: counts.open, held: counts.held, oldest };
            let beat =
                if last.as_ref() == Some(&numbers) { Beat::Same } else { Beat::of("counts", &numbers) };
            Ok((beat, (console, view, Some(numbers))))
        })
    })
}
