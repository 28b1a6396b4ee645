//! A day on one stream by the clock of the test, in the whole service and one SQLite file: it calms, warns, is cut, is left
//! unwatched and comes back, again and again, and neither rows nor frames nor bytes nor memory grow with it.

use crate::{common::eventually, world::World};
use jiff::SignedDuration;
use lazaret::ports::{Clock, blobs::Zone, store::Handed};
use std::{path::Path, process::Command, time::Duration};

/// Rounds of a day: each cuts, clears and is left alone until nobody watches.
const ROUNDS: u64 = 576;
const DAY: u64 = 86_400;
/// Lines of one stream in the audit log, within an hour.
const LINES: u64 = 60;

/// Of memory, over the last eleven twelfths of the day. Free pages of the allocator and the database's cache move it.
const MEMORY: u64 = 8 << 20;
/// Set in the process that has nothing else in its memory.
const ALONE: &str = "LAZARET_TEST_ALONE";

/// Bytes that belong to this process alone.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("the kernel tells");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// What the file holds: the write-ahead log is emptied now and then by itself.
fn bytes(folder: &Path) -> u64 {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|is| is == "db"))
        .filter_map(|entry| entry.metadata().ok())
        .map(|data| data.len())
        .sum()
}

/// As the relay does: what was told is handed on, and forgotten after an hour.
async fn handed_on(world: &World) {
    let told = world.store().outbox_pending(1000).await.unwrap();
    let handed: Vec<_> =
        told.iter().map(|entry| Handed { sequence: entry.sequence, webhooks: Vec::new() }).collect();
    world.store().outbox_handed_on(&handed, world.clock().now()).await.unwrap();
    let before = world.clock().now() - SignedDuration::from_hours(1);
    world.store().outbox_prune(before).await.unwrap();
}

#[test]
fn a_day_of_flapping_leaves_one_item_some_frames_and_a_bounded_log() {
    if std::env::var_os(ALONE).is_none() {
        let own = std::env::current_exe().unwrap();
        let name = "day::a_day_of_flapping_leaves_one_item_some_frames_and_a_bounded_log";
        let ran = Command::new(own).args(["--exact", "--nocapture", name]).env(ALONE, "1").output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
        assert!(said.contains("1 passed"), "{said}");
        return;
    }
    tokio::runtime::Runtime::new().unwrap().block_on(day());
}

async fn day() {
    let world = World::start().await;
    let stream = world.open().await;
    let acme = "acme".parse().unwrap();
    let (mut told, mut early) = (0, (0, 0));
    for round in 1..=ROUNDS {
        assert_eq!(stream.decision("0.995").await, "cut", "{round}");
        for decision in ["cut", "cut", "pass"] {
            assert_eq!(stream.decision("0.1").await, decision, "{round}");
        }
        world.clock().advance(Duration::from_secs(DAY / ROUNDS));
        eventually("nobody watches", async || stream.stands().await == ("warn".into(), "unwatched".into()))
            .await;
        eventually("and it is told", async || {
            let last = world.store().outbox_pending(1000).await.unwrap();
            last.last().is_some_and(|entry| entry.kind == "stream.warned")
        })
        .await;
        told += world.store().outbox_pending(1000).await.unwrap().len();
        handed_on(&world).await;
        if round == ROUNDS / 12 {
            early = (bytes(world.app.folder.path()), memory());
        }
    }
    assert_eq!(told as u64, 3 * ROUNDS, "every change is told");
    let episodes = world.store().episodes(&acme, None, None, 100).await.unwrap();
    assert_eq!(episodes.len(), 1, "one item for a person");
    assert!(episodes[0].evidence.len() <= 5, "{}", episodes[0].evidence.len());
    let kept = world.app.api.blobs.list(Zone::Held, "", 1000).await.unwrap();
    assert!(kept.len() <= 5, "{kept:?}");
    // Of an hour, and what was not handed on for longer.
    let outbox = world.store().outbox(0, 10_000).await.unwrap().len() as u64;
    assert!(outbox <= 3 * (ROUNDS / 24 + 2), "{outbox}");
    let log = world.store().audit(0, 100_000).await.unwrap();
    let lines = log.iter().filter(|line| line.subject == stream.id).count() as u64;
    assert!(lines > 24 * LINES / 2 && lines <= 25 * LINES + 1, "{lines}");
    // All that grows is the log, by so many lines of less than a kilobyte.
    let grown = bytes(world.app.folder.path()).saturating_sub(early.0);
    assert!(grown < 24 * LINES * 1024, "{grown} bytes");
    let grown = memory().saturating_sub(early.1);
    println!("memory after two hours {} KiB, after the day {} KiB more", early.1 >> 10, grown >> 10);
    assert!(grown < MEMORY, "{grown} bytes of memory");
    assert!(world.store().audit_verify().await.unwrap().is_ok());
}
