//! A tenant's server that webhooks call, over real HTTP.

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use lazaret::{
    events::webhook::{Caller, Client, Options, Schedule, Webhook, Webhooks},
    ports::{Clock, random::SystemRandom, store::Handed},
    telemetry::Metrics,
};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::world::World;

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub const NEWER: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub const DEADLINE: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub struct Hit {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

type Answers = Arc<dyn Fn(usize) -> Response + Send + Sync>;

#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    hits: Arc<Mutex<Vec<Hit>>>,
    answers: Answers,
    /// Before it answers.
    pub delay: Arc<Mutex<Duration>>,
    now: Arc<AtomicUsize>,
    /// Calls at a time, at most.
    pub most: Arc<AtomicUsize>,
}

impl Receiver {
    /// `answers` gives the answer to the hit with that number, from 0.
    pub async fn start(answers: impl Fn(usize) -> Response + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            hits: Arc::default(),
            answers: Arc::new(answers),
            delay: Arc::default(),
            now: Arc::default(),
            most: Arc::default(),
        };
        let router = Router::new().fallback(hit).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// Answers with these, and the last one for ever.
    pub async fn saying(statuses: &'static [u16]) -> Self {
        let status = move |n: usize| *statuses.get(n).or(statuses.last()).unwrap();
        Self::start(move |n| axum::http::StatusCode::from_u16(status(n)).unwrap().into_response()).await
    }

    pub fn hits(&self) -> Vec<Hit> {
        self.hits.lock().unwrap().clone()
    }

    pub fn webhook(&self, name: &str) -> Webhook {
        webhook(name, &format!("http://{}/hook", self.address))
    }
}

async fn hit(State(receiver): State<Receiver>, request: Request) -> Response {
    let at_once = receiver.now.fetch_add(1, Ordering::SeqCst) + 1;
    receiver.most.fetch_max(at_once, Ordering::SeqCst);
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let number = {
        let mut hits = receiver.hits.lock().unwrap();
        hits.push(Hit { path: head.uri.path().to_owned(), headers: head.headers, body });
        hits.len() - 1
    };
    let delay = *receiver.delay.lock().unwrap();
    tokio::time::sleep(delay).await;
    receiver.now.fetch_sub(1, Ordering::SeqCst);
    (receiver.answers)(number)
}

pub fn webhook(name: &str, url: &str) -> Webhook {
    Webhook {
        name: name.into(),
        tenant: "acme".parse().unwrap(),
        url: url.parse().unwrap(),
        secrets: vec![SECRET.parse().unwrap()],
        events: vec![],
    }
}

pub fn caller(world: &World, webhooks: Vec<Webhook>, clock: Arc<dyn Clock>) -> Caller {
    Caller {
        store: world.store.clone(),
        clock,
        random: Arc::new(SystemRandom),
        webhooks: Arc::new(Webhooks::new(webhooks, true).unwrap()),
        client: Client::new(DEADLINE, true).unwrap(),
        metrics: Arc::new(Metrics::new()),
        bell: Arc::default(),
        options: quick("a"),
    }
}

pub fn quick(holder: &str) -> Options {
    Options { idle: Duration::from_millis(10), ..Options::new(holder) }
}

/// Of failures that are tried again at once.
pub fn at_once(times: usize) -> Schedule {
    Schedule(vec![Duration::ZERO; times])
}

impl World {
    /// All verdicts so far are to be told to these.
    pub async fn call(&self, webhooks: &[&str], at: Timestamp) {
        let webhooks: Vec<String> = webhooks.iter().map(|&name| name.to_owned()).collect();
        let handed = |sequence, kind: &str| {
            let none = kind == "upload.received";
            Handed { sequence, webhooks: if none { vec![] } else { webhooks.clone() } }
        };
        let pending = self.store.outbox_pending(10_000).await.unwrap();
        let all: Vec<_> = pending.iter().map(|entry| handed(entry.sequence, &entry.kind)).collect();
        self.store.outbox_handed_on(&all, at).await.unwrap();
    }

    /// No call is left to make, now or later.
    pub async fn all_called(&self) -> bool {
        let ever = Timestamp::MAX;
        self.store.calls_due(ever, 1).await.unwrap().is_empty()
    }

    pub async fn dead(&self) -> Vec<lazaret::ports::store::Call> {
        self.store.calls_dead(1000).await.unwrap()
    }
}
