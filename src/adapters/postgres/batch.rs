//! Group commit: calls of one kind that come while the last ones are being committed share the next transaction. Nobody
//! waits for company, and nobody is answered before the commit.

use super::{
    db::{Db, Kept},
    error::is_the_askers_own,
};
use crate::ports::{Kind, PortError, Result};
use std::{
    collections::{HashSet, VecDeque},
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinError, JoinSet},
};

/// Calls in one transaction.
const MOST: usize = 64;
/// Calls that wait; whoever comes after them waits to be let in.
const QUEUE: usize = 1024;
/// How long the connection is kept for calls to come.
const LINGER: Duration = Duration::from_millis(20);
/// A transaction that takes longer has lost its server without being told so.
const PATIENCE: Duration = Duration::from_secs(60);

/// A call that can share a transaction with others of its kind.
pub(super) trait Shared: Send + Sync + Sized + 'static {
    type Answer: Send + 'static;

    /// What no two calls of one transaction may have in common, as the second must see what the first did.
    fn names(&self) -> Vec<String>;

    /// Does what all ask, and commits; the answers stand in the order of `asks`. With an error, nothing was done.
    fn commit(db: &mut Kept, asks: &[Self]) -> impl Future<Output = Result<Vec<Self::Answer>>> + Send;
}

/// How many transactions there were, and for how many calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flushes {
    pub flushes: u64,
    pub items: u64,
}

#[derive(Default)]
struct Counts {
    flushes: AtomicU64,
    items: AtomicU64,
}

struct Waiting<T: Shared> {
    ask: T,
    names: Vec<String>,
    answer: oneshot::Sender<Result<T::Answer>>,
}

/// One task that gathers, and hands that commit; they end when this is dropped.
pub(super) struct Batcher<T: Shared> {
    queue: mpsc::Sender<Waiting<T>>,
    counts: Arc<Counts>,
}

impl<T: Shared> Batcher<T> {
    /// With so many `hands`, so many transactions are under way at a time: while one waits for its disk, the next works.
    pub fn start(db: Db, hands: usize) -> Self {
        let (queue, calls) = mpsc::channel(QUEUE);
        let counts = Arc::new(Counts::default());
        tokio::spawn(run(Hands::new(db, hands), calls, Arc::clone(&counts)));
        Self { queue, counts }
    }

    pub async fn ask(&self, ask: T) -> Result<T::Answer> {
        let (answer, answered) = oneshot::channel();
        let lost = || PortError::new(Kind::Fail, "the store is closed");
        let names = ask.names();
        self.queue.send(Waiting { ask, names, answer }).await.map_err(|_| lost())?;
        answered.await.map_err(|_| lost())?
    }

    pub fn flushes(&self) -> Flushes {
        let Counts { flushes, items } = &*self.counts;
        Flushes { flushes: flushes.load(Ordering::Relaxed), items: items.load(Ordering::Relaxed) }
    }
}

async fn run<T: Shared>(mut hands: Hands, mut calls: mpsc::Receiver<Waiting<T>>, counts: Arc<Counts>) {
    let mut waiting = VecDeque::new();
    loop {
        if waiting.is_empty() {
            let Some(first) = hands.until(calls.recv()).await else { break };
            waiting.push_back(first);
            // Who comes together is let in together.
            tokio::task::yield_now().await;
        }
        let mut db = hands.free().await;
        while waiting.len() < MOST
            && let Ok(next) = calls.try_recv()
        {
            waiting.push_back(next);
        }
        let (calls, counts) = (together(&mut waiting), Arc::clone(&counts));
        hands.work(async move {
            flush(&mut db, calls, &counts).await;
            db.share();
            db
        });
    }
    hands.rest().await;
}

/// Connections that commit, each for one transaction at a time.
struct Hands {
    db: Db,
    free: Vec<Kept>,
    busy: JoinSet<Kept>,
}

impl Hands {
    fn new(db: Db, count: usize) -> Self {
        let free = (0..count.max(1)).map(|_| db.kept()).collect();
        Self { db, free, busy: JoinSet::new() }
    }

    fn work(&mut self, flush: impl Future<Output = Kept> + Send + 'static) {
        self.busy.spawn(flush);
    }

    /// Of a flush that panicked, nobody knows where its connection stands.
    fn back(&mut self, done: std::result::Result<Kept, JoinError>) {
        self.free.push(done.unwrap_or_else(|_| self.db.kept()));
    }

    /// One that is free, as soon as there is one.
    async fn free(&mut self) -> Kept {
        while let Some(done) = self.busy.try_join_next() {
            self.back(done);
        }
        loop {
            // The one that worked last is warm.
            if let Some(db) = self.free.pop() {
                return db;
            }
            match self.busy.join_next().await {
                Some(done) => self.back(done),
                None => return self.db.kept(),
            }
        }
    }

