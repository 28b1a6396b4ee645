//! The floor: a consumer with nothing around it. What has come is inserted in one commit, published, confirmed and
//! acknowledged, while the next is being inserted.

use super::{PREFETCH, Rate};
use crate::shared::{self, Room};
use anyhow::{Context, ensure};
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Consumer,
    message::Delivery,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    },
    types::FieldTable,
};
use lazaret::{
    ports::{Clock, Random, clock::SystemClock, random::SystemRandom},
    upload::UploadId,
};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use tokio::{sync::mpsc, time::Instant};

/// Rows in one commit, at most, as in the store.
const MOST: usize = 64;
const PERSISTENT: u8 = 2;

pub async fn run(room: &Room, count: u64) -> anyhow::Result<Rate> {
    let ids = (0..count).map(|_| id()).collect::<anyhow::Result<Vec<_>>>()?;
    let amqp = room.amqp(PREFETCH).await?;
    shared::enqueue(&*amqp.publisher(), &ids).await?;
    let mut store = PgConnection::connect(&room.store).await?;
    sqlx::raw_sql(
        "CREATE TABLE seen (id text COLLATE \"C\" PRIMARY KEY, detail json NOT NULL, at bigint NOT NULL)",
    )
    .execute(&mut store)
    .await?;
    room.rest().await?;
    // A connection each way, as the service has.
    let dial = || Connection::connect(&room.broker, ConnectionProperties::default());
    let (reads, writes) = (dial().await?, dial().await?);
    let (reading, writing) = (reads.create_channel().await?, writes.create_channel().await?);
    writing.confirm_select(ConfirmSelectOptions::default()).await?;
    reading.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let began = Instant::now();
    let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
    let consumer = reading.basic_consume("lazaret.work".into(), "".into(), options, none).await?;
    let (inserted, ready) = mpsc::channel(1);
    tokio::try_join!(insert(consumer, store, inserted, count), publish(&writing, ready))?;
    let wall = began.elapsed();
    for connection in [reads, writes] {
        connection.close(200, "done".into()).await?;
    }
    Ok(Rate { count, wall })
}

fn id() -> anyhow::Result<UploadId> {
    let mut random = [0; 10];
    SystemRandom.fill(&mut random)?;
    Ok(UploadId::new(SystemClock.now(), &random))
}

async fn insert(
    consumer: Consumer,
    mut store: PgConnection,
    inserted: mpsc::Sender<Vec<Delivery>>,
    count: u64,
) -> anyhow::Result<()> {
    let (mut come, mut seen) = (consumer.ready_chunks(MOST), 0);
    while seen < count {
        let deliveries = come.next().await.context("the consumer ended")?;
        let deliveries = deliveries.into_iter().collect::<lapin::Result<Vec<_>>>()?;
        let ids: Vec<_> = deliveries.iter().map(|d| String::from_utf8_lossy(&d.data).into_owned()).collect();
        let rows = sqlx::query(
            "INSERT INTO seen (id, detail, at) SELECT s.id, s.detail::json, $3 \
             FROM unnest($1::text[], $2::text[]) AS s (id, detail)",
        )
        .bind(&ids)
        .bind(ids.iter().map(|id| body(id)).collect::<Vec<_>>())
        .bind(SystemClock.now().as_millisecond())
        .execute(&mut store)
        .await?;
        ensure!(rows.rows_affected() == deliveries.len() as u64, "not every row was inserted");
        seen += deliveries.len() as u64;
        inserted.send(deliveries).await?;
    }
    Ok(())
}

async fn publish(channel: &Channel, mut ready: mpsc::Receiver<Vec<Delivery>>) -> anyhow::Result<()> {
    while let Some(deliveries) = ready.recv().await {
        let mut confirms = Vec::with_capacity(deliveries.len());
        for delivery in &deliveries {
            let body = body(&String::from_utf8_lossy(&delivery.data));
            let properties = BasicProperties::default()
                .with_content_type("application/json".into())
                .with_delivery_mode(PERSISTENT);
            let options = BasicPublishOptions::default();
            let (exchange, key) = ("lazaret".into(), "upload.published".into());
            confirms.push(channel.basic_publish(exchange, key, options, body.as_bytes(), properties).await?);
        }
        for confirm in confirms {
            ensure!(confirm.await?.is_ack(), "the broker did not keep a message");
        }
        for delivery in deliveries {
            delivery.acker.ack(BasicAckOptions::default()).await?;
        }
    }
    Ok(())
}

/// Of the length of a verdict's event.
fn body(id: &str) -> String {
    json!({
        "specversion": "1.0", "id": id, "source": "lazaret", "type": "io.lazaret.upload.published.v1", "subject": id,
        "time": "2026-11-20T10:00:00.125Z", "datacontenttype": "application/json", "sequence": "00000000000000000017",
        "data": {
            "id": id, "tenant": "tenant-1", "external_id": null, "number": 1, "verdict": "publish",
            "reasons": ["rule.publish"], "sha256": "0".repeat(64), "verdict_digest": "0".repeat(64),
        },
    })
    .to_string()
}
