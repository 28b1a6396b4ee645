//! What goes wrong.

use crate::{
    files::{impostor, shuffle},
    load::Load,
    node::Node,
    place::Place,
    proxy::Mode,
    wait::until,
};
use lazaret_fixtures::Noise;
use rustix::process::Signal;
use sqlx::{Connection, PgConnection};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::sleep;

#[derive(Debug, Clone, Copy)]
pub enum Trouble {
    /// `kill -9` of what takes uploads in and tells what became of them; another one starts in its folder.
    KillFront,
    /// `kill -9`; another one starts in its folder.
    KillWorker,
    /// Past its lease, in the middle of a scan; then it goes on as if nothing had been.
    StopWorker,
    RestartBroker,
    RestartStore,
    KillClamd,
    CutBroker,
    CutBucket,
    /// While a large file goes there in parts.
    CutParts,
    SlowBucket,
    /// Somebody writes other bytes over what is held.
    SwapObjects,
    CutStore,
    SlowStore,
}

const ALL: [Trouble; 13] = [
    Trouble::KillFront,
    Trouble::KillWorker,
    Trouble::StopWorker,
    Trouble::RestartBroker,
    Trouble::RestartStore,
    Trouble::KillClamd,
    Trouble::CutBroker,
    Trouble::CutBucket,
    Trouble::CutParts,
    Trouble::SlowBucket,
    Trouble::SwapObjects,
    Trouble::CutStore,
    Trouble::SlowStore,
];

/// Longer than a lease of 5 s, the reaper's patience with it, and its round: somebody else has the uploads by then.
const STOPPED: Duration = Duration::from_secs(13);
/// Of every answer of clamd: scans take long enough to be caught in the middle.
pub const SCAN: Mode = Mode::Delay(Duration::from_millis(150));
const WHILE: Duration = Duration::from_secs(2);
const CUTS: usize = 8;
const SWAPS: usize = 6;

/// All of it, so many times, in an order that the seed gives.
pub fn order(rounds: usize, noise: &mut Noise) -> Vec<Trouble> {
    let mut all = Vec::new();
    for _ in 0..rounds {
        let mut round = ALL;
        shuffle(&mut round, noise);
        all.extend(round);
    }
    all
}

/// What the front does.
pub const FRONT: &str = "api,delivery,events";

/// The processes.
pub struct Crew {
    pub front: Node,
    pub workers: Vec<Node>,
}

impl Crew {
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        std::iter::once(&self.front).chain(&self.workers)
    }

    /// MiB, by the name of the process.
    pub fn memory(&self) -> BTreeMap<String, u64> {
        self.nodes().map(|node| (node.name(), node.memory())).collect()
    }
}

impl Trouble {
    /// Comes and goes; afterwards as many run again.
    pub async fn happen(self, place: &Place, crew: &mut Crew, load: &Load, noise: &mut Noise) {
        let workers = &mut crew.workers;
        match self {
            Self::KillFront => {
                let sent = load.sent();
                // At some moment of the next few uploads.
                let (more, pause) = (usize::try_from(noise.below(4)).expect("small"), noise.below(30));
                wait_for(|| load.sent() > sent + more).await;
                sleep(Duration::from_millis(pause.into())).await;
                println!("         killed with {} uploads under way", load.under_way());
                crew.front.kill();
                place.excuse_parts();
                crew.front = Node::start(place, "front", FRONT).await;
                load.moved(&crew.front.url);
            }
            Self::KillWorker => {
                let mut worker = workers.remove(pick(workers.len(), noise));
                busy(place, &worker).await;
                let name = worker.name();
                worker.kill();
                // What proves a clamd to a new worker is large, and would take half a minute.
                place.to_clamd.set(Mode::Pass);
                workers.push(Node::start(place, &name, "worker").await);
                place.to_clamd.set(SCAN);
            }
            Self::StopWorker => {
                let worker = &workers[pick(workers.len(), noise)];
                stop_while_busy(place, worker).await;
                sleep(STOPPED).await;
                worker.signal(Signal::CONT);
            }
            Self::RestartBroker => tokio::task::block_in_place(|| place.rabbit.restart()),
            Self::RestartStore => tokio::task::block_in_place(|| place.postgres.kill()),
            Self::KillClamd => {
                place.clamd.kill();
                sleep(WHILE).await;
                tokio::task::block_in_place(|| place.clamd.again());
            }
            Self::CutBroker => hang_up(&place.to_broker).await,
            Self::CutBucket => cut(&place.to_bucket, noise).await,
            Self::CutParts => {
                // Scans of it are not what is to be slow.
                place.to_clamd.set(Mode::Pass);
                let (id, ()) = tokio::join!(load.send_large(), async {
                    wait_for(|| !place.s3.unfinished().is_empty()).await;
                    println!(
                        "         cut with {} transfers in parts under way",
                        place.s3.unfinished().len()
                    );
                    cut(&place.to_bucket, noise).await;
                });
                settled(place, &id).await;
                place.to_clamd.set(SCAN);
            }
            Self::SwapObjects => swap(place).await,
            Self::CutStore => cut(&place.to_store, noise).await,
            Self::SlowBucket => slow(&place.to_bucket, Mode::Slow(100_000)).await,
            Self::SlowStore => slow(&place.to_store, Mode::Delay(Duration::from_millis(20))).await,
        }
    }
}

