//! The service in process, with streams, and a judge that believes what frames say of themselves.

use crate::common::{SetClock, TestApp, json};
use async_trait::async_trait;
use futures_util::{SinkExt, StreamExt};
use lazaret::{
    app::{front, puller},
    config::Config,
    events::Settled,
    http::Api,
    ports::{Clock, Store},
    streams::{
        Frame, Front, Hub, Judge, Kill, Opinion, Unjudged,
        hub::{IDLE, Options, Parts},
    },
    telemetry::Metrics,
    upload::{KnownBad, StreamId},
};
use lazaret_report::{Unavailable, Why};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpStream, sync::Semaphore};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, protocol::CloseFrame},
};

/// Two bad ones of three cut; three clean ones clear, at once.
pub const QUICK: &str = r#"{"labels":[{"label":"red","near":0.4,"bad":0.7,"certain":0.99}],"window":3,"hits":2,
    "calm":"0s","deadline":"5s","fastest":"0s","slowest":"0s"}"#;

/// A frame whose score is what it says: `frame("0.9")`. `broken` is one that cannot be decoded, `blind` an engine's
/// trouble, `held 0.9` waits until the test lets it go.
pub fn frame(says: &str) -> Vec<u8> {
    [b"\xff\xd8\xff", says.as_bytes()].concat()
}

/// The same, numbered.
pub fn numbered(sequence: u64, captured: i64, says: &str) -> Vec<u8> {
    let mut bytes = b"LZF1\0\0\0\0".to_vec();
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(captured.to_be_bytes());
    bytes.extend([0; 8]);
    bytes.extend(frame(says));
    bytes
}

pub struct Scripted {
    /// Frames that are held may go.
    pub gate: Semaphore,
    /// What was judged, in order.
    pub seen: Mutex<Vec<String>>,
}

impl Default for Scripted {
    fn default() -> Self {
        Self { gate: Semaphore::new(0), seen: Mutex::default() }
    }
}

#[async_trait]
impl Judge for Scripted {
    async fn judge(&self, frame: &Frame) -> Result<Opinion, Unjudged> {
        let says = String::from_utf8(frame.bytes[3..].to_vec()).unwrap();
        self.seen.lock().unwrap().push(says.clone());
        let score = match says.split_once(' ') {
            Some(("held", score)) => {
                self.gate.acquire().await.unwrap().forget();
                score
            }
            _ => &says,
        };
        match score.parse() {
            Ok(score) => {
                Ok(Opinion { scores: [("tiny.red".to_owned(), score)].into(), sample: vec![0.0; 3] })
            }
            Err(_) if score == "blind" => Err(Unavailable::new("tiny", "told to be blind").into()),
            Err(_) => Err(Unjudged::Frame(Why::new("media.undecodable", "told to be broken"))),
        }
    }
}

pub struct World {
    pub app: TestApp,
    pub judge: Arc<Scripted>,
    pub hub: Hub,
}

impl World {
    pub async fn start() -> Self {
        Self::start_with(Kill::default()).await
    }

    pub async fn start_with(kill: Kill) -> Self {
        Self::start_knowing(kill, KnownBad::default()).await
    }

    /// With frames that are known to be bad.
    pub async fn start_knowing(kill: Kill, known: KnownBad) -> Self {
        Self::start_changed(kill, known, |_| {}).await
    }

    /// With other parts than usual.
    pub async fn start_changed(kill: Kill, known: KnownBad, change: impl FnOnce(&mut Api)) -> Self {
        let judge = Arc::new(Scripted::default());
        let mut hub = None;
        let app = TestApp::start_with(|api| {
            change(api);
            let options = Options { term: Duration::from_secs(3600), ..options("one") };
            let made = Hub::new(Parts { known: Arc::new(known), ..parts(api, judge.clone(), kill, options) });
            api.streams = Arc::new(front_with(made.clone()));
            hub = Some(made);
        })
        .await;
        Self { app, judge, hub: hub.unwrap() }
    }

    pub fn clock(&self) -> &Arc<SetClock> {
        &self.app.clock
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.app.api.store
    }

    /// A new stream, by [`QUICK`] rules.
    pub async fn open(&self) -> Open<'_> {
        self.open_with(json!({ "tuning": serde_json::from_str::<Value>(QUICK).unwrap() })).await
    }

    pub async fn open_with(&self, opening: Value) -> Open<'_> {
        let answer = self.app.post("/v1/streams").json(&opening).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        let opened = json(answer).await;
        let text = |name: &str| opened[name].as_str().unwrap().to_owned();
        Open { world: self, id: text("id"), key: text("key") }
    }

    /// Kinds of all events so far.
    pub async fn told(&self) -> Vec<String> {
        let entries = self.store().outbox(0, 1000).await.unwrap();
        entries.into_iter().map(|entry| entry.kind).collect()
    }
}

