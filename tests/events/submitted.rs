use crate::{
    inbox::Letters,
    objects::{Buckets, Fate},
    world::{TestClock, World, eventually},
};
use lazaret::{
    Task,
    adapters::{fs::Fs, store_queue::StoreQueue},
    intake::{
        accept::Door,
        source::{Fetching, SourceRule, SourceRules},
        submitted::{Desk, Options},
    },
    ports::{
        Blobs, Kind,
        blobs::Zone,
        random::SystemRandom,
        store::{Page, Upload},
    },
    telemetry::Metrics,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{
    io::Read,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

const GRACE: Duration = Duration::from_secs(10);
const HELLO: &[u8] = b"hello world";

struct Bench {
    world: World,
    letters: Arc<Letters>,
    buckets: Arc<Buckets>,
    blobs: Arc<dyn Blobs>,
    running: Option<Task>,
}

impl Bench {
    async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    async fn open_with(change: impl FnOnce(&mut Desk)) -> Self {
        let world = World::new().await;
        let (letters, buckets, clock) = (Letters::new(), Buckets::new(), TestClock::still());
        let blobs: Arc<dyn Blobs> = Arc::new(Fs::open(world.folder.path().join("blobs")).unwrap());
        let rule = |tenant: &str, bucket: &str, prefix: &str, user: Option<&str>| SourceRule {
            tenant: tenant.parse().unwrap(),
            bucket: bucket.into(),
            prefix: prefix.into(),
            amqp_user: user.map(str::to_owned),
        };
        let rules =
            vec![rule("acme", "acme-uploads", "new/", None), rule("beta", "beta", "", Some("beta-app"))];
        let queue = StoreQueue::new(world.store.clone(), clock.clone(), Duration::from_secs(1));
        let mut desk = Desk {
            inbox: letters.clone(),
            fetching: Fetching {
                sources: buckets.clone(),
                blobs: blobs.clone(),
                rules: Arc::new(SourceRules::new(rules).unwrap()),
                max_bytes: 1000,
                reserve_bytes: 0,
            },
            door: Door {
                store: world.store.clone(),
                blobs: blobs.clone(),
                queue: Arc::new(queue),
                settled: Default::default(),
                metrics: Arc::new(Metrics::new()),
            },
            clock,
            random: Arc::new(SystemRandom),
            options: Options {
                retry: Duration::from_millis(1),
                longest: Duration::from_millis(5),
                attempts: 4,
                missing: 3,
                ..Options::default()
            },
            line: Arc::default(),
        };
        change(&mut desk);
        let running = Some(desk.start());
        Self { world, letters, buckets, blobs, running }
    }

    fn hello(&self, key: &str) {
        self.buckets.put(&format!("acme-uploads/{key}"), Fate::Bytes(HELLO.to_vec()));
    }

    async fn acked(&self, count: usize) {
        let letters = &self.letters;
        eventually("all are answered", async || letters.acked() + letters.buried().len() >= count).await;
        assert_eq!((letters.acked(), letters.buried()), (count, vec![]), "{}", letters.details());
    }

    async fn buried(&self, codes: &[&str]) {
        let letters = &self.letters;
        eventually("all are answered", async || letters.acked() + letters.buried().len() >= codes.len())
            .await;
        assert_eq!(letters.buried(), codes, "{}", letters.details());
    }

    async fn uploads(&self, tenant: &str) -> Vec<Upload> {
        let page = Page { limit: 1000, ..Page::default() };
        self.world.store.uploads(&tenant.parse().unwrap(), &page).await.unwrap()
    }

    async fn close(mut self) {
        self.running.take().unwrap().drain(GRACE).await;
        // Held bytes are those of uploads, and no others.
        let held = self.blobs.list(Zone::Held, "", 1000).await.unwrap();
        let mut all = self.uploads("acme").await;
        all.extend(self.uploads("beta").await);
        let mut ids: Vec<_> = all.iter().map(|upload| upload.id.to_string()).collect();
        ids.sort();
        assert_eq!(held, ids);
    }
}

fn sample(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/events/samples");
    std::fs::read_to_string(format!("{folder}/{name}.json")).unwrap()
}

/// A submission of this object, under an id of its own.
fn event(id: &str, url: &str, more: serde_json::Value) -> String {
    let mut data = json!({"source": {"url": url}});
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"specversion": "1.0", "type": "io.lazaret.upload.submitted.v1", "source": "/app", "id": id, "data": data})
        .to_string()
}

