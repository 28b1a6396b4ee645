//! A tenant's server that webhooks call, over real HTTP.

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[derive(Clone)]
pub struct Hit {
    pub came: Timestamp,
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
        Self::start(move |n| StatusCode::from_u16(status(n)).unwrap().into_response()).await
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub fn hits(&self) -> Vec<Hit> {
        self.hits.lock().unwrap().clone()
    }
}

async fn hit(State(receiver): State<Receiver>, request: Request) -> Response {
    let at_once = receiver.now.fetch_add(1, Ordering::SeqCst) + 1;
    receiver.most.fetch_max(at_once, Ordering::SeqCst);
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let hit = Hit { came: Timestamp::now(), path: head.uri.path().to_owned(), headers: head.headers, body };
    let number = {
        let mut hits = receiver.hits.lock().unwrap();
        hits.push(hit);
        hits.len() - 1
    };
    let delay = *receiver.delay.lock().unwrap();
    tokio::time::sleep(delay).await;
    receiver.now.fetch_sub(1, Ordering::SeqCst);
    (receiver.answers)(number)
}