pub fn options(holder: &str) -> Options {
    let (holder, term) = (holder.to_owned(), Duration::from_secs(5));
    Options { holder, term, places: 2, evidence: 5, max_frame: 1 << 20, idle: IDLE }
}

pub fn front_with(hub: Hub) -> Front {
    Front { max_frame: 1 << 20, ..front(&Config::load(None, &[]).unwrap(), Some(hub)).unwrap() }
}

/// One more process that uses the same store.
pub fn new_hub(api: &Api, judge: Arc<dyn Judge>, kill: Kill, options: Options) -> Hub {
    Hub::new(parts(api, judge, kill, options))
}

fn parts(api: &Api, judge: Arc<dyn Judge>, kill: Kill, options: Options) -> Parts {
    Parts {
        store: api.store.clone(),
        blobs: api.blobs.clone(),
        clock: api.clock.clone(),
        judge,
        settled: Settled::default(),
        metrics: Arc::new(Metrics::new()),
        kill,
        book: api.streams.book.clone(),
        frames: None,
        known: Arc::default(),
        puller: puller(&Config::load(None, &[]).unwrap()).unwrap(),
        options,
    }
}

pub struct Open<'a> {
    world: &'a World,
    pub id: String,
    pub key: String,
}

impl Open<'_> {
    pub fn stream(&self) -> StreamId {
        self.id.parse().unwrap()
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/v1/streams/{}{rest}", self.id)
    }

    /// Posts a frame, with the stream's own key.
    pub async fn send(&self, bytes: Vec<u8>) -> reqwest::Response {
        let url = self.world.app.url(&self.path("/frames"));
        self.world.app.client.post(url).bearer_auth(&self.key).body(bytes).send().await.unwrap()
    }

    /// Posts a frame that says so; what became of it, the decision and its reason.
    pub async fn judged(&self, says: &str) -> (String, String, String) {
        let answer = self.send(frame(says)).await;
        assert_eq!(answer.status(), 200);
        let outcome = json(answer).await;
        let text = |name: &str| outcome[name].as_str().unwrap().to_owned();
        (text("outcome"), text("decision"), text("reason"))
    }

    /// The decision alone.
    pub async fn decision(&self, says: &str) -> String {
        self.judged(says).await.1
    }

    pub async fn show(&self) -> Value {
        json(self.world.app.get(&self.path("")).send().await.unwrap()).await
    }

    /// Decision and reason, as shown.
    pub async fn stands(&self) -> (String, String) {
        let view = self.show().await;
        let text = |name: &str| view[name].as_str().unwrap().to_owned();
        (text("decision"), text("reason"))
    }

    pub async fn socket(&self) -> Socket {
        Socket::connect(self.world, &self.path("/frames"), &self.key).await
    }

    pub fn now(&self) -> jiff::Timestamp {
        self.world.clock().now()
    }
}

/// A publisher's WebSocket.
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    pub async fn connect(world: &World, path: &str, key: &str) -> Self {
        Self::to(&world.app.address.to_string(), path, key).await
    }

    pub async fn to(address: &str, path: &str, key: &str) -> Self {
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
        let stream = TcpStream::connect(address).await.unwrap();
        Self(client_async(request, stream).await.unwrap().0)
    }

    pub async fn send(&mut self, bytes: Vec<u8>) {
        self.0.send(Message::Binary(bytes.into())).await.unwrap();
    }

    /// As [`Socket::send`], where the service may hang up before all of it is sent.
    pub async fn send_into_the_void(&mut self, bytes: Vec<u8>) {
        let _hung_up = self.0.send(Message::Binary(bytes.into())).await;
    }

    pub async fn text(&mut self, text: &str) {
        self.0.send(Message::Text(text.into())).await.unwrap();
    }

    /// The next message; `Err` is how the service closed the connection.
    pub async fn next(&mut self) -> Result<Value, Option<CloseFrame>> {
        loop {
            let message = tokio::time::timeout(Duration::from_secs(30), self.0.next()).await.unwrap();
            match message {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    pub async fn close(&mut self) {
        self.0.close(None).await.unwrap();
    }

    /// Reads until both ends have closed. A connection that is reset is no such end.
    pub async fn drained(mut self) {
        while let Some(message) = self.0.next().await {
            message.unwrap();
        }
    }

    /// The next message of this type; others are passed over.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await.unwrap();
            if message["type"] == kind {
                return message;
            }
        }
    }
}