#[tokio::test]
async fn what_is_submitted_is_held_and_accepted_before_it_is_acknowledged() {
    let bench = Bench::open().await;
    bench.hello("new/my photo.jpg");
    bench.letters.send_as(Some("shop"), &sample("cloudevent"));
    bench.acked(1).await;
    // Nothing was waited for since: what is acknowledged is there.
    let upload = bench.uploads("acme").await.remove(0);
    assert_eq!((upload.external_id.as_deref(), upload.size), (Some("shop-17"), 11));
    assert_eq!(upload.sha256, lazaret::hex(&Sha256::digest(HELLO)));
    assert_eq!(
        (upload.filename.as_deref(), upload.declared.as_deref()),
        (Some("holiday.jpg"), Some("image/jpeg"))
    );
    let mut held = Vec::new();
    let file = bench.blobs.open(Zone::Held, &upload.id.to_string()).await.unwrap();
    file.unwrap().read_to_end(&mut held).unwrap();
    assert_eq!(held, HELLO);
    assert_eq!(bench.world.store.audit(0, 10).await.unwrap()[0].actor, "queue:shop");
    assert_eq!(bench.world.entries().await[0].kind, "upload.received");
    bench.close().await;
}

#[tokio::test]
async fn bucket_notices_are_taken_as_they_are() {
    let bench = Bench::open().await;
    for key in ["new/happy face+\u{e9}.jpg", "new/second.png", "new/minio photo.jpg"] {
        bench.hello(key);
    }
    for name in ["aws", "minio", "aws-test"] {
        bench.letters.send(&sample(name));
    }
    bench.acked(3).await;
    let mut names: Vec<_> =
        bench.uploads("acme").await.into_iter().map(|upload| upload.filename.unwrap()).collect();
    names.sort();
    assert_eq!(names, ["happy face+\u{e9}.jpg", "minio photo.jpg", "second.png"]);
    bench.close().await;
}

#[tokio::test]
async fn what_comes_again_is_one_upload() {
    let bench = Bench::open().await;
    for key in ["new/a", "new/minio photo.jpg"] {
        bench.hello(key);
    }
    // Whoever gives an id again means the first upload, whatever lies there now.
    bench.buckets.put("acme-uploads/new/b", Fate::Bytes(b"other bytes".to_vec()));
    let with_id =
        |id: &str, key: &str| event(id, &format!("s3://acme-uploads/{key}"), json!({"external_id": "e"}));
    for letter in [with_id("1", "new/a"), with_id("2", "new/b"), with_id("1", "new/a"), sample("minio")] {
        for _ in 0..3 {
            bench.letters.send(&letter);
        }
    }
    bench.acked(12).await;
    assert_eq!(bench.uploads("acme").await.len(), 2, "one with the id, one of the notice");
    bench.close().await;
}

