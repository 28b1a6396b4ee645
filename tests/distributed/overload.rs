//! Ten times what the workers can do: uploads come, and for every ten that are accepted one scan may end. Everything
//! stays bounded, everybody can see what waits, and all of it settles when the workers can do more.

mod queued;

use crate::{
    clamd::Clamd,
    gate::Gate,
    rabbitmq::Rabbit,
    samples,
    senders::figure,
    server::Server,
    site::Site,
    wait::{PATIENCE, until},
};
use futures_util::{StreamExt, stream};
use sqlx::{Connection, PgConnection};
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

const UPLOADS: usize = 300;
/// Of one upload: all of them are more than the service may take in memory for them.
const BYTES: usize = 384 << 10;
/// Accepted to one that is scanned.
const TIMES: usize = 10;
/// Backends that send at the same time.
const SENDERS: usize = 32;
/// Sent before, so that what is compared are processes that have worked.
const WARM: usize = 2 * SENDERS;
/// MiB that a process may take beyond what it took when it was warm, at its peak.
const GROWTH: u64 = 32;
/// To PostgreSQL, of each process.
const CONNECTIONS: usize = 6;
/// To the broker, of each process: one to read, one to write.
const LINKS: usize = 2;

fn file(n: usize) -> Vec<u8> {
    samples::text(n).into_iter().cycle().take(BYTES).collect()
}