/// Connections end while something goes through them, and for a moment there are no new ones.
async fn cut(proxy: &crate::proxy::Proxy, noise: &mut Noise) {
    for n in 0..CUTS {
        let bytes = u64::from(noise.below(20_000));
        proxy.set(if n % 2 == 0 { Mode::CutUp(bytes) } else { Mode::CutDown(bytes) });
        sleep(WHILE / 8).await;
        proxy.cut_all();
    }
    refuse(proxy).await;
}

/// As [`cut`], so many times and no more: every line that breaks is a delivery to the broker, of which a message has
/// `queue.delivery_limit`, and lines that end after so many bytes break many times a second.
async fn hang_up(proxy: &crate::proxy::Proxy) {
    for _ in 0..CUTS {
        sleep(WHILE / 8).await;
        proxy.cut_all();
    }
    refuse(proxy).await;
}

async fn refuse(proxy: &crate::proxy::Proxy) {
    proxy.set(Mode::Refuse);
    proxy.cut_all();
    sleep(WHILE / 2).await;
    proxy.set(Mode::Pass);
}

/// Where something is held, its object becomes another; most of these are being scanned.
async fn swap(place: &Place) {
    let impostor = impostor();
    let until = tokio::time::Instant::now() + WHILE;
    let mut swapped = BTreeSet::new();
    while swapped.len() < SWAPS && tokio::time::Instant::now() < until {
        for id in place.held() {
            if swapped.len() < SWAPS && swapped.insert(id.clone()) {
                place.swap(id, &impostor);
            }
        }
        sleep(Duration::from_millis(20)).await;
    }
    println!("         {} objects swapped", swapped.len());
}

/// Waits until the upload has its verdict.
async fn settled(place: &Place, id: &str) {
    until("the large one is settled", async || {
        let mut store = PgConnection::connect(&place.database).await.map_err(|e| e.to_string())?;
        let query = "SELECT settled_at IS NOT NULL FROM uploads WHERE id = $1";
        let settled: bool =
            sqlx::query_scalar(query).bind(id).fetch_one(&mut store).await.map_err(|e| e.to_string())?;
        if settled { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;
}

async fn slow(proxy: &crate::proxy::Proxy, mode: Mode) {
    proxy.set(mode);
    sleep(WHILE * 2).await;
    proxy.set(Mode::Pass);
}

fn pick(count: usize, noise: &mut Noise) -> usize {
    usize::try_from(noise.below(u32::try_from(count).expect("few"))).expect("below it")
}

/// Waits for it a while.
async fn wait_for(is_so: impl Fn() -> bool) {
    for _ in 0..100 {
        if is_so() {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until it scans something, if it does.
async fn busy(place: &Place, worker: &Node) {
    for _ in 0..100 {
        let held = leases(place, worker).await;
        if held > 0 {
            println!("         killed with {held} leases");
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Stopped at a moment when it holds leases, where there is work.
async fn stop_while_busy(place: &Place, worker: &Node) {
    for _ in 0..100 {
        worker.signal(Signal::STOP);
        let held = leases(place, worker).await;
        if held > 0 {
            println!("         stopped with {held} leases");
            return;
        }
        worker.signal(Signal::CONT);
        sleep(Duration::from_millis(20)).await;
    }
    worker.signal(Signal::STOP);
}

async fn leases(place: &Place, worker: &Node) -> i64 {
    until("the store answers", async || {
        let mut store = PgConnection::connect(&place.database).await.map_err(|e| e.to_string())?;
        sqlx::query_scalar("SELECT count(*) FROM uploads WHERE worker LIKE '%:' || $1")
            .bind(worker.pid().to_string())
            .fetch_one(&mut store)
            .await
            .map_err(|e| e.to_string())
    })
    .await
}
