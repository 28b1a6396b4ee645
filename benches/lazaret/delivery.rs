//! Signed files: Lazaret beside nginx with `secure_link`, asked by wrk in turns.

mod nginx;
mod wrk;

use crate::{
    process, quick,
    report::{Line, Section, Table, Target, median, ms},
    service::Service,
};
use lazaret::{adapters::sqlite::Sqlite, ports::Store, upload::rendition::RenditionName};
use lazaret_fixtures::Noise;
use nginx::Nginx;
use std::time::Duration;
use tokio::time::Instant;
use wrk::Answers;

struct Size {
    name: &'static str,
    bytes: usize,
    /// Requests/s of nginx's; at a fixed size bytes/s have the same ratio.
    at_least: f64,
    unit: &'static str,
}

const SIZES: [Size; 2] = [
    Size { name: "10 KiB", bytes: 10 << 10, at_least: 0.5, unit: "requests/s" },
    Size { name: "1 MiB", bytes: 1 << 20, at_least: 0.8, unit: "MB/s" },
];

pub async fn run() -> anyhow::Result<Section> {
    let (rounds, each) = if quick() { (1, 1) } else { (5, 5) };
    let settings = "[antivirus]\nsignatures = \"test\"\nmax_file = \"16MiB\"\nmax_scan = \"32MiB\"\n\
                    [intake]\nmax_upload = \"16MiB\"\n";
    let service = Service::start(settings).await?;
    let nginx = Nginx::start().await?;
    let (mut lines, mut rows) = (Vec::new(), Vec::new());
    for size in SIZES {
        let text = text(size.bytes);
        let theirs = nginx.publish(&format!("{}.txt", size.bytes), &text)?;
        let ours = service.publish("words.txt", "text/plain", text).await?;
        let (mut lazaret, mut beside) = (Vec::new(), Vec::new());
        for url in [&ours, &theirs] {
            wrk::ask(url, 1).await?;
        }
        for _ in 0..rounds {
            let before = process::own(service.pid);
            let answers = wrk::ask(&ours, each).await?;
            lazaret.push((answers, process::own(service.pid) - before));
            let before = nginx.cpu();
            let answers = wrk::ask(&theirs, each).await?;
            beside.push((answers, nginx.cpu() - before));
        }
        rows.push(row("lazaret", &size, &lazaret));
        rows.push(row("nginx", &size, &beside));
        lines.push(line(&size, &lazaret, &beside));
    }
    let note = lookups(&service).await?;
    nginx.stop()?;
    service.stop().await?;
    Ok(Section {
        name: "delivery",
        about: "Signed URLs on loopback, wrk with 2 threads and 32 connections; medians of rounds in turn."
            .into(),
        lines,
        tables: vec![Table {
            title: "Each server".into(),
            head: ["server", "size", "requests/s", "MB/s", "99 % within ms", "µs CPU/request"]
                .map(str::to_owned)
                .into(),
            rows,
        }],
        notes: vec![note],
    })
}

type Rounds = [(Answers, Duration)];

fn rate(rounds: &Rounds) -> f64 {
    median(rounds.iter().map(|(answers, _)| answers.each_second).collect())
}

fn line(size: &Size, ours: &Rounds, theirs: &Rounds) -> Line {
    let (ours, theirs) = (rate(ours), rate(theirs));
    let shown = |rate: f64| match size.unit {
        "MB/s" => format!("{:.0} MB/s", rate * size.bytes as f64 / 1e6),
        unit => format!("{rate:.0} {unit}"),
    };
    Line {
        what: format!("signed delivery of {}", size.name),
        ours: shown(ours),
        beside: format!("{} by nginx", shown(theirs)),
        value: ours / theirs,
        unit: "×",
        target: Some(Target::AtLeast(size.at_least)),
    }
}

fn row(server: &str, size: &Size, rounds: &Rounds) -> Vec<String> {
    let rate = rate(rounds);
    let slow = median(rounds.iter().map(|(answers, _)| answers.p99.as_secs_f64()).collect());
    let cpu =
        median(rounds.iter().map(|(answers, cpu)| cpu.as_secs_f64() * 1e6 / answers.count as f64).collect());
    vec![
        server.to_owned(),
        size.name.to_owned(),
        format!("{rate:.0}"),
        format!("{:.0}", rate * size.bytes as f64 / 1e6),
        ms(Duration::from_secs_f64(slow)),
        format!("{cpu:.0}"),
    ]
}

/// The look-up that stands behind every request, alone.
async fn lookups(service: &Service) -> anyhow::Result<String> {
    let id = service.send("one.txt", "text/plain", text(100)).await?;
    service.settled(&id).await?;
    let id = id.parse()?;
    let store = Sqlite::open_existing(&service.folder().join("data/lazaret.db")).await?;
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < Duration::from_secs(1) {
        store.published(id, RenditionName::Original).await?;
        count += 1;
    }
    let each = began.elapsed() / count;
    store.close().await;
    Ok(format!("The look-up in the store behind each request takes {:.1} µs.", each.as_secs_f64() * 1e6))
}

/// Words: of a type that is published as it is.
fn text(bytes: usize) -> Vec<u8> {
    let words = ["harbour", "quarantine", "vessel", "passenger", "lantern", "station", "island", "arrival"];
    let mut noise = Noise::new(5);
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        text.push_str(words[noise.below(8) as usize]);
        text.push(if noise.below(9) == 0 { '\n' } else { ' ' });
    }
    text.truncate(bytes);
    text.into_bytes()
}
