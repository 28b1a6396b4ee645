//! What many machines share: a broker and a store, real ones on private ports, with fresh room in them for each round.

use crate::{machine, postgres, rabbitmq};
use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use lapin::{
    Connection, ConnectionProperties, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use lazaret::{
    adapters::{
        amqp::{self, Amqp},
        postgres::Postgres,
    },
    ports::{
        Clock, Publisher, Random, Store,
        clock::SystemClock,
        publisher::{Lane, Message, Route},
        random::SystemRandom,
        store::{Handed, NewUpload, OutboxEntry},
    },
    upload::{TenantId, UploadId},
};
use sqlx::{Connection as _, PgConnection};
use std::sync::Arc;

/// Who listens to events: with it every confirm means that the event is on a disk.
const LISTENER: &str = "bench.events";
/// Uploads are many tenants'.
const TENANTS: u64 = 10;
/// Entries of the outbox at a time, in preparation.
const PAGE: u32 = 1000;

pub struct Room {
    /// Of a database, as its superuser, and of a vhost.
    pub store: String,
    pub broker: String,
}

impl Room {
    /// A migrated database and a vhost, both empty but for a queue that takes all events.
    pub async fn fresh() -> anyhow::Result<Self> {
        let vhost = tokio::task::spawn_blocking(|| rabbitmq::Rabbit::shared().vhost()).await?;
        let server = tokio::task::spawn_blocking(postgres::Server::shared).await?;
        let room = Self { store: server.database().await, broker: vhost.url };
        listen(&room.broker).await.context("a queue of events")?;
        Ok(room)
    }

    pub async fn store(&self, connections: u32) -> anyhow::Result<Arc<Postgres>> {
        let options = lazaret::adapters::postgres::Options { connections, ..postgres::options(&self.store) };
        Ok(Arc::new(Postgres::open(&options).await?))
    }

    pub async fn amqp(&self, prefetch: u16) -> anyhow::Result<Arc<Amqp>> {
        broker(&self.broker, prefetch).await
    }

    /// The store is as it is when nothing was written for a while.
    pub async fn rest(&self) -> anyhow::Result<()> {
        let mut admin = PgConnection::connect(&self.store).await?;
        for statement in ["VACUUM ANALYZE", "CHECKPOINT"] {
            sqlx::raw_sql(statement).execute(&mut admin).await?;
        }
        Ok(())
    }
}

pub async fn broker(url: &str, prefetch: u16) -> anyhow::Result<Arc<Amqp>> {
    let options = amqp::Options {
        url: url.to_owned(),
        ca: None,
        prefetch,
        hold: std::time::Duration::from_secs(600),
        delivery_limit: 20,
        name: "lazaret bench".to_owned(),
    };
    Ok(Amqp::connect(options).await?)
}

async fn listen(url: &str) -> anyhow::Result<()> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let mut quorum = FieldTable::default();
    quorum.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(LISTENER.into(), durable, quorum).await?;
    // As the service declares it, which may come later.
    let exchange = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare("lazaret".into(), ExchangeKind::Topic, exchange, FieldTable::default()).await?;
    for key in ["upload.published", "upload.review"] {
        let (options, none) = (QueueBindOptions::default(), FieldTable::default());
        channel.queue_bind(LISTENER.into(), "lazaret".into(), key.into(), options, none).await?;
    }
    connection.close(200, "done".into()).await?;
    Ok(())
}

/// Accepts `count` uploads of these bytes.
pub async fn accept(store: &Postgres, count: u64, sha256: &str, size: u64) -> anyhow::Result<Vec<UploadId>> {
    let accept = |n: u64| async move {
        let new = new_upload(n, sha256, size)?;
        store.accept(&new).await?;
        anyhow::Ok(new.id)
    };
    stream::iter(0..count).map(accept).buffer_unordered(256).try_collect().await
}

fn new_upload(n: u64, sha256: &str, size: u64) -> anyhow::Result<NewUpload> {
    let mut random = [0; 10];
    SystemRandom.fill(&mut random)?;
    let at = SystemClock.now();
    let tenant = format!("tenant-{}", n % TENANTS);
    let tenant: TenantId = tenant.parse().map_err(|error| anyhow::anyhow!("{tenant}: {error}"))?;
    Ok(NewUpload {
        id: UploadId::new(at, &random),
        tenant,
        filename: Some(format!("words {n}.txt")),
        declared: Some("text/plain".to_owned()),
        size,
        sha256: sha256.to_owned(),
        idempotency_key: None,
        external_id: None,
        uploader: None,
        actor: "key:bench".to_owned(),
        at,
    })
}

/// Hands on what stands in the outbox, which is work alone, without looking at shares.
pub async fn announce(store: &Postgres, publisher: &dyn Publisher) -> anyhow::Result<()> {
    loop {
        let entries = store.outbox_pending(PAGE).await?;
        if entries.is_empty() {
            return Ok(());
        }
        let ids: Vec<UploadId> = entries.iter().map(|entry| entry.upload).collect();
        enqueue(publisher, &ids).await?;
        let handed: Vec<_> = entries.iter().map(handed).collect();
        store.outbox_handed_on(&handed, SystemClock.now()).await?;
    }
}

pub fn handed(entry: &OutboxEntry) -> Handed {
    Handed { sequence: entry.sequence, webhooks: Vec::new() }
}

/// Messages of work, in the main lane.
pub async fn enqueue(publisher: &dyn Publisher, ids: &[UploadId]) -> anyhow::Result<()> {
    for ids in ids.chunks(PAGE as usize) {
        let messages: Vec<_> = ids.iter().map(work).collect();
        for sent in publisher.publish(&messages).await {
            sent?;
        }
    }
    Ok(())
}

fn work(upload: &UploadId) -> Message {
    Message {
        route: Route::Work(Lane::Main),
        id: format!("work-{upload}"),
        content_type: "text/plain",
        body: upload.to_string().into_bytes(),
        must_arrive: true,
    }
}

/// Runs on a thread for each core, as the service does.
pub async fn on_all_cores<T: Send + 'static, F: Future<Output = anyhow::Result<T>>>(
    work: impl FnOnce() -> F + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(move || {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.worker_threads(machine::cores()).enable_all().build()?.block_on(work())
    })
    .await?
}
