//! Backends that send: most over HTTP, some by reference through the broker, everything until it is accepted. What asks
//! for work is said one to five times, shuffled.

use crate::{
    files::{File, Mix, file, large, shuffle},
    mail::Mail,
    place::Place,
    wait::PATIENCE,
};
use lazaret_fixtures::Noise;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{Mutex as Turn, Semaphore},
    time::sleep,
};

/// One in so many is submitted by reference.
const BY_REFERENCE: usize = 4;
/// Messages of work are said again when so many uploads were accepted.
const BATCH: usize = 8;
/// Backends that send at a time.
const SENDERS: usize = 4;
/// Said beside: references outside of the tenant's folder.
pub const FORBIDDEN: usize = 2;

/// One that was accepted, or that the broker took.
pub struct Sent {
    pub sha256: String,
    /// What it must come to.
    pub state: &'static str,
    /// Of those over HTTP.
    pub id: Option<String>,
}

impl Sent {
    /// What its bytes deserve; or, where others were put in their place before they were read, a moderator's look at it.
    pub fn may_be(&self, state: &str, swapped: bool) -> bool {
        state == self.state || (swapped && state == "in_review")
    }
}

/// By the id that the backend gave, or by the Idempotency-Key.
pub type Accepted = BTreeMap<String, Sent>;

pub struct Load {
    place: Arc<Place>,
    /// Where the front is now.
    url: Mutex<String>,
    key: String,
    mix: Mix,
    mail: Mail,
    client: reqwest::Client,
    next: Mutex<std::ops::Range<usize>>,
    accepted: Mutex<Accepted>,
    large: AtomicUsize,
    /// Requests begun, and ended in whatever way.
    begun: AtomicUsize,
    ended: AtomicUsize,
    /// Ids whose work is to be said again.
    again: Turn<(Vec<String>, Noise)>,
    /// How many may be sent by now.
    pub may: Semaphore,
}

impl Load {
    pub fn new(place: &Arc<Place>, url: &str, key: &str, uploads: usize, mix: Mix, seed: u32) -> Arc<Self> {
        Arc::new(Self {
            place: Arc::clone(place),
            url: Mutex::new(url.to_owned()),
            key: key.to_owned(),
            mix,
            mail: Mail::new(&place.vhost.url),
            client: reqwest::Client::new(),
            next: Mutex::new(0..uploads),
            accepted: Mutex::default(),
            large: AtomicUsize::default(),
            begun: AtomicUsize::default(),
            ended: AtomicUsize::default(),
            again: Turn::new((Vec::new(), Noise::new(seed))),
            may: Semaphore::new(0),
        })
    }

    /// Sends all, as fast as it may.
    pub async fn flow(self: &Arc<Self>) {
        let mut senders = tokio::task::JoinSet::new();
        for _ in 0..SENDERS {
            let load = Arc::clone(self);
            senders.spawn(async move {
                loop {
                    load.may.acquire().await.expect("it stays open").forget();
                    let Some(n) = load.next.lock().unwrap().next() else {
                        load.may.add_permits(1);
                        return;
                    };
                    load.send(n).await;
                }
            });
        }
        // What was sent is no more than what may be: the last permit tells all senders that it is over.
        while let Some(ended) = senders.join_next().await {
            ended.expect("everything is accepted");
        }
        for n in 0..FORBIDDEN {
            let url = format!("s3://{}/other/{n}", self.place.senders);
            self.mail.send("lazaret", "upload.submitted", &submission(&format!("no-{n}"), &url)).await;
        }
        self.repeat(0).await;
    }

    pub fn accepted(self: Arc<Self>) -> Accepted {
        std::mem::take(&mut *self.accepted.lock().unwrap())
    }

    /// The front is there from now on.
    pub fn moved(&self, url: &str) {
        url.clone_into(&mut self.url.lock().unwrap());
    }

    /// Requests over HTTP so far.
    pub fn sent(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    /// Requests over HTTP that have no answer yet.
    pub fn under_way(&self) -> usize {
        let ended = self.ended.load(Ordering::SeqCst);
        self.sent() - ended
    }

    /// One that goes to the bucket in parts, beside the others. Returns its id once it is accepted.
    pub async fn send_large(&self) -> String {
        let n = self.large.fetch_add(1, Ordering::SeqCst);
        let (name, File { name: filename, bytes, state }) = (format!("large-{n}"), large(n, self.mix));
        let sha256 = lazaret::hex(&Sha256::digest(&bytes));
        let id = self.post(&name, &filename, bytes).await;
        let sent = Sent { sha256, state, id: Some(id.clone()) };
        self.accepted.lock().unwrap().insert(name, sent);
        id
    }

    async fn send(&self, n: usize) {
        let file = file(n, self.mix);
        let name = format!("backend-{n}");
        let sha256 = lazaret::hex(&Sha256::digest(&file.bytes));
        let id = if n % BY_REFERENCE == 1 {
            let object = format!("new/{}", file.name);
            self.place.s3.tamper(&self.place.senders, &object, &file.bytes);
            let event = submission(&name, &format!("s3://{}/{object}", self.place.senders));
            for _ in 0..self.times().await {
                self.mail.send("lazaret", "upload.submitted", &event).await;
            }
            None
        } else {
            Some(self.post(&name, &file.name, file.bytes).await)
        };
        if let Some(id) = &id {
            let times = self.times().await;
            let mut again = self.again.lock().await;
            // The service said it once.
            again.0.extend(vec![id.clone(); times - 1]);
        }
        self.accepted.lock().unwrap().insert(name, Sent { sha256, state: file.state, id });
        self.repeat(BATCH).await;
    }

    async fn times(&self) -> usize {
        1 + usize::try_from(self.again.lock().await.1.below(5)).expect("small")
    }

    async fn post(&self, name: &str, filename: &str, bytes: Vec<u8>) -> String {
        let began = Instant::now();
        loop {
            self.begun.fetch_add(1, Ordering::SeqCst);
            let answer = self.try_to_post(name, filename, bytes.clone()).await;
            self.ended.fetch_add(1, Ordering::SeqCst);
            // After a kill nobody knows what was kept: the same key asks for the same upload.
            match answer {
                Ok(id) => return id,
                Err(error) => assert!(began.elapsed() < PATIENCE, "an upload is not accepted: {error}"),
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn try_to_post(&self, name: &str, filename: &str, bytes: Vec<u8>) -> Result<String, String> {
        let url = format!("{}/v1/uploads?filename={filename}", self.url.lock().unwrap());
        let request = self.client.post(url);
        let request = request.bearer_auth(&self.key).header("Idempotency-Key", name).body(bytes);
        let answer = request.send().await.map_err(|e| e.to_string())?;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.map_err(|e| e.to_string())?;
        if status == 202 { Ok(body["id"].as_str().expect("an id").to_owned()) } else { Err(body.to_string()) }
    }

    /// Says the work of more than `least` uploads again, in another order.
    async fn repeat(&self, least: usize) {
        let due = {
            let mut again = self.again.lock().await;
            let (ids, noise) = &mut *again;
            if ids.len() <= least {
                return;
            }
            shuffle(ids, noise);
            std::mem::take(ids)
        };
        for id in due {
            self.mail.send("lazaret.work", "work.main", id.as_bytes()).await;
        }
    }
}

fn submission(id: &str, url: &str) -> Vec<u8> {
    let data = json!({"source": {"url": url}, "external_id": id});
    let r#type = "io.lazaret.upload.submitted.v1";
    json!({"specversion": "1.0", "type": r#type, "source": "/backend", "id": id, "data": data})
        .to_string()
        .into_bytes()
}
