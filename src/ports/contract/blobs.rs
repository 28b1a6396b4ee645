//! The Blobs' suite.

use crate::ports::{
    Blobs, Kind,
    blobs::{Reading, Zone, reader},
    contract::samples::id,
};
use futures_util::TryStreamExt;
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    sync::Arc,
};

#[macro_export]
macro_rules! blobs_contract {
    ($make:path) => {
        $crate::contract_cases! { blobs, $make;
            what_is_put_is_opened
            putting_replaces_the_whole_object
            what_is_open_stays_whole_when_it_is_replaced_or_removed
            a_spool_reads_on_after_it_was_put
            a_spool_can_be_put_twice
            what_is_held_can_be_published
            any_regular_file_can_be_put
            a_reader_cannot_write
            ranges_are_read
            zones_are_apart
            removing_is_quiet_and_final
            odd_keys_are_refused
            keys_of_one_and_of_many_parts_live_together
            keys_are_listed_in_order_by_page
            objects_may_be_put_and_removed_at_the_same_time
            free_bytes_are_told_or_unknown
        }
    };
}

const BOTH: [Zone; 2] = [Zone::Held, Zone::Published];

async fn spool(blobs: &impl Blobs, bytes: &[u8]) -> File {
    let mut spool = blobs.spool().await.expect("a spool");
    spool.write_all(bytes).expect("a spool is written to");
    spool
}

async fn put(blobs: &impl Blobs, zone: Zone, key: &str, bytes: &[u8]) {
    let spool = spool(blobs, bytes).await;
    blobs.put(zone, key, &spool).await.unwrap_or_else(|e| panic!("put {key}: {e}"));
}

async fn get(blobs: &impl Blobs, zone: Zone, key: &str) -> Option<Vec<u8>> {
    let mut file = blobs.open(zone, key).await.unwrap_or_else(|e| panic!("open {key}: {e}"))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).expect("an open object is read");
    Some(bytes)
}

async fn keys(blobs: &impl Blobs, zone: Zone) -> Vec<String> {
    blobs.list(zone, "", 10_000).await.expect("a list")
}

pub async fn what_is_put_is_opened<B: Blobs>(blobs: Arc<B>) {
    let large: Vec<u8> = (0..3_000_001_u32).flat_map(|n| n.to_le_bytes()).collect();
    for bytes in [&b""[..], b"x", &large] {
        put(&*blobs, Zone::Held, "a", bytes).await;
        assert!(get(&*blobs, Zone::Held, "a").await.as_deref() == Some(bytes), "{} bytes", bytes.len());
    }
    assert_eq!(get(&*blobs, Zone::Held, "b").await, None);
}

pub async fn putting_replaces_the_whole_object<B: Blobs>(blobs: Arc<B>) {
    put(&*blobs, Zone::Published, "a/original", b"a long first one").await;
    put(&*blobs, Zone::Published, "a/original", b"short").await;
    assert_eq!(get(&*blobs, Zone::Published, "a/original").await.as_deref(), Some(&b"short"[..]));
    assert_eq!(keys(&*blobs, Zone::Published).await, ["a/original"]);
}

pub async fn what_is_open_stays_whole_when_it_is_replaced_or_removed<B: Blobs>(blobs: Arc<B>) {
    put(&*blobs, Zone::Published, "a", b"first").await;
    let mut open = blobs.open(Zone::Published, "a").await.unwrap().expect("put");
    put(&*blobs, Zone::Published, "a", b"second").await;
    blobs.remove(Zone::Published, "a").await.unwrap();
    let mut text = String::new();
    open.read_to_string(&mut text).unwrap();
    assert_eq!(text, "first");
}

pub async fn a_spool_reads_on_after_it_was_put<B: Blobs>(blobs: Arc<B>) {
    let mut spool = spool(&*blobs, b"0123456789").await;
    spool.seek(SeekFrom::Start(4)).unwrap();
    blobs.put(Zone::Held, "a", &spool).await.unwrap();
    let mut rest = String::new();
    spool.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "456789", "its offset did not move");
    assert_eq!(
        get(&*blobs, Zone::Held, "a").await.as_deref(),
        Some(&b"0123456789"[..]),
        "from the first byte"
    );
    blobs.remove(Zone::Held, "a").await.unwrap();
    spool.seek(SeekFrom::Start(0)).unwrap();
    let mut all = String::new();
    spool.read_to_string(&mut all).unwrap();
    assert_eq!(all, "0123456789");
}