#[tokio::test]
async fn what_will_never_be_taken_goes_to_the_dead_letters_with_its_reason() {
    let cases = [
        (None, "not JSON".to_owned(), "body.malformed"),
        (None, "{}".to_owned(), "body.unknown"),
        (None, event("1", "s3://acme-uploads/other/a", json!({})), "source.forbidden"),
        (None, event("2", "s3://acme-uploads/new/../other/a", json!({})), "source.forbidden"),
        (None, event("3", "s3://elsewhere/new/a", json!({})), "source.forbidden"),
        (None, event("4", "s3://beta/a", json!({})), "source.forbidden"),
        (Some("acme-app"), event("5", "s3://beta/a", json!({})), "source.forbidden"),
        (None, event("6", "s3://acme-uploads/new/none", json!({})), "source.missing"),
        (None, event("7", "s3://acme-uploads/new/large", json!({})), "source.too_large"),
        (None, event("8", "s3://acme-uploads/new/empty", json!({})), "source.empty"),
        (None, event("9", "s3://acme-uploads/new/a", json!({"size": 12})), "source.mismatch"),
        (None, event("10", "s3://acme-uploads/new/a", json!({"sha256": "0".repeat(64)})), "source.mismatch"),
        (None, event("11", "s3://acme-uploads/new/refused", json!({})), "source.failed"),
        (None, event("12", "s3://acme-uploads/new/panics", json!({})), "source.failed"),
    ];
    for (user, letter, code) in cases {
        let bench = Bench::open().await;
        bench.hello("new/a");
        bench.hello("other/a");
        bench.buckets.put("beta/a", Fate::Bytes(HELLO.to_vec()));
        bench.buckets.put("acme-uploads/new/large", Fate::Bytes(vec![1; 1001]));
        bench.buckets.put("acme-uploads/new/empty", Fate::Bytes(vec![]));
        bench.buckets.put("acme-uploads/new/refused", Fate::Trouble(Kind::Fail, 1000, vec![]));
        bench.buckets.put("acme-uploads/new/panics", Fate::Panics);
        bench.letters.send_as(user, &letter);
        bench.buried(&[code]).await;
        assert_eq!(bench.uploads("acme").await, [], "{code}");
        bench.close().await;
    }
}

#[tokio::test]
async fn the_brokers_account_says_whose_it_is() {
    let bench = Bench::open().await;
    bench.buckets.put("beta/a", Fate::Bytes(HELLO.to_vec()));
    bench.letters.send_as(Some("beta-app"), &event("1", "s3://beta/a", json!({})));
    bench.acked(1).await;
    assert_eq!(bench.uploads("beta").await.len(), 1);
    bench.close().await;
}

#[tokio::test]
async fn trouble_that_passes_costs_nothing_but_time() {
    let bench = Bench::open().await;
    // Far more often than a message is tried that fails by itself.
    bench.buckets.put("acme-uploads/new/a", Fate::Trouble(Kind::Retry, 30, HELLO.to_vec()));
    bench.buckets.put("acme-uploads/new/b", Fate::Late(2, HELLO.to_vec()));
    bench.letters.send(&event("1", "s3://acme-uploads/new/a", json!({})));
    bench.letters.send(&event("2", "s3://acme-uploads/new/b", json!({})));
    bench.acked(2).await;
    assert_eq!((bench.uploads("acme").await.len(), bench.letters.delayed()), (2, 32));
    bench.close().await;
}

#[tokio::test]
async fn what_waited_has_all_its_tries_left() {
    let bench = Bench::open().await;
    let place = "acme-uploads/new/a";
    bench.buckets.put(place, Fate::Trouble(Kind::Retry, 1000, vec![]));
    bench.letters.send(&event("1", "s3://acme-uploads/new/a", json!({})));
    eventually("it waits for long", async || bench.letters.delayed() > 10).await;
    // One less than it may fail.
    bench.buckets.put(place, Fate::Trouble(Kind::Fail, 3, HELLO.to_vec()));
    bench.acked(1).await;
    assert_eq!(bench.uploads("acme").await.len(), 1);
    bench.close().await;
}

#[tokio::test]
async fn a_poisoned_message_holds_up_no_neighbour() {
    let bench = Bench::open_with(|desk| desk.options.prefetch = 4).await;
    bench.buckets.put("acme-uploads/new/hangs", Fate::Hangs);
    bench.buckets.put("acme-uploads/new/panics", Fate::Panics);
    bench.letters.send(&event("0", "s3://acme-uploads/new/hangs", json!({})));
    bench.letters.send(&event("1", "s3://acme-uploads/new/panics", json!({})));
    for n in 2..40 {
        bench.hello(&format!("new/{n}"));
        bench.letters.send(&event(&n.to_string(), &format!("s3://acme-uploads/new/{n}"), json!({})));
    }
    eventually("its neighbours are taken", async || bench.letters.acked() == 38).await;
    eventually("it is buried", async || bench.letters.buried() == ["source.failed"]).await;
    bench.running.unwrap().drain(Duration::ZERO).await;
}

