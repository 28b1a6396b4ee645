//! Two worker processes, each on a core of its own, beside one.

mod fleet;

use crate::{
    clamd,
    pictures::photos,
    process::Machine,
    quick,
    report::{Line, Section, Table, Target, median},
    shared::Room,
};
use anyhow::ensure;
use fleet::Fleet;
use lazaret::{adapters::postgres::Postgres, ports::Store};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const PATIENCE: Duration = Duration::from_secs(600);

/// What one backlog took.
struct Took {
    workers: usize,
    pictures: usize,
    wall: Duration,
    /// The workers and their decoders.
    cpu: Duration,
    /// Of the whole machine.
    busy: f64,
}

impl Took {
    fn each_second(&self) -> f64 {
        self.pictures as f64 / self.wall.as_secs_f64()
    }

    /// Pictures for a second of a worker's CPU.
    fn each_cpu_second(&self) -> f64 {
        self.pictures as f64 / self.cpu.as_secs_f64()
    }
}

pub async fn run() -> anyhow::Result<Section> {
    println!("drawing photos …");
    let photos = crate::pictures::mixed(&photos::classes());
    let rounds = if quick() { 1 } else { 2 };
    let stub = clamd::Stub::start()?;
    let mut all = Vec::new();
    for round in 0..rounds {
        println!("round {} of {rounds} …", round + 1);
        for workers in [1, 2] {
            all.push(backlog(&stub, workers, &photos).await?);
        }
    }
    Ok(section(photos.len(), &all))
}

/// Everything is accepted and announced while the workers stand still; then they go on.
async fn backlog(stub: &clamd::Stub, workers: usize, photos: &[Vec<u8>]) -> anyhow::Result<Took> {
    let room = Room::fresh().await?;
    let store = room.store(2).await?;
    let fleet = Fleet::start(&room, stub.socket(), workers).await?;
    // Sessions, children and caches are warm before anything counts.
    fleet.send(&photos[..photos.len().min(12)]).await?;
    settle(&store).await?;
    fleet.stop_working()?;
    fleet.send(photos).await?;
    let (machine, before, began) = (Machine::now()?, fleet.spent()?, Instant::now());
    fleet.go_on_working()?;
    settle(&store).await?;
    let wall = began.elapsed();
    let cpu = fleet.spent()?.iter().zip(&before).map(|(now, before)| now.since(before).ours()).sum();
    let busy = Machine::now()?.busy_since(machine);
    fleet.all_published(&store).await?;
    fleet.stop().await?;
    store.close().await;
    Ok(Took { workers, pictures: photos.len(), wall, cpu, busy })
}

async fn settle(store: &Postgres) -> anyhow::Result<()> {
    let began = Instant::now();
    while store.backlog().await? > 0 {
        ensure!(began.elapsed() < PATIENCE, "the backlog takes too long");
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn section(pictures: usize, all: &[Took]) -> Section {
    let of = |workers: usize, value: fn(&Took) -> f64| {
        median(all.iter().filter(|took| took.workers == workers).map(value).collect())
    };
    let line = |what: &str, value: fn(&Took) -> f64, factor: f64, unit: &str, target| {
        let (one, two) = (of(1, value), of(2, value) * factor);
        Line {
            what: what.to_owned(),
            ours: format!("{two:.2} {unit}"),
            beside: format!("{one:.2} by one"),
            value: two / one,
            unit: "×",
            target,
        }
    };
    let row = |took: &Took| {
        vec![
            took.workers.to_string(),
            format!("{:.1}", took.wall.as_secs_f64()),
            format!("{:.2}", took.each_second()),
            format!("{:.1}", took.cpu.as_secs_f64() * 1e3 / took.pictures as f64),
            format!("{:.0}", took.busy * 100.0),
        ]
    };
    Section {
        name: "workers",
        about: format!(
            "A backlog of {pictures} JPEGs from 0.3 to 12 megapixels, accepted and announced before, through worker \
             processes that are each pinned to a core, with PostgreSQL, RabbitMQ, a folder of blobs and a clamd that \
             answers at once. All of these share the same cores."
        ),
        lines: vec![
            line(
                "two workers on two cores",
                Took::each_second,
                1.0,
                "pictures/s",
                Some(Target::AtLeast(1.8)),
            ),
            line(
                "the same by the workers' own CPU",
                Took::each_cpu_second,
                2.0,
                "pictures a second of CPU on each",
                None,
            ),
        ],
        tables: vec![Table {
            title: "Each backlog".into(),
            head: ["workers", "s", "pictures/s", "ms CPU per picture, workers and decoders", "% of the machine busy"]
                .map(str::to_owned)
                .into(),
            rows: all.iter().map(row).collect(),
        }],
        notes: vec![
            "With one worker the servers have the other core for themselves; with two they take from what the workers \
             are measured by, so that the ratio is less than the workers' alone would be."
                .to_owned(),
        ],
    }
}