    /// Waits for `call`; connections that had nothing to do for a while are given back to the pool meanwhile.
    async fn until<C>(&mut self, call: impl Future<Output = C>) -> C {
        let mut call = pin!(call);
        loop {
            let rests = self.free.iter().all(Kept::rests);
            tokio::select! {
                biased;
                call = &mut call => return call,
                Some(done) = self.busy.join_next() => self.back(done),
                () = tokio::time::sleep(LINGER), if !rests => self.free.iter_mut().for_each(Kept::rest),
            }
        }
    }

    /// What is being committed is committed.
    async fn rest(mut self) {
        while self.busy.join_next().await.is_some() {}
    }
}

/// Takes those who can go together; the others keep their turn. Who does not wait any more is left out.
fn together<T: Shared>(waiting: &mut VecDeque<Waiting<T>>) -> Vec<Waiting<T>> {
    let mut taken = HashSet::new();
    let (mut now, mut later) = (Vec::new(), VecDeque::new());
    for call in waiting.drain(..).filter(|call| !call.answer.is_closed()) {
        let rival = call.names.iter().any(|name| taken.contains(name));
        // Of those put off as well: nobody overtakes one that asks for the same.
        taken.extend(call.names.iter().cloned());
        if rival { later.push_back(call) } else { now.push(call) }
    }
    *waiting = later;
    now
}

async fn flush<T: Shared>(db: &mut Kept, calls: Vec<Waiting<T>>, counts: &Counts) {
    if calls.is_empty() {
        return;
    }
    let (asks, answers): (Vec<T>, Vec<_>) = calls.into_iter().map(|call| (call.ask, call.answer)).unzip();
    match commit(db, &asks, counts).await {
        Ok(done) => {
            for (answer, done) in answers.into_iter().zip(done) {
                // Whoever went away meanwhile finds it done.
                let _ = answer.send(Ok(done));
            }
        }
        Err(error) if asks.len() > 1 && is_the_askers_own(&error) => {
            one_by_one(db, asks, answers, counts).await;
        }
        Err(error) => share(answers, &error),
    }
}

/// One of them is to blame: each on its own, so that it fails alone.
async fn one_by_one<T: Shared>(
    db: &mut Kept,
    asks: Vec<T>,
    answers: Vec<oneshot::Sender<Result<T::Answer>>>,
    counts: &Counts,
) {
    let mut answers = answers.into_iter();
    for ask in asks {
        let Some(answer) = answers.next() else { return };
        let alone = commit(db, std::slice::from_ref(&ask), counts).await;
        let alone = alone.and_then(|done| done.into_iter().next().ok_or_else(no_answer));
        if let Err(error) = &alone
            && !is_the_askers_own(error)
        {
            return share(std::iter::once(answer).chain(answers), error);
        }
        let _ = answer.send(alone);
    }
}

/// The store's trouble, not one caller's: everybody hears of it.
fn share<A>(answers: impl IntoIterator<Item = oneshot::Sender<Result<A>>>, error: &PortError) {
    for answer in answers {
        let _ = answer.send(Err(PortError::new(error.kind, error.to_string())));
    }
}

async fn commit<T: Shared>(db: &mut Kept, asks: &[T], counts: &Counts) -> Result<Vec<T::Answer>> {
    let done = tokio::time::timeout(PATIENCE, T::commit(db, asks)).await.unwrap_or_else(|_| {
        let cause = sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
        Err(PortError::new(Kind::Retry, "the store does not answer").because(cause))
    });
    if done.as_ref().is_err_and(|error| !is_the_askers_own(error)) {
        db.doubt();
    }
    let done = done?;
    if done.len() != asks.len() {
        return Err(no_answer());
    }
    counts.flushes.fetch_add(1, Ordering::Relaxed);
    counts.items.fetch_add(asks.len() as u64, Ordering::Relaxed);
    Ok(done)
}

fn no_answer() -> PortError {
    PortError::new(Kind::Fail, "the store did not answer all that it was asked")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Named(&'static [&'static str]);

    impl Shared for Named {
        type Answer = ();

        fn names(&self) -> Vec<String> {
            self.0.iter().map(|&name| name.to_owned()).collect()
        }

        async fn commit(_: &mut Kept, asks: &[Self]) -> Result<Vec<()>> {
            Ok(asks.iter().map(|_| ()).collect())
        }
    }

    #[test]
    fn rivals_go_one_after_the_other_and_in_order() {
        let (mut waiting, mut kept) = (VecDeque::new(), Vec::new());
        let all: [&[&str]; 5] = [&["a"], &["b"], &["a", "c"], &["c"], &["d"]];
        for names in all {
            let (answer, answered) = oneshot::channel();
            kept.push(answered);
            waiting.push_back(Waiting { ask: Named(names), names: Named(names).names(), answer });
        }
        kept[1].close();
        let mut rounds = Vec::new();
        while !waiting.is_empty() {
            rounds.push(together(&mut waiting).iter().map(|call| call.ask.0).collect::<Vec<_>>());
        }
        let expected: [&[&[&str]]; 3] = [&[&["a"], &["d"]], &[&["a", "c"]], &[&["c"]]];
        assert_eq!(rounds, expected, "the one that went away is left out");
    }
}
