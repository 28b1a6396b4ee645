//! `make bench`: speed and memory of the real executables, beside what they are measured against, in one run.
//!
//! `cargo bench -- pictures|sandbox|video|upload|delivery|scan|pipeline|outbox|workers|live|console` selects; BENCH_QUICK=1 takes small
//! counts, to try the benchmark itself.
//! Figures are printed as tables, as Markdown for docs/speed.md, and written as JSON under target/bench/.

mod clamd;
mod console;
mod delivery;
mod executables;
mod floors;
mod live;
mod machine;
mod net;
mod outbox;
mod pictures;
mod pipeline;
#[path = "../../tests/servers/postgres.rs"]
mod postgres;
mod process;
#[path = "../../tests/servers/proxy.rs"]
mod proxy;
#[path = "../../tests/servers/rabbitmq.rs"]
mod rabbitmq;
mod report;
mod sandbox;
mod scan;
mod service;
mod shared;
mod upload;
mod video;
mod workers;

use anyhow::{Context, bail};
use mimalloc::MiMalloc;
use report::Section;
use std::path::Path;

/// The service's own, for what runs in this process as it does in the service; the floors have it too.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const ALL: [&str; 11] = [
    "pictures", "sandbox", "video", "upload", "delivery", "scan", "pipeline", "outbox", "workers", "live",
    "console",
];

/// Small counts: the figures then mean nothing, and every line of the benchmark still runs.
pub fn quick() -> bool {
    std::env::var("BENCH_QUICK").is_ok_and(|v| v == "1")
}

// One thread: what is measured has the cores for itself as far as that can be.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    if let Some(unknown) = wanted.iter().find(|name| !ALL.contains(&name.as_str())) {
        bail!("there is no benchmark {unknown:?}; there are {}", ALL.join(", "));
    }
    if quick() || cfg!(debug_assertions) {
        println!("A TRIAL of the benchmarks, not a measurement: few of everything, or not optimised.");
    }
    let folder = executables::folder()?.join("../bench");
    std::fs::create_dir_all(&folder)?;
    let mut sections = Vec::new();
    for name in ALL.into_iter().filter(|name| wanted.is_empty() || wanted.iter().any(|w| w == name)) {
        println!("\n== {name}");
        let section = run(name).await.with_context(|| format!("the benchmark {name}"))?;
        print!("{}", section.text());
        write(&folder, &section)?;
        sections.push(section);
    }
    println!("\n== for docs/speed.md\n\n{}", report::markdown(&machine::describe(), &sections));
    let missed: usize = sections.iter().map(Section::missed).sum();
    println!("{missed} targets missed");
    Ok(())
}

async fn run(name: &str) -> anyhow::Result<Section> {
    match name {
        "pictures" => pictures::run().await,
        "sandbox" => shared::on_all_cores(sandbox::run).await,
        "video" => video::run().await,
        "upload" => upload::run().await,
        "delivery" => delivery::run().await,
        "scan" => scan::run().await,
        "pipeline" => shared::on_all_cores(pipeline::run).await,
        "outbox" => shared::on_all_cores(outbox::run).await,
        "live" => live::run().await,
        "console" => console::run().await,
        _ => workers::run().await,
    }
}

fn write(folder: &Path, section: &Section) -> anyhow::Result<()> {
    let path = folder.join(format!("{}.json", section.name));
    let json = serde_json::json!({"machine": machine::describe(), "section": section});
    std::fs::write(&path, serde_json::to_vec_pretty(&json)?)
        .with_context(|| format!("{} cannot be written", path.display()))
}