pub async fn a_spool_can_be_put_twice<B: Blobs>(blobs: Arc<B>) {
    let spool = spool(&*blobs, b"same").await;
    for (zone, key) in
        [(Zone::Held, "a"), (Zone::Held, "a"), (Zone::Held, "b"), (Zone::Published, "a/original")]
    {
        blobs.put(zone, key, &spool).await.unwrap();
        assert_eq!(get(&*blobs, zone, key).await.as_deref(), Some(&b"same"[..]));
    }
    assert_eq!(keys(&*blobs, Zone::Held).await, ["a", "b"]);
    blobs.remove(Zone::Held, "a").await.unwrap();
    assert!(
        get(&*blobs, Zone::Held, "b").await.is_some()
            && get(&*blobs, Zone::Published, "a/original").await.is_some()
    );
}

pub async fn what_is_held_can_be_published<B: Blobs>(blobs: Arc<B>) {
    put(&*blobs, Zone::Held, "a", b"bytes").await;
    let held = blobs.open(Zone::Held, "a").await.unwrap().expect("put");
    blobs.put(Zone::Published, "a/original", &held).await.unwrap();
    blobs.remove(Zone::Held, "a").await.unwrap();
    assert_eq!(get(&*blobs, Zone::Published, "a/original").await.as_deref(), Some(&b"bytes"[..]));
}

pub async fn any_regular_file_can_be_put<B: Blobs>(blobs: Arc<B>) {
    let mut outside = tempfile::NamedTempFile::new().expect("a file elsewhere");
    outside.write_all(b"before").unwrap();
    blobs.put(Zone::Held, "a", outside.as_file()).await.unwrap();
    outside.as_file_mut().set_len(0).unwrap();
    assert_eq!(get(&*blobs, Zone::Held, "a").await.as_deref(), Some(&b"before"[..]), "it is a copy");
}

pub async fn a_reader_cannot_write<B: Blobs>(blobs: Arc<B>) {
    let spool = spool(&*blobs, b"bytes").await;
    let mut reader = reader(&spool).unwrap();
    reader.write_all(b"x").expect_err("a reader only reads");
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "bytes", "from offset 0, wherever the spool stands");
    blobs.put(Zone::Held, "a", &spool).await.unwrap();
    let mut open = blobs.open(Zone::Held, "a").await.unwrap().expect("put");
    open.write_all(b"x").expect_err("an object only reads");
}

pub async fn ranges_are_read<B: Blobs>(blobs: Arc<B>) {
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    put(&*blobs, Zone::Published, "a", &bytes).await;
    let all = bytes.len() as u64;
    for range in [0..all, 0..1, 0..0, 7..100_007, all - 1..all, 5..5, all..all] {
        let read = match blobs.read(Zone::Published, "a", range.clone()).await.unwrap().expect("put") {
            Reading::File(file) => {
                let mut read = vec![0; (range.end - range.start) as usize];
                file.read_exact_at(&mut read, range.start).unwrap();
                read
            }
            Reading::Stream { size, bytes } => {
                assert_eq!(size, all, "{range:?}");
                bytes.try_collect::<Vec<_>>().await.unwrap().concat()
            }
        };
        assert!(read == bytes[range.start as usize..range.end as usize], "{range:?}");
    }
    for range in [0..all + 1, all..all + 1, all + 5..all + 6, all + 5..all + 5] {
        let error = blobs.read(Zone::Published, "a", range.clone()).await.err();
        assert_eq!(error.map(|error| error.kind), Some(Kind::Fail), "{range:?}");
    }
    assert!(blobs.read(Zone::Published, "b", 0..1).await.unwrap().is_none());
    assert!(blobs.read(Zone::Published, "b", 0..0).await.unwrap().is_none());
    assert!(blobs.read(Zone::Held, "a", 0..1).await.unwrap().is_none());
}

pub async fn zones_are_apart<B: Blobs>(blobs: Arc<B>) {
    put(&*blobs, Zone::Held, "a", b"held").await;
    assert_eq!(get(&*blobs, Zone::Published, "a").await, None, "what is held is not published");
    put(&*blobs, Zone::Published, "a", b"published").await;
    blobs.remove(Zone::Held, "a").await.unwrap();
    assert_eq!(get(&*blobs, Zone::Published, "a").await.as_deref(), Some(&b"published"[..]));
    assert_eq!(keys(&*blobs, Zone::Held).await, Vec::<String>::new());
}

pub async fn removing_is_quiet_and_final<B: Blobs>(blobs: Arc<B>) {
    for zone in BOTH {
        blobs.remove(zone, "a/b").await.expect("nothing to remove is no error");
        put(&*blobs, zone, "a/b", b"x").await;
        blobs.remove(zone, "a/b").await.unwrap();
        assert_eq!(get(&*blobs, zone, "a/b").await, None);
        blobs.remove(zone, "a/b").await.expect("nor is it the second time");
        put(&*blobs, zone, "a/b", b"y").await;
        assert_eq!(get(&*blobs, zone, "a/b").await.as_deref(), Some(&b"y"[..]), "the key can be used again");
    }
}

