//! What `/metrics` tells of store and broker, read now and then: who asks for metrics does not wait for either.

use crate::{
    Task,
    adapters::{
        amqp::{self, Amqp},
        postgres::Postgres,
    },
    intake::submitted::Line,
    telemetry::Metrics,
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

pub(super) struct Gauges {
    pub(super) postgres: Option<Arc<Postgres>>,
    pub(super) broker: Option<Arc<Amqp>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) line: Arc<Line>,
}

const EVERY: Duration = Duration::from_secs(5);
/// For the broker's answer.
const PATIENCE: Duration = Duration::from_secs(5);

impl Gauges {
    pub(super) fn start(self) -> Task {
        Task::start("reading gauges", |stop| self.run(stop))
    }

    async fn run(self, stop: CancellationToken) {
        let rounds = async {
            loop {
                self.read().await;
                tokio::time::sleep(EVERY).await;
            }
        };
        // Nothing is left half done.
        let _stopped: Option<()> = stop.run_until_cancelled(rounds).await;
    }

    async fn read(&self) {
        for (of, counts) in self.postgres.iter().flat_map(|postgres| postgres.flushes()) {
            self.metrics.group_commits(of, counts.flushes, counts.items);
        }
        let Some(broker) = &self.broker else { return };
        match tokio::time::timeout(PATIENCE, broker.depth()).await {
            Ok(Ok(depths)) => {
                self.metrics.queues(&depths);
                let [main, slow] = amqp::INBOX.map(|inbox| {
                    let depth = depths.iter().find(|(queue, _)| *queue == inbox);
                    depth.map_or(0, |(_, depth)| u64::from(*depth))
                });
                self.line.waits(main, slow);
            }
            // Better none than old ones. That the broker is away is told by those who need it, and by /readyz.
            Ok(Err(_)) | Err(_) => self.metrics.queues(&[]),
        }
    }
}
