//! `lazaret doctor`: every dependency in one table.

mod sandbox;

use super::output::{Paint, put, say, table};
use crate::{
    app,
    config::{Config, sections::Signatures},
    ports::clock::SystemClock,
};
use lazaret_antivirus::Health;
use rustix::fs::Access;
use serde_json::json;
use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status: 0 when uploads could be published, 1 when none could.")]
pub(super) struct Args {
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

struct Line {
    part: String,
    healthy: bool,
    found: String,
    /// What to do, or to know.
    advice: String,
}

impl Line {
    fn new(part: &str, found: Result<String, String>) -> Self {
        let part = part.to_owned();
        match found {
            Ok(found) => Self { part, healthy: true, found, advice: String::new() },
            Err(advice) => Self { part, healthy: false, found: "-".to_owned(), advice },
        }
    }
}

/// Time for a clamd to load its signatures.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) async fn run(args: Args, config: Config) -> anyhow::Result<ExitCode> {
    let lines = examine(&config).await?;
    let paint = Paint::stdout();
    if args.json {
        for Line { part, healthy, found, advice } in &lines {
            say!("{}", json!({"part": part, "healthy": healthy, "found": found, "advice": advice}));
        }
    } else {
        let row = |line: &Line| {
            let healthy = if line.healthy { "yes" } else { "NO" };
            vec![line.part.clone(), healthy.to_owned(), line.found.clone(), line.advice.clone()]
        };
        let rows: Vec<_> = lines.iter().map(row).collect();
        put!("{}", table(&["PART", "HEALTHY", "FOUND", "WHAT TO DO"], &rows));
    }
    let able = lines.iter().all(|line| line.healthy);
    if !args.json {
        let word =
            if able { paint.good("uploads can be published") } else { paint.bad("nothing can be published") };
        say!("\n{word}");
    }
    Ok(if able { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn examine(config: &Config) -> anyhow::Result<Vec<Line>> {
    let store = store(config).await;
    let is_there = store.is_ok();
    let mut lines = vec![Line::new("store", store), Line::new("blobs", blobs(config).await)];
    // Of a store that is not there one line says so.
    if is_there {
        lines.extend(secrets(config).await);
    }
    if let Some(found) = broker(config).await {
        lines.push(Line::new("broker", found));
    }

    let mut config = config.clone();
    let private = tempfile::Builder::new().prefix("lazaret-").tempdir()?;
    let clamd = if super::scan::uses_running_clamd(&mut config) {
        config.data("clamd")
    } else {
        private.path().join("clamd")
    };
    let engines = app::start_engines(&config, &clamd, Arc::new(SystemClock)).await?;
    lines.push(antivirus(&config, &engines.antivirus).await);
    let classifier = engines.classifiers.get().await;
    let runtime = lazaret_classify::runtime::current().map(|r| format!("{} {}", r.version, r.path.display()));
    let missing = "run scripts/setup.sh, or set models.runtime to a libonnxruntime.so".to_owned();
    lines.push(Line::new("onnxruntime", runtime.ok_or(missing)));
    lines.push(Line::new(
        "magika",
        match engines.content.ready().await {
            Ok(()) => Ok(lazaret_inspect::ContentModel::version().to_owned()),
            Err(trouble) => Err(trouble.why),
        },
    ));
    lines.push(Line::new(
        "models",
        match classifier {
            Ok(classifier) => {
                let names = classifier
                    .engines()
                    .into_iter()
                    .map(|engine| format!("{} {}", engine.name, engine.version));
                Ok(names.collect::<Vec<_>>().join(", "))
            }
            Err(trouble) => Err(trouble.to_string()),
        },
    ));
    lines.push(Line::new("media", engines.media.check().await.map_err(|trouble| trouble.why)));
    lines.push(Line::new("video", engines.video.check().await.map_err(|trouble| trouble.why)));
    lines.extend(sandbox::lines(&config, engines.media.self_test().await));
    lines.push(sandbox::proof(&config, "sandbox video", engines.video.self_test().await));
    lines.push(srt(&config).await);
    for off in &config.checks.off {
        let mut line = Line::new(&format!("check {}", off.check), Ok(format!("off for {}", off.media_type)));
        line.advice = format!("switched off by the operator: {}", off.because);
        lines.push(line);
    }
    engines.antivirus.shutdown().await;
    Ok(lines)
}

/// What is not there yet is not made either: a look changes nothing.
async fn store(config: &Config) -> Result<String, String> {
    if !config.is_embedded() {
        let mut config = config.clone();
        config.store.migrate = false;
        let store = app::open_store(&config).await.map_err(|error| format!("{error:#}"))?;
        store.ping().await.map_err(|error| error.to_string())?;
        return Ok(config.store.url.to_string());
    }
    let path = app::store_path(config).map_err(|error| error.to_string())?;
    if !path.exists() {
        return will_be_made(&path);
    }
    let store = app::open_store(config).await.map_err(|error| format!("{error:#}"))?;
    store.ping().await.map_err(|error| error.to_string())?;
    Ok(path.display().to_string())
}

/// Under which keys secrets are sealed. `None` where there are none, and no key that waits to go.
async fn secrets(config: &Config) -> Option<Line> {
    if config.is_embedded() && !app::store_path(config).is_ok_and(|path| path.exists()) {
        return None;
    }
    let mut config = config.clone();
    config.store.migrate = false;
    let keeps = !config.console.previous_keys.is_empty();
    let found = match app::secrets(&config).await {
        Ok(Some(found)) if keeps || found != app::Secrets::default() => found,
        Ok(_) => return None,
        Err(error) => return Some(Line::new("secrets", Err(format!("{error:#}")))),
    };
    let app::Secrets { now, before, elsewhere, plain } = found;
    let mut line = Line::new("secrets", Ok(format!("{now} under console.key, {before} under one of before")));
    line.advice = if elsewhere > 0 {
        format!(
            "{elsewhere} cannot be opened: name their key in console.previous_keys, or reset the accounts"
        )
    } else if before + plain > 0 {
        "sealed under console.key at the next start of a console; keep console.previous_keys until then"
            .into()
    } else if keeps {
        "console.previous_keys can go".into()
    } else {
        String::new()
    };
    Some(line)
}

/// `None` where the queue is in the store.
async fn broker(config: &Config) -> Option<Result<String, String>> {
    match app::open_broker(config, "doctor").await {
        Ok(None) => None,
        Ok(Some(broker)) => Some(broker.health().await.map(|()| config.queue.url.to_string())),
        Err(error) => Some(Err(format!("{error:#}"))),
    }
}

async fn blobs(config: &Config) -> Result<String, String> {
    if config.blobs.url.starts_with("s3:") {
        app::open_blobs(config).await.map_err(|error| format!("{error:#}"))?;
        return Ok(config.blobs.url.to_string());
    }
    let path = app::blobs_path(config).map_err(|error| error.to_string())?;
    if !path.exists() {
        return will_be_made(&path);
    }
    let bytes = app::open_blobs(config).await.map_err(|error| format!("{error:#}"))?;
    let free = bytes.blobs.free_bytes().await.map_err(|error| error.to_string())?;
    Ok(free.map_or_else(
        || path.display().to_string(),
        |free| format!("{}, {} MiB free", path.display(), free >> 20),
    ))
}

/// Is there a folder above it that can be written to?
fn will_be_made(path: &Path) -> Result<String, String> {
    let path = std::path::absolute(path).map_err(|error| error.to_string())?;
    let above = path.ancestors().skip(1).find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    rustix::fs::access(above, Access::WRITE_OK).map(|()| format!("will be made: {}", path.display())).map_err(
        |_| {
            format!(
                "{} cannot be made: {} cannot be written to; set server.data",
                path.display(),
                above.display()
            )
        },
    )
}

/// Uploads need none of it, and most streams do not either.
async fn srt(config: &Config) -> Line {
    let version = match app::caller(config) {
        Ok(caller) => caller.version().await,
        Err(error) => Err(format!("{error:#}")),
    };
    match version {
        Err(why) => Line {
            advice: format!("streams with a source over SRT cannot be pulled: {why}"),
            ..Line::new("srt", Ok("-".to_owned()))
        },
        found => Line::new("srt", found),
    }
}

async fn antivirus(config: &Config, antivirus: &lazaret_antivirus::Antivirus) -> Line {
    let mut health = antivirus.subscribe();
    let _ = tokio::time::timeout(PATIENCE, health.wait_for(|health| *health != Health::Starting)).await;
    let mut line = Line::new(
        "clamav",
        match antivirus.health() {
            Health::Healthy { version, .. } => Ok(version),
            other => Err(other.to_string()),
        },
    );
    if line.healthy && config.antivirus.signatures == Signatures::Test {
        line.advice =
            "TEST SIGNATURES: they know nothing but EICAR; set antivirus.signatures = \"system\"".to_owned();
    }
    line
}
