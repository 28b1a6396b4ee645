//! What must hold when the trouble is over.

mod left;
mod records;
mod zone;

use records::as_one;

use crate::{listener::Listener, load::Accepted, place::Place, traces, trouble::Crew, wait::until};
use sqlx::{Connection, PgConnection};
use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// As many settled uploads as were accepted, and as their bytes deserve.
    AllSettle,
    /// No scan with two verdicts, and none by a worker that had lost its lease.
    OneVerdict,
    /// Nothing in the published zone without a publish verdict of complete coverage for exactly its SHA-256.
    OnlyPublished,
    /// Every verdict's event was heard, with the verdict's digest.
    Told,
    /// No message, lease or spool file is left.
    NothingLeft,
    /// Memory is back where it was.
    Memory,
    /// The audit log is whole.
    Record,
}

#[derive(Debug)]
pub struct Broken {
    pub promise: Promise,
    why: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.promise, self.why)
    }
}

fn check(broken: &mut Vec<Broken>, promise: Promise, holds: Result<(), String>) {
    broken.extend(holds.err().map(|why| Broken { promise, why }));
}

/// How long what was accepted may take, once all is well again.
const SETTLING: Duration = Duration::from_secs(60);
/// How long what is told and tidied up may take after that.
const TIDYING: Duration = Duration::from_secs(30);
/// MiB that a process may have more than when it was warm.
const GROWTH: u64 = 64;

pub async fn look(
    place: &Place,
    accepted: &Accepted,
    listener: &Listener,
    crew: Crew,
    before: &BTreeMap<String, u64>,
) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut store = connect(place).await;
    let all_settle = within(SETTLING, async || records::settled(&mut store, accepted, place).await).await;
    let lost = all_settle.is_err();
    check(&mut broken, Promise::AllSettle, all_settle);
    if !lost {
        let tidy = within(TIDYING, async || left::messages(place).await).await;
        check(&mut broken, Promise::NothingLeft, tidy);
        check(&mut broken, Promise::NothingLeft, left::forbidden(place).await);
        let parts = within(TIDYING, async || as_one(&place.left_in_parts())).await;
        check(&mut broken, Promise::NothingLeft, parts);
        check(&mut broken, Promise::NothingLeft, records::leases(&mut store).await);
        let spools = within(TIDYING, async || {
            let open: Vec<_> =
                crew.nodes().flat_map(|node| traces::nameless(node.pid(), &node.data)).collect();
            if open.is_empty() { Ok(()) } else { Err(format!("files are still open: {open:?}")) }
        });
        check(&mut broken, Promise::NothingLeft, spools.await);
    }
    let told = within(TIDYING, async || records::told(&mut store, &listener.heard()).await).await;
    check(&mut broken, Promise::Told, told);
    let called = within(TIDYING, async || records::told(&mut store, &place.hooks.taken()).await).await;
    check(&mut broken, Promise::Told, called);
    println!(
        "         {} events were taken by the webhook, {} after more than one call",
        place.hooks.taken().len(),
        place.hooks.repeated()
    );
    check(&mut broken, Promise::OneVerdict, records::one_verdict(&mut store).await);
    check(&mut broken, Promise::OnlyPublished, zone::only_published(place, &mut store).await);
    let memory = within(TIDYING, async || grown(&crew, before)).await;
    check(&mut broken, Promise::Memory, memory);
    for node in crew.workers.into_iter().chain([crew.front]) {
        node.stop().await;
    }
    let files: Vec<_> =
        ["front", "one", "two"].iter().flat_map(|name| traces::files(&place.data(name))).collect();
    let none = if files.is_empty() { Ok(()) } else { Err(format!("files are left: {files:?}")) };
    check(&mut broken, Promise::NothingLeft, none);
    let (code, said) = place.ran(&["audit", "verify"]);
    check(&mut broken, Promise::Record, if code == Some(0) { Ok(()) } else { Err(said) });
    broken
}

/// Waits until so many uploads are settled.
pub async fn settled_are(place: &Place, count: usize) {
    let mut store = connect(place).await;
    until("the first uploads are settled", async || {
        let query = "SELECT count(*) FROM uploads WHERE settled_at IS NOT NULL";
        let settled: i64 =
            sqlx::query_scalar(query).fetch_one(&mut store).await.map_err(|e| e.to_string())?;
        if settled >= i64::try_from(count).expect("few") { Ok(()) } else { Err(settled.to_string()) }
    })
    .await;
}

async fn connect(place: &Place) -> PgConnection {
    until("the store answers", async || PgConnection::connect(&place.database).await).await
}

/// One that took the place of another does the same, and may have as much.
fn grown(crew: &Crew, before: &BTreeMap<String, u64>) -> Result<(), String> {
    let after = crew.memory();
    let grown = after.iter().filter(|(name, now)| **now > before[*name] + GROWTH);
    let grown = grown.map(|(name, now)| format!("{name}: {} MiB, then {now} MiB", before[name]));
    let grown: Vec<_> = grown.collect();
    if grown.is_empty() { Ok(()) } else { Err(grown.join("; ")) }
}

/// Asks until it holds; why not, where it does not in time.
async fn within(term: Duration, mut holds: impl AsyncFnMut() -> Result<(), String>) -> Result<(), String> {
    let until = Instant::now() + term;
    loop {
        let answer = holds().await;
        if answer.is_ok() || Instant::now() > until {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
