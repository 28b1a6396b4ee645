//! The relay over a slow line to the broker, beside publishing the same events one by one.

use crate::{
    proxy::{Mode, Proxy},
    quick,
    report::{Line, Section, Table, Target, median, ms},
    shared::{self, Room},
};
use anyhow::{Context, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use lazaret::{
    adapters::{amqp::Amqp, postgres::Postgres},
    events::{Relay, Settled, relay},
    ports::{Clock, Store, clock::SystemClock, contract::samples},
    telemetry::Metrics,
    upload::{Decision, UploadId},
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// Each way. The timer ticks in milliseconds, so that it comes to some 5 ms there and back, which is measured.
const WAY: Duration = Duration::from_micros(1_500);
const PERSISTENT: u8 = 2;
const PATIENCE: Duration = Duration::from_secs(120);

// What else the proxy can do is for tests.
const _: [Mode; 5] = [Mode::Refuse, Mode::CutUp(0), Mode::CutDown(0), Mode::FlipUp(0), Mode::Slow(0)];
const _: fn(&Proxy) = Proxy::cut_all;
const _: [fn(&Proxy) -> u64; 3] = [Proxy::up, Proxy::down, Proxy::broken];

struct Round {
    /// Events a second.
    ours: f64,
    one_by_one: f64,
    /// One event and its confirm.
    trip: Duration,
    /// How much of that was injected.
    injected: Duration,
}

pub async fn run() -> anyhow::Result<Section> {
    let (count, alone, rounds) = if quick() { (300, 50, 1) } else { (10_000, 500, 3) };
    let mut all = Vec::new();
    for _ in 0..rounds {
        all.push(round(count, alone).await?);
    }
    let of = |value: fn(&Round) -> f64| median(all.iter().map(value).collect());
    let (ours, one_by_one) = (of(|round| round.ours), of(|round| round.one_by_one));
    let row = |round: &Round| {
        vec![
            format!("{:.0}", round.ours),
            format!("{:.0}", round.one_by_one),
            ms(round.trip),
            ms(round.injected),
        ]
    };
    Ok(Section {
        name: "outbox",
        about: format!(
            "{count} verdicts' events from PostgreSQL to a quorum queue, every one marked as told, with 5 ms of round \
             trip to the broker; beside, {alone} of the same, each confirmed before the next, and marked nowhere."
        ),
        lines: vec![Line {
            what: "events from the outbox, 5 ms to the broker and back".into(),
            ours: format!("{ours:.0} events/s"),
            beside: format!("{one_by_one:.0} one by one"),
            value: ours / one_by_one,
            unit: "×",
            target: Some(Target::AtLeast(10.0)),
        }],
        tables: vec![Table {
            title: "Each round".into(),
            head: ["relay/s", "one by one/s", "ms for one and its confirm", "of which injected"]
                .map(str::to_owned)
                .into(),
            rows: all.iter().map(row).collect(),
        }],
        notes: Vec::new(),
    })
}

async fn round(count: u64, alone: u32) -> anyhow::Result<Round> {
    let room = Room::fresh().await?;
    let store = room.store(16).await?;
    told_of(&store, count).await?;
    room.rest().await?;
    let (server, slow) = address(&room.broker)?;
    let proxy = Proxy::start(server).await;
    let url = slow(proxy.address);
    let amqp = shared::broker(&url, 32).await?;
    proxy.set(Mode::Delay(WAY));
    let ours = count as f64 / relayed(&store, &amqp).await?.as_secs_f64();
    let trip = one_by_one(&url, &proxy, Mode::Delay(WAY), alone).await? / alone;
    let direct = one_by_one(&url, &proxy, Mode::Pass, alone).await? / alone;
    store.close().await;
    let injected = trip.saturating_sub(direct);
    Ok(Round { ours, one_by_one: 1.0 / trip.as_secs_f64(), trip, injected })
}

/// Uploads whose work was announced, and whose verdicts are to be told.
async fn told_of(store: &Postgres, count: u64) -> anyhow::Result<()> {
    let ids = shared::accept(store, count, &"ab".repeat(32), 1).await?;
    let entries = store.outbox_pending(u32::try_from(count)?).await?;
    let handed: Vec<_> = entries.iter().map(shared::handed).collect();
    store.outbox_handed_on(&handed, SystemClock.now()).await?;
    let settle = |id: UploadId| async move {
        let now = SystemClock.now();
        let lease = store.claim(id, "w", now, samples::TERM).await?.context("it can be claimed")?;
        let settled = store.settle(&lease, &samples::settlement(&lease, Decision::Publish, now)).await?;
        settled.map_err(|stale| anyhow::anyhow!("{stale:?}"))
    };
    stream::iter(ids).map(settle).buffer_unordered(256).try_collect::<Vec<()>>().await?;
    Ok(())
}

/// The broker's address, and its URL at another.
fn address(url: &str) -> anyhow::Result<(SocketAddr, impl Fn(SocketAddr) -> String)> {
    let (user, rest) = url.split_once('@').context("a user")?;
    let (server, vhost) = rest.split_once('/').context("a vhost")?;
    Ok((server.parse()?, move |at| format!("{user}@{at}/{vhost}")))
}

async fn relayed(store: &Arc<Postgres>, amqp: &Amqp) -> anyhow::Result<Duration> {
    let settled = Settled::default();
    let relay = Relay {
        store: store.clone(),
        publisher: Some(amqp.publisher()),
        webhooks: Arc::default(),
        clock: Arc::new(SystemClock),
        metrics: Arc::new(Metrics::new()),
        bell: settled.outbox(),
        calls: Arc::default(),
        options: relay::Options::new("bench"),
    };
    let began = Instant::now();
    let relay = relay.start();
    while !store.outbox_pending(1).await?.is_empty() {
        ensure!(began.elapsed() < PATIENCE, "not every event was told");
        sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed();
    relay.drain(PATIENCE).await;
    Ok(took)
}

async fn one_by_one(url: &str, proxy: &Proxy, mode: Mode, count: u32) -> anyhow::Result<Duration> {
    proxy.set(mode);
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let body = vec![b'x'; 600];
    let began = Instant::now();
    for _ in 0..count {
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
        let (exchange, key) = ("lazaret".into(), "upload.published".into());
        let sent =
            channel.basic_publish(exchange, key, BasicPublishOptions::default(), &body, properties).await?;
        ensure!(sent.await?.is_ack(), "the broker did not keep a message");
    }
    let took = began.elapsed();
    connection.close(200, "done".into()).await?;
    Ok(took)
}