pub async fn odd_keys_are_refused<B: Blobs>(blobs: Arc<B>) {
    let long = "x".repeat(256);
    let odd = [
        "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/..", "a/.b", ".a", "A", "a b", "a\0",
        "a\n", "é", "a\\b", "a~b", "%2e%2e", "a:b", &long,
    ];
    for key in odd {
        let spool = spool(&*blobs, b"x").await;
        for zone in BOTH {
            let put = blobs.put(zone, key, &spool).await.expect_err(key);
            assert_eq!(put.kind, Kind::Fail, "{key:?}");
            assert!(put.to_string().contains("key"), "{key:?} is refused for what it is, not with: {put}");
            assert!(blobs.open(zone, key).await.is_err(), "open {key:?}");
            assert!(blobs.remove(zone, key).await.is_err(), "remove {key:?}");
        }
    }
    let longest = "x".repeat(255);
    for key in ["a", "a.b-c_d/0", "a..", "0..1/a...", "a/b/c/d/e", &longest] {
        put(&*blobs, Zone::Held, key, key.as_bytes()).await;
        assert_eq!(get(&*blobs, Zone::Held, key).await.as_deref(), Some(key.as_bytes()));
    }
}

pub async fn keys_of_one_and_of_many_parts_live_together<B: Blobs>(blobs: Arc<B>) {
    let all = ["a", "a-b", "a-b/c", "a.b", "a/b", "a/b/c", "ab", "abcdefg", "abcdefg/h", "abcdefgh", "b"];
    for key in all {
        put(&*blobs, Zone::Held, key, key.as_bytes()).await;
    }
    let mut sorted = all.map(str::to_owned);
    sorted.sort();
    assert_eq!(keys(&*blobs, Zone::Held).await, sorted);
    for key in all {
        assert_eq!(get(&*blobs, Zone::Held, key).await.as_deref(), Some(key.as_bytes()), "{key}");
    }
}

pub async fn keys_are_listed_in_order_by_page<B: Blobs>(blobs: Arc<B>) {
    // A thousand keys of uploads some 100 s apart, put out of order.
    let key = |n: u64| format!("{}/original", id(n * 100));
    let nothing = spool(&*blobs, b"").await;
    for n in 0..1000_u64 {
        blobs.put(Zone::Published, &key(n * 617 % 1000), &nothing).await.unwrap();
    }
    let mut expected: Vec<String> = (0..1000).map(key).collect();
    expected.sort();
    assert_eq!(keys(&*blobs, Zone::Published).await, expected);
    let (mut found, mut after) = (Vec::new(), String::new());
    // 16 pages; a list that does not move on shall fail, not loop.
    for _ in 0..20 {
        let page = blobs.list(Zone::Published, &after, 64).await.unwrap();
        assert!(page.len() <= 64, "a page holds no more than was asked for");
        let Some(last) = page.last() else { break };
        after.clone_from(last);
        found.extend(page);
    }
    assert_eq!(found, expected);
    let between = id(50_050).to_string();
    let rest = blobs.list(Zone::Published, &between, 1).await.unwrap();
    assert_eq!(rest, [key(501)], "after a key that is not there");
    assert_eq!(blobs.list(Zone::Published, "~", 9).await.unwrap(), Vec::<String>::new());
}

pub async fn objects_may_be_put_and_removed_at_the_same_time<B: Blobs>(blobs: Arc<B>) {
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let blobs = Arc::clone(&blobs);
            tokio::spawn(async move {
                for round in 0..20 {
                    let key = format!("same-shard-{task}");
                    put(&*blobs, Zone::Held, &key, &[task, round]).await;
                    put(&*blobs, Zone::Held, "shared", &[task; 1000]).await;
                    assert_eq!(get(&*blobs, Zone::Held, &key).await, Some(vec![task, round]));
                    let shared = get(&*blobs, Zone::Held, "shared").await.expect("it is always there");
                    assert!(
                        shared.len() == 1000 && shared.iter().all(|b| *b == shared[0]),
                        "whole, and of one task"
                    );
                    blobs.remove(Zone::Held, &key).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(keys(&*blobs, Zone::Held).await, ["shared"]);
}

pub async fn free_bytes_are_told_or_unknown<B: Blobs>(blobs: Arc<B>) {
    assert_ne!(blobs.free_bytes().await.unwrap(), Some(0));
}
