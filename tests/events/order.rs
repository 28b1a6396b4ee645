use crate::{
    broker::{Broker, Fate, quick, relay},
    world::{TestClock, World, eventually},
};
use lazaret::{events::relay::Options, upload::Decision};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A small generator with a printed seed.
fn dice(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed | 1;
    move |sides| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % sides
    }
}

/// A broker that loses, takes and keeps silent, and confirms, at random: everything arrives, and nothing of an upload
/// before all that stands before it was confirmed.
#[tokio::test]
async fn nothing_is_lost_and_each_upload_is_told_in_order() {
    for seed in [0x5eed_0001_u64, 0x5eed_0002, 0x5eed_0003] {
        println!("seed {seed:#x}");
        let world = World::new().await;
        let mut ids = Vec::new();
        for n in 0..60 {
            ids.push(world.receive(n).await);
        }
        for (n, id) in ids.iter().enumerate() {
            if n % 3 > 0 {
                world.settle(*id, Decision::Publish).await;
            }
            if n % 5 == 0 {
                let at = lazaret::ports::contract::samples::at(1_500_000);
                world.store.erase(&"acme".parse().unwrap(), *id, "key:k", at).await.unwrap().unwrap();
            }
        }
        let mut roll = dice(seed);
        let broker = Broker::new(move |_| match roll(10) {
            0..3 => Fate::Lost,
            3..5 => Fate::Unconfirmed,
            _ => Fate::Confirmed,
        });
        let options = Options { batch: 16, ..quick("a") };
        let running = relay(&world, Some(broker.clone()), TestClock::still(), options).start();
        eventually("all is handed on", async || world.all_handed_on().await).await;
        running.drain(Duration::from_secs(10)).await;

        let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for entry in world.entries().await {
            let id = lazaret::events::cloud::id(&entry);
            expected.entry(entry.upload.to_string()).or_default().push(id);
        }
        let mut confirmed: BTreeSet<String> = BTreeSet::new();
        for arrival in broker.arrivals.lock().unwrap().iter() {
            let (_, upload) = arrival.message.id.split_once('-').unwrap();
            let before = expected[upload].iter().take_while(|id| **id != arrival.message.id);
            for earlier in before {
                assert!(confirmed.contains(earlier), "{} came before {earlier}", arrival.message.id);
            }
            if arrival.confirmed {
                confirmed.insert(arrival.message.id.clone());
            }
        }
        assert_eq!(confirmed.len(), expected.values().map(Vec::len).sum::<usize>(), "all are confirmed");
    }
}
