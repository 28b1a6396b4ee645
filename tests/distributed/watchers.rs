//! Live streams on many machines: what the broker drops and spoils, and who watches when somebody dies.

use crate::{
    broker::Plain,
    process::signal_to,
    red::{GREY, RED, SETTINGS, jpeg, open, plain, prepare},
    server::Server,
    site::Site,
    streams::{process, publish, show},
    wait::until,
};
use futures_util::{SinkExt, StreamExt};
use lazaret_fixtures::picture;
use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::Connection;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

type Stream = (String, String);

/// A process that answers, and a key that opens streams.
async fn front() -> (Site, String, Server) {
    let site = Site::new(&format!("{SETTINGS}term = \"3s\"\n"));
    assert_eq!(site.run(&["migrate"]).await.code(), 0);
    let key = prepare(&site).await;
    let front = process(&site, &key, "api,events", "front").await;
    (site, key, front)
}

fn count(view: &Value, name: &str) -> u64 {
    view["counts"][name].as_u64().unwrap()
}

fn stands(view: &Value) -> (&str, &str) {
    (view["decision"].as_str().unwrap(), view["reason"].as_str().unwrap())
}

/// A picture without a number.
fn bare() -> Vec<u8> {
    picture::jpeg(&plain(64, 64, GREY), 85)
}

/// Until somebody takes its frames and it passes; how many came to the queue until then.
async fn passes(
    site: &Site,
    front: &Server,
    stream: &Stream,
    frame: &mut dyn FnMut() -> Vec<u8>,
) -> (Plain, u64) {
    let broker = Plain::connect(&site.backing.vhost.url).await;
    let mut came = 0;
    until("it passes", async || {
        came += u64::from(publish(&broker, &stream.0, &stream.1, frame()).await);
        let view = show(front, stream).await;
        if view["decision"] == "pass" { Ok(()) } else { Err(view) }
    })
    .await;
    (broker, came)
}

/// Of a process that stands still more frames come than may wait: those that are dropped are counted, and none is clean.
#[tokio::test]
async fn pictures_without_a_number_that_the_broker_drops_are_counted_and_never_clean() {
    let (site, key, front) = front().await;
    let watcher = process(&site, &key, "streams", "watcher").await;
    // What a process had fetched when it stood still, word of what was dropped among it, may be nobody's afterwards: the count
    // is the least, which by bad luck is nothing.
    let mut rounds = 0;
    while !are_counted(&site, &front, &watcher).await {
        rounds += 1;
        assert!(rounds < 3, "nothing that was dropped was counted, again and again");
    }
    watcher.kill().await;
}