#[tokio::test]
async fn one_tenants_many_leave_room_for_anothers_first() {
    let bench = Bench::open_with(|desk| desk.options.prefetch = 4).await;
    for n in 0..20 {
        bench.buckets.put(&format!("acme-uploads/new/{n}"), Fate::Hangs);
        bench.letters.send(&event(&n.to_string(), &format!("s3://acme-uploads/new/{n}"), json!({})));
    }
    bench.buckets.put("beta/a", Fate::Bytes(HELLO.to_vec()));
    bench.letters.send_as(Some("beta-app"), &event("1", "s3://beta/a", json!({})));
    bench.acked(1).await;
    eventually("the others wait in the slow lane", async || bench.letters.moved() == 18).await;
    assert_eq!(*bench.buckets.opened.lock().unwrap(), 3, "of what waits nothing is fetched");
    // What waits for its turn does not begin when it is too late.
    bench.running.unwrap().drain(Duration::ZERO).await;
    assert_eq!(*bench.buckets.opened.lock().unwrap(), 3);
}

#[tokio::test]
async fn one_whose_turn_does_not_come_goes_to_the_end_of_its_line() {
    let bench = Bench::open_with(|desk| {
        desk.options.prefetch = 2;
        desk.options.hold = Duration::from_millis(20);
    })
    .await;
    for n in 0..3 {
        bench.buckets.put(&format!("acme-uploads/new/{n}"), Fate::Hangs);
        bench.letters.send(&event(&n.to_string(), &format!("s3://acme-uploads/new/{n}"), json!({})));
    }
    // To the slow lane, and from there on by waiting.
    eventually("it goes back again and again", async || bench.letters.moved() > 2 + 10).await;
    assert_eq!((bench.letters.delayed(), bench.letters.buried()), (0, vec![]), "which costs it nothing");
    bench.running.unwrap().drain(Duration::ZERO).await;
}

#[tokio::test]
async fn what_waits_for_its_turn_goes_with_its_connection() {
    let bench = Bench::open_with(|desk| desk.options.prefetch = 2).await;
    for n in 0..10 {
        bench.buckets.put(&format!("acme-uploads/new/{n}"), Fate::Hangs);
        bench.letters.send(&event(&n.to_string(), &format!("s3://acme-uploads/new/{n}"), json!({})));
    }
    let given = async || bench.letters.given.load(Ordering::SeqCst) == 10 + 9;
    eventually("all but one are moved, and wait in the slow lane", given).await;
    bench.letters.lose();
    eventually("they are let go of", async || bench.letters.dropped() == 9).await;
    bench.running.unwrap().drain(Duration::ZERO).await;
}

#[tokio::test]
async fn one_that_hangs_is_let_go_of_and_comes_again() {
    let bench = Bench::open_with(|desk| desk.options.patience = Duration::from_millis(500)).await;
    bench.buckets.put("acme-uploads/new/a", Fate::Hangs);
    bench.letters.send(&event("1", "s3://acme-uploads/new/a", json!({})));
    eventually("it comes again", async || bench.letters.delayed() > 1).await;
    bench.hello("new/a");
    bench.acked(1).await;
    bench.close().await;
}

#[tokio::test]
async fn of_several_records_the_good_are_taken_and_the_bad_are_told() {
    let bench = Bench::open().await;
    bench.hello("new/a");
    let record = |key: &str| {
        json!({"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "acme-uploads"}, "object": {"key": key, "sequencer": "1"}}})
    };
    bench.letters.send(&json!({"Records": [record("other/a"), record("new/a")]}).to_string());
    bench.buried(&["source.forbidden"]).await;
    assert_eq!(bench.uploads("acme").await.len(), 1);
    bench.close().await;
}