/// `VmHWM` of `/proc/PID/status` (proc(5)): the most that was ever in memory, in MiB.
fn peak(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

/// Sends one until it is accepted. Whatever else is said is said clearly: not now, but later.
async fn accepted(front: &Server, n: usize) -> String {
    let began = Instant::now();
    loop {
        let request = front.post("a.txt", &file(n)).header("Idempotency-Key", format!("n-{n}"));
        let answer = request.send().await.unwrap();
        if answer.status() == 202 {
            return crate::upload::accepted(answer).await;
        }
        assert!(matches!(answer.status().as_u16(), 429 | 503), "{answer:?}");
        assert!(answer.headers().contains_key("retry-after"), "{answer:?}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert!(began.elapsed() < PATIENCE, "it is put off for ever: {answer:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// All of these, so many at a time; `each` is told.
async fn send(front: &Server, all: std::ops::Range<usize>, each: impl Fn()) -> Vec<String> {
    let sent = stream::iter(all).map(|n| async move { accepted(front, n).await });
    let sent = sent.buffer_unordered(SENDERS).inspect(|_| each());
    sent.collect().await
}

/// What waits, as both ways of asking show it: uploads, and the age of the oldest in seconds.
async fn backlog(server: &Server) -> (u64, u64) {
    let (status, body) = server.readyz().await;
    assert_eq!(status, 200, "a backlog does not make it unready: {body}");
    let shown = |key: &str| body["backlog"][key].as_u64().unwrap_or_else(|| panic!("{key}: {body}"));
    let (uploads, age) = (shown("uploads"), shown("oldest_age_seconds"));
    assert!(figure(server, "lazaret_uploads_backlog").await <= uploads);
    (uploads, age)
}

/// Connections to the store, and to the broker.
async fn connections(site: &Site) -> (usize, usize) {
    let mut store = PgConnection::connect(&site.backing.database).await.unwrap();
    // Nor who asked this before, and whose connection is on its way out.
    let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
        AND query NOT LIKE '%pg_stat_activity%'";
    let rows: i64 = sqlx::query_scalar(count).fetch_one(&mut store).await.unwrap();
    let listed = tokio::task::spawn_blocking(|| {
        Rabbit::shared().control(&["list_connections", "vhost", "--no-table-headers"])
    });
    let listed = listed.await.unwrap();
    let links = listed.lines().filter(|vhost| *vhost == site.backing.vhost.name).count();
    (usize::try_from(rows).unwrap(), links)
}

/// Small processes, whose scans end when the gate says.
fn settings(gate: &Gate) -> String {
    format!(
        "[store]\nconnections = {CONNECTIONS}\n[queue]\nprefetch = 4\n[pipeline]\nworkers = 2\n\
         [intake]\nmax_upload = \"4MiB\"\n[antivirus]\nclamd = [\"tcp:{}\"]\nmax_file = \"8MiB\"\nmax_scan = \"8MiB\"\n\
         deadline = \"10m\"\ncanary_every = \"1h\"",
        gate.address
    )
}

/// One that takes and tells, and one that scans.
async fn servers(site: &Site) -> [Server; 2] {
    assert_eq!(site.run(&["migrate"]).await.code(), 0);
    let key = site.key("acme").await;
    let data = [site.path("front"), site.path("worker")].map(|path| path.to_str().unwrap().to_owned());
    let front = Server::start_as(site, &key, &["--roles", "api,events", "--data", &data[0]]).await;
    let worker = Server::start_as(site, &key, &["--roles", "worker", "--data", &data[1]]).await;
    for server in [&front, &worker] {
        server.until_ready().await;
    }
    [front, worker]
}

/// What each process took at its peak is bounded, by what it took when it was warm.
fn assert_bounded(servers: [&Server; 2], warm: [u64; 2]) {
    for (server, warm) in servers.into_iter().zip(warm) {
        let now = peak(server);
        println!("{warm} MiB when warm, {now} MiB at most");
        assert!(now <= warm + GROWTH, "{warm} MiB when warm, {now} MiB at most");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_times_what_the_workers_can_do() {
    let folder = tempfile::tempdir().unwrap();
    let clamd = Clamd::start(folder.path());
    let gate = Gate::before(clamd.address).await;
    let site = Site::new(&settings(&gate));
    let [front, worker] = servers(&site).await;
    let mut ids = send(&front, 0..WARM, || {}).await;
    for id in &ids {
        front.settled(id).await;
    }
    let warm = [peak(&front), peak(&worker)];

    gate.close();
    let count = AtomicUsize::new(0);
    let flood = send(&front, WARM..WARM + UPLOADS, || {
        if count.fetch_add(1, Ordering::SeqCst) % TIMES == TIMES - 1 {
            gate.may.add_permits(1);
        }
    });
    let mut most = (0, 0);
    let watch = async {
        while count.load(Ordering::SeqCst) < UPLOADS {
            let (rows, links) = connections(&site).await;
            most = (most.0.max(rows), most.1.max(links));
        }
    };
    let (flooded, ()) = tokio::join!(flood, watch);
    ids.extend(flooded);
    assert_eq!(BTreeSet::from_iter(&ids).len(), WARM + UPLOADS, "each is an upload of its own");
    let (least, all) = ((UPLOADS - UPLOADS / TIMES) as u64, UPLOADS as u64);
    for server in [&front, &worker] {
        let (shown, age) = until("the oldest has waited for a while", async || {
            let (uploads, age) = backlog(server).await;
            if age > 0 { Ok((uploads, age)) } else { Err(uploads) }
        })
        .await;
        assert!((least..=all).contains(&shown), "{shown} wait");
        assert!(figure(server, "lazaret_uploads_backlog_age_seconds").await >= age, "it gets no younger");
    }
    let (rows, links) = connections(&site).await;
    let most = (most.0.max(rows), most.1.max(links));
    println!("at most {most:?} connections");
    assert!(most.0 <= 2 * CONNECTIONS && most.1 <= 2 * LINKS, "{most:?} connections to store and broker");

    until("the broker's queues show what waits there", async || {
        let held = figure(&front, "lazaret_broker_messages").await;
        // Less what the worker has in hand.
        if held + 32 >= least { Ok(()) } else { Err(held) }
    })
    .await;
    let shared = figure(&front, "lazaret_store_group_commit_calls_total").await;
    assert!(shared >= all && shared > figure(&front, "lazaret_store_group_commits_total").await, "{shared}");

    gate.may.add_permits(Gate::WIDE);
    for id in &ids {
        let upload = front.settled(id).await;
        assert_eq!(
            (&upload["state"], &upload["verdict_number"]),
            (&"published".into(), &1.into()),
            "{upload}"
        );
    }
    assert_eq!(front.list().await.len(), ids.len(), "what was not accepted is not there");
    assert_eq!(backlog(&front).await, (0, 0));
    until("the broker's queues are empty", async || {
        let held = figure(&front, "lazaret_broker_messages").await;
        if held == 0 { Ok(()) } else { Err(held) }
    })
    .await;
    assert_bounded([&front, &worker], warm);
}
