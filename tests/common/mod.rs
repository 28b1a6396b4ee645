//! The service's HTTP face in process: a real server on a port of its own, real SQLite and real files in a temporary
//! folder, with a clock that the test sets and ids that are the same in every run.

pub mod faults;
pub mod raw;
pub mod stage;
pub mod workers;

use axum::ServiceExt;
use lazaret::{
    access::{Scope, Scopes, mint_key},
    adapters::{fs::Fs, sqlite::Sqlite, store_queue::StoreQueue},
    config::Config,
    delivery::Signer,
    events::Settled,
    http::{Api, Component, Front, Limits, Readiness, api_router},
    ports::{Blobs, Clock, Random, Result, Store},
    telemetry::Metrics,
    upload::TenantId,
};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;

pub const START: &str = "2026-11-20T12:00:00Z";

pub struct SetClock(Mutex<jiff::Timestamp>);

impl SetClock {
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for SetClock {
    fn now(&self) -> jiff::Timestamp {
        *self.0.lock().unwrap()
    }
}

/// Counts: the same bytes in every run, other bytes in every call.
#[derive(Default)]
struct Counting(AtomicU64);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        let n = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        for (place, byte) in bytes.iter_mut().rev().enumerate() {
            *byte = n.checked_shr(8 * place as u32).unwrap_or(0) as u8;
        }
        Ok(())
    }
}

/// Components as the test sets them.
#[derive(Default)]
pub struct SetReadiness(pub Mutex<Vec<Component>>);

#[async_trait::async_trait]
impl Readiness for SetReadiness {
    async fn report(&self) -> Vec<Component> {
        self.0.lock().unwrap().clone()
    }
}

pub struct TestApp {
    pub api: Api,
    pub clock: Arc<SetClock>,
    pub readiness: Arc<SetReadiness>,
    pub address: SocketAddr,
    pub client: reqwest::Client,
    /// Of tenant `acme`, with every scope.
    pub key: String,
    pub folder: TempDir,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// `change` may replace parts and limits before the server starts.
    pub async fn start_with(change: impl FnOnce(&mut Api)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("lazaret.db")).await.unwrap());
        let blobs: Arc<dyn Blobs> = Arc::new(Fs::open(folder.path().join("blobs")).unwrap());
        let clock = Arc::new(SetClock(Mutex::new(START.parse().unwrap())));
        let readiness = Arc::new(SetReadiness::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let keys = BTreeMap::from([("k1".to_owned(), [1; 32]), ("k2".to_owned(), [2; 32])]);
        let mut api = Api {
            queue: Arc::new(StoreQueue::new(store.clone(), clock.clone(), Duration::from_secs(1))),
            store,
            blobs,
            clock: clock.clone(),
            random: Arc::new(Counting::default()),
            settled: Settled::default(),
            limits: Limits { max_upload_bytes: 1 << 20, reserve_bytes: 0, ..Limits::default() },
            signer: Arc::new(Signer::new(&format!("http://{address}"), &keys, "k1").unwrap()),
            kept: Arc::default(),
            remote: Default::default(),
            streams: Arc::new(lazaret::app::front(&Config::load(None, &[]).unwrap(), None).unwrap()),
            readiness: readiness.clone(),
            metrics: Arc::new(Metrics::new()),
            line: None,
        };
        change(&mut api);
        let front = Front::new(api_router(api.clone()), Some(api.clone()));
        tokio::spawn(async move { axum::serve(listener, front.into_make_service()).await });
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut app = Self { api, clock, readiness, address, client, key: String::new(), folder };
        app.key = app.new_key("acme", &Scopes::all()).await;
        app
    }

    /// A new key's secret.
    pub async fn new_key(&self, tenant: &str, scopes: &Scopes) -> String {
        let tenant: TenantId = tenant.parse().unwrap();
        let (key, secret) = mint_key(&*self.api.random, &*self.clock, tenant, scopes).unwrap();
        self.api.store.add_key(&key, "test").await.unwrap();
        secret.reveal().to_owned()
    }

    pub async fn key_with(&self, scopes: &[Scope]) -> String {
        self.new_key("acme", &scopes.iter().copied().collect()).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(self.url(path)).bearer_auth(&self.key)
    }

    pub fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.post(self.url(path)).bearer_auth(&self.key)
    }

    pub fn delete(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.delete(self.url(path)).bearer_auth(&self.key)
    }

    /// Uploads bytes; gives the id.
    pub async fn upload(&self, bytes: &[u8]) -> String {
        let response = self.post("/v1/uploads?filename=photo.jpg").body(bytes.to_vec()).send().await.unwrap();
        assert_eq!(response.status(), 202);
        id_of(response).await
    }

    /// Every file below the blobs' folder.
    pub fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        for entry in walkdir::WalkDir::new(self.folder.path().join("blobs")) {
            let entry = entry.unwrap();
            if entry.file_type().is_file() {
                files.push(entry.path().display().to_string());
            }
        }
        files
    }

    /// Uploads that the tenant `acme` has.
    pub async fn count(&self) -> usize {
        let page = lazaret::ports::store::Page { limit: 1000, ..Default::default() };
        self.api.store.uploads(&"acme".parse().unwrap(), &page).await.unwrap().len()
    }

    /// Law: what was refused has left no row and no bytes.
    pub async fn assert_nothing_kept(&self, case: &str) {
        assert_eq!((self.count().await, self.files()), (0, vec![]), "{case}");
    }
}

pub async fn id_of(response: reqwest::Response) -> String {
    json(response).await["id"].as_str().unwrap().to_owned()
}

pub async fn json(response: reqwest::Response) -> serde_json::Value {
    response.json().await.unwrap()
}

/// Asserts that this is the problem, in form and code.
pub async fn assert_problem(
    response: reqwest::Response,
    status: u16,
    code: &str,
    case: &str,
) -> serde_json::Value {
    assert_eq!(response.status(), status, "{case}");
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{case}");
    assert!(response.headers().contains_key("x-request-id"), "{case}");
    let problem = json(response).await;
    assert_eq!(problem["code"], code, "{case}");
    assert_eq!(problem["type"], format!("urn:lazaret:error:{code}"), "{case}");
    assert_eq!(problem["status"], status, "{case}");
    problem
}

/// Polls until it is so; a test never sleeps for a fixed time.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "it never came to be: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
