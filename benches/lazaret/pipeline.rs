//! The whole way of a verdict around checks that cost nothing: from a message of work to an event that the broker
//! confirmed, beside a bare consumer that writes one row and publishes one message for each.

mod bare;
mod free;
mod ours;

use crate::{
    quick,
    report::{Line, Section, Table, Target, median},
    shared::Room,
};
use std::time::Duration;

/// Messages unanswered at a time, on both sides, and uploads in work at a time.
pub const PREFETCH: u16 = 256;

/// One round.
struct Rate {
    count: u64,
    wall: Duration,
}

impl Rate {
    fn each_second(&self) -> f64 {
        self.count as f64 / self.wall.as_secs_f64()
    }
}

pub async fn run() -> anyhow::Result<Section> {
    let (count, rounds) = if quick() { (500, 1) } else { (24_000, 5) };
    let (mut floors, mut ours) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        println!("round {} of {rounds} …", round + 1);
        floors.push(bare::run(&Room::fresh().await?, count).await?);
        ours.push(ours::run(&Room::fresh().await?, count).await?);
    }
    Ok(section(count, &floors, &ours))
}

fn section(count: u64, floors: &[Rate], ours: &[ours::Run]) -> Section {
    let rates = |all: &[Rate]| median(all.iter().map(Rate::each_second).collect());
    let floor = rates(floors);
    let rate = median(ours.iter().map(|run| run.rate.each_second()).collect());
    // The machine is not equally fast in all rounds, but nearly so in the two halves of one.
    let ratios = floors.iter().zip(ours).map(|(floor, run)| run.rate.each_second() / floor.each_second());
    let ratio = median(ratios.collect());
    let together = |name: &str| median(ours.iter().map(|run| run.together(name)).collect());
    let row = |(floor, run): (&Rate, &ours::Run)| {
        vec![
            format!("{:.0}", floor.each_second()),
            format!("{:.0}", run.rate.each_second()),
            format!("{:.2}", run.rate.each_second() / floor.each_second()),
            format!("{:.1}", run.together("claim")),
            format!("{:.1}", run.together("settle")),
            format!("{:.0}", run.cpu.as_secs_f64() * 1e6 / count as f64),
        ]
    };
    Section {
        name: "pipeline",
        about: format!(
            "{count} uploads a round, accepted and announced before; checks stubbed, blobs of a few bytes without a \
             disk. PostgreSQL and RabbitMQ with quorum queues on the same cores, fsync on; prefetch {PREFETCH} on both \
             sides. Medians of {} rounds in turn; the ratio is the median of the rounds' own.",
            floors.len()
        ),
        lines: vec![
            Line {
                what: "verdicts, from the queue to the confirmed event".into(),
                ours: format!("{rate:.0} events/s"),
                beside: format!("{floor:.0} by a bare consumer"),
                value: ratio,
                unit: "×",
                target: Some(Target::AtLeast(0.7)),
            },
            Line {
                what: "verdicts in one commit, under backlog".into(),
                ours: format!("{:.1} verdicts", together("settle")),
                beside: "one flush".into(),
                value: together("settle"),
                unit: "×",
                target: Some(Target::AtLeast(4.0)),
            },
        ],
        tables: vec![Table {
            title: "Each round".into(),
            head: [
                "bare/s",
                "lazaret/s",
                "ratio",
                "claims a commit",
                "verdicts a commit",
                "µs CPU each, lazaret's own",
            ]
            .map(str::to_owned)
            .into(),
            rows: floors.iter().zip(ours).map(row).collect(),
        }],
        notes: Vec::new(),
    }
}
