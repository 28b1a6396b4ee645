//! 1 GiB over HTTP: the service's memory, and its speed beside a plain write of the same bytes to the same disk.

use crate::{
    process, quick,
    report::{Line, Section, Table, Target, median},
    service::Service,
};
use bytes::Bytes;
use futures_util::stream;
use lazaret_fixtures::Noise;
use reqwest::Body;
use sha2::{Digest, Sha256};
use std::{convert::Infallible, io::Write, path::Path};
use tokio::time::Instant;

const BLOCK: usize = 4 << 20;
const MIB: f64 = 1048576.0;

pub async fn run() -> anyhow::Result<Section> {
    let (size, rounds) = if quick() { (64 << 20, 2) } else { (1 << 30, 3) };
    let block = block();
    let settings = "[antivirus]\nsignatures = \"test\"\nmax_file = \"1GiB\"\nmax_scan = \"2GiB\"\n\
                    [intake]\nmax_upload = \"1GiB\"\n";
    let service = Service::start(settings).await?;
    let pid = service.pid;
    process::forget_peak(pid)?;
    let idle = process::memory(pid, "VmRSS")?;
    let mut runs = Vec::new();
    for _ in 0..rounds {
        let floor = plain(service.folder(), &block, size)?;
        let began = Instant::now();
        let id = service.send("large.bin", "application/octet-stream", body(&block, size)).await?;
        let ours = size as f64 / MIB / began.elapsed().as_secs_f64();
        let received = process::memory(pid, "VmHWM")?;
        let verdict = service.settled(&id).await?;
        let scanned = process::memory(pid, "VmHWM")?;
        let verdict = verdict["verdict"].as_str().unwrap_or_default().to_owned();
        runs.push(Run { ours, floor, received, scanned, verdict });
    }
    service.stop().await?;
    Ok(section(size, idle, &runs))
}

struct Run {
    /// MiB/s.
    ours: f64,
    floor: f64,
    /// The highest memory until 202, and until the verdict, in bytes.
    received: u64,
    scanned: u64,
    verdict: String,
}

fn section(size: u64, idle: u64, runs: &[Run]) -> Section {
    let peak = runs.iter().map(|run| run.scanned).max().unwrap_or(0);
    let over = peak.saturating_sub(idle) as f64 / 1e6;
    let (ours, floor) =
        (median(runs.iter().map(|r| r.ours).collect()), median(runs.iter().map(|r| r.floor).collect()));
    let mb = |bytes: u64| format!("{:.0}", bytes as f64 / 1e6);
    let row = |run: &Run| {
        let speeds = [run.ours, run.floor].map(|speed| format!("{speed:.0}"));
        let [ours, floor] = speeds;
        vec![ours, floor, mb(run.received), mb(run.scanned), run.verdict.clone()]
    };
    Section {
        name: "upload",
        about: format!("{} MiB over HTTP on loopback, to 202 (durable) and on to the verdict.", size >> 20),
        lines: vec![
            Line {
                what: "peak memory over idle".into(),
                ours: format!("{} MB", mb(peak)),
                beside: format!("{} MB idle", mb(idle)),
                value: over,
                unit: "MB",
                target: Some(Target::AtMost(150.0)),
            },
            Line {
                what: "upload speed to 202".into(),
                ours: format!("{ours:.0} MiB/s"),
                beside: format!("{floor:.0} MiB/s write + SHA-256 + fsync"),
                value: ours / floor,
                unit: "×",
                target: None,
            },
        ],
        tables: vec![Table {
            title: "Each round".into(),
            head: ["MiB/s", "plain MiB/s", "peak MB at 202", "peak MB at the verdict", "verdict"]
                .map(str::to_owned)
                .into(),
            rows: runs.iter().map(row).collect(),
        }],
        notes: Vec::new(),
    }
}

/// Bytes that do not compress.
fn block() -> Bytes {
    let mut noise = Noise::new(1);
    (0..BLOCK).map(|_| u8::try_from(noise.below(256)).unwrap_or_default()).collect::<Vec<u8>>().into()
}

fn body(block: &Bytes, size: u64) -> Body {
    let blocks = usize::try_from(size).unwrap_or(usize::MAX) / BLOCK;
    let all = std::iter::repeat_n(block.clone(), blocks).map(Ok::<_, Infallible>);
    Body::wrap_stream(stream::iter(all))
}

/// MiB/s of a plain write, hashed on the way, durable in the end.
fn plain(folder: &Path, block: &Bytes, size: u64) -> anyhow::Result<f64> {
    let mut file = tempfile::tempfile_in(folder)?;
    let began = Instant::now();
    let mut hasher = Sha256::new();
    for _ in 0..size / BLOCK as u64 {
        for piece in block.chunks(512 * 1024) {
            hasher.update(piece);
            file.write_all(piece)?;
        }
    }
    file.sync_all()?;
    std::hint::black_box(hasher.finalize());
    Ok(size as f64 / MIB / began.elapsed().as_secs_f64())
}
