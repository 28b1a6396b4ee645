//! Several processes on one store: one of them decides.

use crate::{
    common::{assert_problem, eventually, json},
    world::{Open, Scripted, World, frame, front_with, new_hub, numbered, options},
};
use axum::ServiceExt;
use lazaret::{
    http::{Front, api_router},
    ports::streams::EpisodeState,
    streams::{Frame, Hub, Kill, hub::Options},
    upload::Standing,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{runtime::Runtime, sync::mpsc};

/// Another process of the world's, with a door of its own.
async fn another(world: &World) -> (Hub, SocketAddr) {
    let hub = new_hub(&world.app.api, Arc::new(Scripted::default()), Kill::default(), options("two"));
    let mut api = world.app.api.clone();
    api.streams = Arc::new(front_with(hub.clone()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let front = Front::new(api_router(api), None);
    tokio::spawn(async move { axum::serve(listener, front.into_make_service()).await });
    (hub, address)
}

#[tokio::test]
async fn one_process_at_a_time_watches_and_when_it_leaves_the_next_takes_over() {
    let world = World::start().await;
    let stream = world.open().await;
    assert_eq!(stream.decision("0.1").await, "pass");
    assert_eq!(stream.decision("0.995").await, "cut");
    let (two, address) = another(&world).await;
    let url = format!("http://{address}{}", stream.path("/frames"));
    let send = async |says| {
        world.app.client.post(&url).bearer_auth(&stream.key).body(frame(says)).send().await.unwrap()
    };
    assert_problem(send("0.1").await, 409, "stream.elsewhere", "the other process").await;
    world.hub.drain(Duration::from_secs(10)).await;
    let moved = json(send("0.1").await).await;
    assert_eq!((&moved["outcome"], &moved["decision"]), (&"judged".into(), &"cut".into()), "as it was");
    assert_eq!(moved["counts"]["judged"], 3, "and what was counted goes with it");
    two.drain(Duration::from_secs(10)).await;
}

/// Regression: to the next process every frame was the first, and what was posted late was judged.
#[tokio::test]
async fn what_came_last_goes_with_the_stream() {
    let world = World::start().await;
    let stream = world.open().await;
    let sent = json(stream.send(numbered(10, 0, "0.1")).await).await;
    assert_eq!(sent["outcome"], "judged");
    world.hub.drain(Duration::from_secs(10)).await;
    let (two, address) = another(&world).await;
    let url = format!("http://{address}{}", stream.path("/frames"));
    let send = async |sequence| {
        let bytes = numbered(sequence, 0, "0.1");
        json(world.app.client.post(&url).bearer_auth(&stream.key).body(bytes).send().await.unwrap()).await
    };
    assert_eq!(send(9).await["outcome"], "late");
    let next = send(14).await;
    assert_eq!((&next["outcome"], &next["counts"]["lost"]), (&"judged".into(), &3.into()));
    two.drain(Duration::from_secs(10)).await;
}

/// A process with a runtime of its own, which ends at once.
struct Dying {
    runtime: Runtime,
    _hub: Hub,
}

impl Dying {
    /// It has judged a frame of the stream's.
    async fn after(world: &World, stream: &Open<'_>, says: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let hub = {
            let _entered = runtime.enter();
            new_hub(&world.app.api, world.judge.clone(), Kill::default(), options("dying"))
        };
        let live = hub.live(stream.stream()).await.unwrap().unwrap();
        let (reply, mut outcome) = mpsc::unbounded_channel();
        live.post(Frame::read(frame(says).into()).unwrap(), stream.now(), reply);
        outcome.recv().await.unwrap();
        Self { runtime, _hub: hub }
    }

    fn dies(self) {
        self.runtime.shutdown_background();
    }
}

/// A process that dies with a stream passing: what it said does not hold, and the next one begins unwatched.
#[tokio::test]
async fn after_a_death_there_is_no_false_pass() {
    let world = World::start().await;
    let stream = world.open().await;
    let dying = Dying::after(&world, &stream, "0.1").await;
    let row = async || world.store().stream(stream.stream()).await.unwrap().unwrap();
    eventually("it passes", async || row().await.standing == Standing::Pass).await;
    dying.dies();

    world.clock().advance(Duration::from_secs(6));
    let (two, _) = another(&world).await;
    assert_eq!(row().await.seen_at(stream.now()).0, Standing::Warn, "by the row alone");
    assert_eq!(stream.stands().await.1, "unwatched");
    let [adopting, showing] = two.start();
    eventually("the next one takes it over", async || row().await.holder.as_deref() == Some("two")).await;
    eventually("and says that nobody watched", async || {
        world.told().await == ["stream.cleared", "stream.warned"]
    })
    .await;
    adopting.drain(Duration::from_secs(10)).await;
    showing.drain(Duration::from_secs(10)).await;
    two.drain(Duration::from_secs(10)).await;
}

/// One that was thought dead and wakes decides nothing.
#[tokio::test]
async fn a_watcher_that_wakes_too_late_changes_nothing() {
    let world = World::start().await;
    let stream = world.open().await;
    let two = new_hub(&world.app.api, world.judge.clone(), Kill::default(), options("two"));
    let late = two.live(stream.stream()).await.unwrap().unwrap();
    let (reply, _outcome) = mpsc::unbounded_channel();
    let held = Frame::read(frame("held 0.995").into()).unwrap();
    late.post(held, stream.now(), reply);
    eventually("it is busy", async || !world.judge.seen.lock().unwrap().is_empty()).await;
    world.clock().advance(Duration::from_secs(6));
    assert_eq!(stream.decision("0.1").await, "pass", "the first process has it now");
    world.judge.gate.add_permits(1);
    eventually("it gives up", async || late.over().is_cancelled()).await;
    assert_eq!(world.told().await, ["stream.cleared"]);
    assert_eq!(stream.stands().await.0, "pass");
}

/// Regression: the state that an episode left behind began the next one, without a frame or a score for who was to rule on it.
#[tokio::test]
async fn what_an_episode_that_is_over_left_behind_makes_no_other() {
    // What is seen in the end is an episode of its own once a person has ruled, and goes on with it before.
    for (state, number, frames) in [(EpisodeState::Ruled, 2, 1), (EpisodeState::InReview, 1, 2)] {
        let world = World::start().await;
        let stream = world.open().await;
        let episode = async |number| world.store().episode(stream.stream(), number).await.unwrap();
        assert_eq!(stream.decision("0.995").await, "cut");
        eventually("its frame is kept", async || episode(1).await.is_some_and(|one| one.evidence.len() == 1))
            .await;
        world.hub.drain(Duration::from_secs(10)).await;
        let path = world.app.folder.path().join("lazaret.db");
        let over = move || {
            let store = rusqlite::Connection::open(path).unwrap();
            let sql = "UPDATE episodes SET state = ?1, ended_at = began_at";
            assert_eq!(store.execute(sql, [state.as_str()]).unwrap(), 1);
        };
        tokio::task::spawn_blocking(over).await.unwrap();
        let before = episode(1).await;

        let (two, address) = another(&world).await;
        let url = format!("http://{address}{}", stream.path("/frames"));
        let decision = async |says| {
            let sent = world.app.client.post(&url).bearer_auth(&stream.key).body(frame(says)).send();
            json(sent.await.unwrap()).await["decision"].clone()
        };
        for expected in ["cut", "cut", "pass"] {
            assert_eq!(decision("0.1").await, expected, "{state:?}");
        }
        // It passes once all is written.
        assert_eq!((episode(1).await, episode(2).await), (before, None), "{state:?}");
        assert_eq!(decision("0.995").await, "cut", "{state:?}");
        eventually("what is seen is kept", async || {
            episode(number)
                .await
                .is_some_and(|seen| seen.state == EpisodeState::Open && seen.evidence.len() == frames)
        })
        .await;
        two.drain(Duration::from_secs(10)).await;
    }
}

/// Regression: an episode that went on when its process died was in no queue, for good, where its publisher stayed away.
#[tokio::test]
async fn an_episode_whose_process_died_comes_to_review_where_nobody_sends_any_more() {
    let world = World::start().await;
    let stream = world.open().await;
    let dying = Dying::after(&world, &stream, "0.995").await;
    let row = async || world.store().stream(stream.stream()).await.unwrap().unwrap();
    let episode = async |number| world.store().episode(stream.stream(), number).await.unwrap();
    eventually("its frame is kept", async || episode(1).await.is_some_and(|one| one.evidence.len() == 1))
        .await;
    dying.dies();
    world.clock().advance(Duration::from_secs(6));
    let left = episode(1).await.unwrap();
    assert_eq!(left.state, EpisodeState::Open);

    let impatient = Options { idle: Duration::from_secs(1), ..options("two") };
    let two = new_hub(&world.app.api, Arc::new(Scripted::default()), Kill::default(), impatient);
    let [adopting, showing] = two.start();
    // Whoever takes it over waits for its publisher for a while, by the clock on the wall.
    eventually("it is in review", async || episode(1).await.unwrap().state == EpisodeState::InReview).await;
    eventually("it is left", async || row().await.holder.is_none()).await;
    let deserted = world.store().deserted_streams(stream.now(), 9).await.unwrap();
    assert!(deserted.is_empty(), "and nobody takes it again");
    let ended = episode(1).await.unwrap();
    assert_eq!((ended.worst, &ended.scores, &ended.evidence), (left.worst, &left.scores, &left.evidence));
    assert_eq!((row().await.standing, episode(2).await), (Standing::Cut, None));
    adopting.drain(Duration::from_secs(10)).await;
    showing.drain(Duration::from_secs(10)).await;
    two.drain(Duration::from_secs(10)).await;
}
