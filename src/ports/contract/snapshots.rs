//! The suite of newest frames; the adapter is a store.

use super::{
    samples::at,
    wall::{id, open},
};
use crate::ports::{
    Store,
    snapshots::{Asked, Snapshot},
    store::Stale,
};
use std::sync::Arc;

#[macro_export]
macro_rules! snapshots_contract {
    ($make:path) => {
        $crate::contract_cases! { snapshots, $make;
            the_newest_frame_is_put_there_by_who_watches_while_it_is_asked_for
            what_nobody_asks_for_is_forgotten_and_no_stream_waits_for_it
        }
    };
}

fn snapshot(key: &str, second: i64) -> Snapshot {
    Snapshot {
        key: key.into(),
        media_type: "image/jpeg".into(),
        scores: [("m.bad".to_owned(), 0.5)].into(),
        at: at(second),
    }
}

pub async fn the_newest_frame_is_put_there_by_who_watches_while_it_is_asked_for<S: Store>(store: Arc<S>) {
    for n in 1..=3 {
        open(&*store, n, "acme").await;
    }
    store.close_stream(&super::samples::tenant("acme"), id(3), "key:k1", at(4)).await.unwrap();
    let watch = store.watch_stream(id(1), "w1", at(5), at(40)).await.unwrap().unwrap();
    let put = async |fence, key: &str, second| {
        store.put_snapshot(id(1), fence, &snapshot(key, second)).await.unwrap()
    };
    assert_eq!(put(watch.fence, "a", 6).await, Err(Stale), "nobody asks");
    store.ask_for_snapshots(&[id(3), id(2), id(1), id(9)], at(20)).await.unwrap();
    let mut wanted = store.wanted_snapshots(at(19)).await.unwrap();
    wanted.sort_unstable();
    assert_eq!(wanted, [id(1), id(2)], "those that are open");
    assert!(store.wanted_snapshots(at(20)).await.unwrap().is_empty());
    let asked = |until, snapshot| [Asked { stream: id(1), until: at(until), snapshot }];
    assert_eq!(store.snapshots(&[id(1)], at(6)).await.unwrap(), asked(20, None));
    assert_eq!(put(watch.fence, "a", 7).await, Ok(None));
    assert_eq!(put(watch.fence, "a", 8).await, Ok(None), "in the place of the one before");
    assert_eq!(put(watch.fence, "b", 9).await, Ok(Some("a".into())), "whose bytes are nobody's now");
    assert_eq!(put(watch.fence + 1, "c", 9).await, Err(Stale));
    assert_eq!(put(watch.fence, "c", 20).await, Err(Stale), "nobody asks any more");
    assert_eq!(store.snapshots(&[id(2), id(1)], at(10)).await.unwrap().len(), 2);
    assert_eq!(store.snapshots(&[], at(10)).await.unwrap(), []);
    // Who asks for less does not take from who asks for more.
    store.ask_for_snapshots(&[id(1)], at(60)).await.unwrap();
    store.ask_for_snapshots(&[id(1)], at(30)).await.unwrap();
    assert_eq!(store.snapshots(&[id(1)], at(21)).await.unwrap(), asked(60, Some(snapshot("b", 9))));
    let next = store.watch_stream(id(1), "w2", at(41), at(80)).await.unwrap().unwrap();
    assert_eq!(put(watch.fence, "c", 42).await, Err(Stale), "another watches");
    assert_eq!(put(next.fence, "c", 42).await, Ok(Some("b".into())));
    store.close_stream(&super::samples::tenant("acme"), id(1), "key:k1", at(43)).await.unwrap();
    assert_eq!(put(next.fence, "d", 44).await, Err(Stale), "it is closed");
}

pub async fn what_nobody_asks_for_is_forgotten_and_no_stream_waits_for_it<S: Store>(store: Arc<S>) {
    for n in 1..=3 {
        open(&*store, n, "acme").await;
        store.ask_for_snapshots(&[id(n)], at(10 * i64::from(n))).await.unwrap();
    }
    assert_eq!(store.unwanted_snapshots(at(9), 9).await.unwrap(), []);
    assert_eq!(store.unwanted_snapshots(at(20), 1).await.unwrap(), [id(1)], "the longest ago first");
    store.drop_snapshot(id(1), at(20)).await.unwrap();
    assert_eq!(store.unwanted_snapshots(at(20), 9).await.unwrap(), [id(2)]);
    // Somebody looks again just before it goes: it is asked for still, and has no frame.
    let watch = store.watch_stream(id(2), "w1", at(12), at(90)).await.unwrap().unwrap();
    assert_eq!(store.put_snapshot(id(2), watch.fence, &snapshot("a", 13)).await.unwrap(), Ok(None));
    store.ask_for_snapshots(&[id(2)], at(70)).await.unwrap();
    store.drop_snapshot(id(2), at(21)).await.unwrap();
    let left = [Asked { stream: id(2), until: at(70), snapshot: None }];
    assert_eq!(store.snapshots(&[id(1), id(2)], at(21)).await.unwrap(), left);
    store.close_stream(&super::samples::tenant("acme"), id(3), "key:k1", at(21)).await.unwrap();
    assert!(store.erase_stream(id(3), at(22), at(23)).await.unwrap());
    assert_eq!(store.snapshots(&[id(3)], at(23)).await.unwrap(), [], "it went with its stream");
}
