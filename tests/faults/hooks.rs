//! The tenant's server that a webhook calls. It refuses the first call for one event in three.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::task::JoinHandle;

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Of events, one in so many is refused once.
const REFUSED: u8 = 3;

/// By the id of the event: how often it was called for, and the last call that was taken.
type Calls = Arc<Mutex<BTreeMap<String, (u32, Option<Value>)>>>;

pub struct Hooks {
    address: SocketAddr,
    calls: Calls,
    task: JoinHandle<()>,
}

impl Hooks {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (address, calls) = (listener.local_addr().expect("an address"), Calls::default());
        let router = Router::new().route("/hook", post(hook)).with_state(Arc::clone(&calls));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { address, calls, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The events that were taken; each once, however often it was called for.
    pub fn taken(&self) -> Vec<Value> {
        self.calls.lock().unwrap().values().filter_map(|(_, event)| event.clone()).collect()
    }

    /// How many events were called for more than once.
    pub fn repeated(&self) -> usize {
        self.calls.lock().unwrap().values().filter(|(calls, _)| *calls > 1).count()
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn hook(State(calls): State<Calls>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let verifier = standardwebhooks::Webhook::new(SECRET).expect("a secret");
    if verifier.verify(&body, &headers).is_err() {
        // Never taken, so that the run fails.
        return StatusCode::UNAUTHORIZED;
    }
    let id = headers["webhook-id"].to_str().expect("it was verified").to_owned();
    let refused = id.bytes().fold(0_u8, u8::wrapping_add) % REFUSED == 0;
    let mut calls = calls.lock().unwrap();
    let (count, taken) = calls.entry(id).or_default();
    *count += 1;
    if refused && *count == 1 {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    *taken = Some(serde_json::from_slice(&body).expect("an event is JSON"));
    StatusCode::NO_CONTENT
}
