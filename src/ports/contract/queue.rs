//! The Queue's suite. The queue comes with the store that it serves, for a message is work that the store has.

use crate::{
    ports::{
        Queue, Store,
        contract::samples::{TERM, at, id, settlement, tenant, upload},
        queue::Delivery,
    },
    upload::Decision,
};
use std::{sync::Arc, time::Duration};

/// A queue whose clock stands at or after second 10 of the samples, and which looks again by itself within a second.
pub struct Bench<S, Q> {
    pub store: Arc<S>,
    pub queue: Arc<Q>,
}

#[macro_export]
macro_rules! queue_contract {
    ($make:path) => {
        $crate::contract_cases! { queue, $make;
            what_is_accepted_is_received
            an_id_is_not_handed_out_twice_at_a_time
            what_is_dropped_is_delivered_again
            what_is_handed_back_comes_again_after_its_delay
            what_is_done_does_not_come_again
            a_sleeping_receiver_wakes
            a_cancelled_receive_loses_nothing
            every_id_reaches_one_of_many_receivers
        }
    };
}

const SOON: Duration = Duration::from_secs(10);
const NEVER: Duration = Duration::from_millis(300);

async fn next(queue: &impl Queue) -> Delivery {
    let delivery =
        tokio::time::timeout(SOON, queue.receive()).await.expect("there is work, but none was delivered");
    delivery.expect("receive")
}

async fn nothing(queue: &impl Queue, why: &str) {
    if let Ok(delivery) = tokio::time::timeout(NEVER, queue.receive()).await {
        panic!("{why}, but {} was delivered", delivery.expect("receive").upload);
    }
}

pub async fn what_is_accepted_is_received<S: Store, Q: Queue>(bench: Bench<S, Q>) {
    nothing(&*bench.queue, "nothing was accepted").await;
    bench.store.accept(&upload(1)).await.unwrap();
    bench.queue.wake();
    assert_eq!(next(&*bench.queue).await.upload, id(1));
}

pub async fn an_id_is_not_handed_out_twice_at_a_time<S: Store, Q: Queue>(bench: Bench<S, Q>) {
    for n in 1..=2 {
        bench.store.accept(&upload(n)).await.unwrap();
    }
    bench.queue.wake();
    let first = next(&*bench.queue).await;
    let second = next(&*bench.queue).await;
    assert_ne!(first.upload, second.upload);
    bench.queue.wake();
    nothing(&*bench.queue, "both are out").await;
}

pub async fn what_is_dropped_is_delivered_again<S: Store, Q: Queue>(bench: Bench<S, Q>) {
    bench.store.accept(&upload(1)).await.unwrap();
    bench.queue.wake();
    for _ in 0..3 {
        assert_eq!(next(&*bench.queue).await.upload, id(1));
    }
}

pub async fn what_is_handed_back_comes_again_after_its_delay<S: Store, Q: Queue>(bench: Bench<S, Q>) {
    bench.store.accept(&upload(1)).await.unwrap();
    bench.queue.wake();
    next(&*bench.queue).await.ticket.nack(Duration::from_secs(2)).await.unwrap();
    let began = tokio::time::Instant::now();
    bench.queue.wake();
    nothing(&*bench.queue, "its delay runs").await;
    assert_eq!(next(&*bench.queue).await.upload, id(1));
    assert!(began.elapsed() >= Duration::from_millis(1900), "not before its delay");
}

pub async fn what_is_done_does_not_come_again<S: Store, Q: Queue>(bench: Bench<S, Q>) {
    bench.store.accept(&upload(1)).await.unwrap();
    bench.queue.wake();
    let delivery = next(&*bench.queue).await;
    let lease = bench.store.claim(delivery.upload, "w", at(10), TERM).await.unwrap().expect("due");
    bench.store.settle(&lease, &settlement(&lease, Decision::Review, at(10))).await.unwrap().unwrap();
    delivery.ticket.ack().await.unwrap();
    bench.store.accept(&upload(2)).await.unwrap();
    bench.store.erase(&tenant("acme"), id(2), "key:k1", at(10)).await.unwrap();
    bench.queue.wake();
    nothing(&*bench.queue, "all is settled").await;
}

pub async fn a_sleeping_receiver_wakes<S: Store, Q: Queue>(bench: Bench<S, Q>) {
    let queue = Arc::clone(&bench.queue);
    let receiver = tokio::spawn(async move { next(&*queue).await.upload });
    nothing(&*bench.queue, "nothing was accepted").await;
    bench.store.accept(&upload(1)).await.unwrap();
    bench.queue.wake();
    assert_eq!(receiver.await.unwrap(), id(1));
}

pub async fn a_cancelled_receive_loses_nothing<S: Store, Q: Queue>(bench: Bench<S, Q>) {
    for n in 1..=5 {
        bench.store.accept(&upload(n)).await.unwrap();
    }
    let mut got = Vec::new();
    // Cancelled wherever it happens to be, and then polled on until all have come.
    for micros in (0..400).chain(std::iter::repeat_n(5_000_000, 10)) {
        bench.queue.wake();
        if let Ok(delivery) = tokio::time::timeout(Duration::from_micros(micros), bench.queue.receive()).await
        {
            got.push(delivery.expect("receive"));
        }
        if got.len() == 5 {
            break;
        }
    }
    let mut ids: Vec<_> = got.iter().map(|delivery| delivery.upload).collect();
    ids.sort();
    assert_eq!(ids, (1..=5).map(id).collect::<Vec<_>>());
}

pub async fn every_id_reaches_one_of_many_receivers<S: Store, Q: Queue>(bench: Bench<S, Q>) {
    const UPLOADS: u64 = 50;
    let receivers: Vec<_> = (0..4)
        .map(|worker| {
            let (store, queue) = (Arc::clone(&bench.store), Arc::clone(&bench.queue));
            tokio::spawn(async move {
                let mut mine = Vec::new();
                while let Ok(delivery) = tokio::time::timeout(Duration::from_secs(3), queue.receive()).await {
                    let Delivery { upload, ticket } = delivery.expect("receive");
                    let worker = format!("w{worker}");
                    if let Some(lease) = store.claim(upload, &worker, at(10), TERM).await.unwrap() {
                        store
                            .settle(&lease, &settlement(&lease, Decision::Review, at(10)))
                            .await
                            .unwrap()
                            .unwrap();
                        mine.push(upload);
                    }
                    ticket.ack().await.unwrap();
                }
                mine
            })
        })
        .collect();
    for n in 1..=UPLOADS {
        let new = crate::ports::store::NewUpload { at: at(1), ..upload(n) };
        bench.store.accept(&new).await.unwrap();
        bench.queue.wake();
    }
    let mut all = Vec::new();
    for receiver in receivers {
        all.extend(receiver.await.unwrap());
    }
    all.sort();
    assert_eq!(all, (1..=UPLOADS).map(id).collect::<Vec<_>>(), "each once");
    assert_eq!(bench.store.backlog().await.unwrap(), 0);
}