/// Half of what was dropped at least, within a minute and a half.
async fn are_counted(site: &Site, front: &Server, watcher: &Server) -> bool {
    let stream = open(front, json!({ "queue": true })).await;
    let (broker, mut came) = passes(site, front, &stream, &mut bare).await;
    // What came is judged or skipped, all of it.
    let before = until("all is accounted for", async || {
        let view = show(front, &stream).await;
        let (judged, skipped) = (count(&view, "judged"), count(&view, "skipped"));
        if judged + skipped == came { Ok((judged, skipped)) } else { Err(format!("{came}: {view}")) }
    })
    .await;
    signal_to(watcher.pid(), Signal::STOP);
    until("it stands still", async || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", watcher.pid())).unwrap();
        let state = stat.rsplit(") ").next().unwrap().chars().next();
        if state == Some('T') { Ok(()) } else { Err(stat) }
    })
    .await;
    for _ in 0..40 {
        came += u64::from(publish(&broker, &stream.0, &stream.1, bare()).await);
    }
    until("nobody watches", async || {
        let view = show(front, &stream).await;
        if stands(&view) == ("warn", "unwatched") { Ok(()) } else { Err(view) }
    })
    .await;
    signal_to(watcher.pid(), Signal::CONT);
    // A broker that gave up a process which stood still is connected to anew first, which takes its heartbeats.
    let began = Instant::now();
    loop {
        let view = show(front, &stream).await;
        let (judged, skipped) = (count(&view, "judged"), count(&view, "skipped"));
        // Two were the process's already.
        assert!(judged <= before.0 + 2 && judged + skipped <= came, "{before:?} {came}: {view}");
        assert_eq!((count(&view, "failed"), count(&view, "lost")), (0, 0), "{view}");
        if skipped >= before.1 + 20 || began.elapsed() > Duration::from_secs(90) {
            return skipped >= before.1 + 20;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What comes through the broker and is no frame counts as it does on a socket.
#[tokio::test]
async fn a_stream_most_of_whose_messages_are_no_frames_is_undecodable() {
    let (site, key, front) = front().await;
    let watcher = process(&site, &key, "streams", "watcher").await;
    let stream = open(&front, json!({ "queue": true })).await;
    let mut sequence = 0;
    let mut good = || {
        sequence += 1;
        jpeg(sequence, GREY)
    };
    let (broker, _) = passes(&site, &front, &stream, &mut good).await;
    until("it is undecodable", async || {
        for _ in 0..3 {
            publish(&broker, &stream.0, &stream.1, b"no picture".to_vec()).await;
        }
        publish(&broker, &stream.0, &stream.1, good()).await;
        let view = show(&front, &stream).await;
        if stands(&view) == ("warn", "undecodable") { Ok(()) } else { Err(view) }
    })
    .await;
    // Nobody else can do that to it.
    until("it gets well, whatever strangers send", async || {
        publish(&broker, &stream.0, "lzs_x", b"no picture".to_vec()).await;
        publish(&broker, &stream.0, &stream.1, good()).await;
        let view = show(&front, &stream).await;
        if view["decision"] == "pass" { Ok(()) } else { Err(view) }
    })
    .await;
    assert!(count(&show(&front, &stream).await, "failed") >= 3);
    watcher.kill().await;
}

/// A publisher's socket.
struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// To this process, once it watches the stream.
    async fn to(server: &Server, (id, key): &Stream) -> Self {
        let address = server.url.strip_prefix("http://").unwrap();
        until("a socket", async || {
            let mut request = format!("ws://{address}/v1/streams/{id}/frames").into_client_request().unwrap();
            request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
            let stream = TcpStream::connect(address).await.unwrap();
            client_async(request, stream).await.map(|(socket, _)| Self(socket)).map_err(|e| e.to_string())
        })
        .await
    }

    /// The next message of this type. `None` at the end.
    async fn next_of(&mut self, kind: &str) -> Option<Value> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    let said: Value = serde_json::from_str(&text).unwrap();
                    if said["type"] == kind {
                        return Some(said);
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// How it stands after this frame.
    async fn judged(&mut self, sequence: u64, colour: [u8; 3]) -> String {
        self.0.send(Message::Binary(jpeg(sequence, colour).into())).await.unwrap();
        let outcome = self.next_of("frame").await.expect("an outcome");
        assert_eq!(outcome["outcome"], "judged", "{outcome}");
        assert!(outcome["elapsed_ms"].as_f64().unwrap() < 5000.0, "{outcome}");
        outcome["decision"].as_str().unwrap().to_owned()
    }
}

/// Two publishers, one of whom passes and one of whom is cut, lose their process to `kill -9` and go to another.
#[tokio::test]
async fn publishers_whose_process_is_killed_go_on_with_another_and_nothing_passes_between() {
    let (site, key, front) = front().await;
    let first = process(&site, &key, "streams", "first").await;
    let second = process(&site, &key, "streams", "second").await;
    let (good, bad) = (open(&front, json!({})).await, open(&front, json!({})).await);
    let mut to_good = Socket::to(&first, &good).await;
    let mut to_bad = Socket::to(&first, &bad).await;
    assert_eq!(to_good.judged(1, GREY).await, "pass");
    assert_eq!([to_bad.judged(1, RED).await, to_bad.judged(2, RED).await], ["pass", "cut"]);
    until("it is on record", async || {
        let (one, two) = (show(&front, &good).await, show(&front, &bad).await);
        if (stands(&one), stands(&two)) == (("pass", "clean"), ("cut", "bad")) {
            Ok(())
        } else {
            Err((one, two))
        }
    })
    .await;
    first.kill().await;
    // No frame is out; what they were told of its state before may still be on its way.
    assert_eq!(
        (to_good.next_of("frame").await, to_bad.next_of("frame").await),
        (None, None),
        "they hear of it"
    );
    let (mut to_good, mut to_bad) = (Socket::to(&second, &good).await, Socket::to(&second, &bad).await);
    // As they stood, but that nobody watched meanwhile.
    let state = to_good.next_of("state").await.unwrap();
    assert_eq!(stands(&state), ("warn", "unwatched"), "{state}");
    let state = to_bad.next_of("state").await.unwrap();
    assert_eq!(stands(&state), ("cut", "bad"), "{state}");
    // What was judged last held for its deadline; from then on nothing does until a frame is judged.
    until("it is unwatched to all", async || {
        let view = show(&front, &good).await;
        if stands(&view) == ("warn", "unwatched") { Ok(()) } else { Err(view) }
    })
    .await;
    for _ in 0..20 {
        let view = show(&front, &good).await;
        assert_eq!(stands(&view), ("warn", "unwatched"), "{view}");
    }
    assert_eq!(to_good.judged(2, GREY).await, "pass");
    assert_eq!([to_bad.judged(3, GREY).await, to_bad.judged(4, GREY).await], ["cut", "cut"]);
    assert_eq!(to_bad.judged(5, GREY).await, "pass");
    let view = show(&second, &bad).await;
    assert_eq!(count(&view, "judged"), 5, "what was counted goes with it: {view}");
    second.kill().await;
}

/// Those whose rows are damaged are left as they are, and told; the others do not wait for them, however many they are.
#[tokio::test]
async fn streams_that_cannot_be_taken_over_hold_up_no_other() {
    let (site, key, front) = front().await;
    let mut damaged = Vec::new();
    // More than are looked for at a time.
    for _ in 0..70 {
        damaged.push(open(&front, json!({ "queue": true })).await.0);
    }
    let stream = open(&front, json!({ "queue": true })).await;
    let mut database = sqlx::PgConnection::connect(&site.backing.database).await.unwrap();
    let damage = "UPDATE streams SET because = 'no such word' WHERE id <> $1";
    let done = sqlx::query(damage).bind(&stream.0).execute(&mut database).await.unwrap();
    assert_eq!(done.rows_affected(), 70);
    let watcher = process(&site, &key, "streams", "watcher").await;
    passes(&site, &front, &stream, &mut bare).await;
    until("it is told of the others", async || {
        let log = watcher.log();
        let told: Vec<_> = log.iter().filter(|line| line.contains("could not be taken over")).collect();
        let missing: Vec<_> =
            damaged.iter().filter(|id| !told.iter().any(|line| line.contains(*id))).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}")) }
    })
    .await;
    // Regression: each look told of all that it found, the first ones again before the last ones.
    let told = watcher.log().iter().filter(|line| line.contains("could not be taken over")).count();
    assert_eq!(told, damaged.len(), "of each once");
    let held: Vec<String> = sqlx::query_scalar("SELECT id FROM streams WHERE holder IS NOT NULL")
        .fetch_all(&mut database)
        .await
        .unwrap();
    assert_eq!(held, [stream.0]);
    watcher.kill().await;
}
