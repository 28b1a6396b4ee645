//! `lazaret scan` of many small files, beside `clamdscan` on the same daemon: the price of knowing more.

use crate::{
    executables,
    floors::{Floors, MODEL_INPUT},
    process, quick,
    report::{Line, Section, Table, median},
    service::Service,
};
use anyhow::ensure;
use lazaret_fixtures::{document, picture};
use std::{fs::File, path::Path, time::Duration};
use tokio::{process::Command, time::Instant};

pub async fn run() -> anyhow::Result<Section> {
    let (files, rounds) = if quick() { (40, 1) } else { (1000, 3) };
    let folder = tempfile::Builder::new().prefix("lazaret-files-").tempdir()?;
    let made = write(folder.path(), files)?;
    let models = models(folder.path()).await?;
    let settings = "[antivirus]\nsignatures = \"test\"\nmax_file = \"16MiB\"\nmax_scan = \"32MiB\"\n\
                    [intake]\nmax_upload = \"16MiB\"\n";
    let service = Service::start(settings).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // The first of each is not counted: the files are not in memory yet.
    for round in 0..=rounds {
        let (lazaret, clamdscan) =
            (with_lazaret(&service, folder.path()).await?, with_clamdscan(&service, folder.path()).await?);
        if round > 0 {
            ours.push(lazaret);
            theirs.push(clamdscan);
        }
    }
    service.stop().await?;
    Ok(section(&made, models, &ours, &theirs))
}

/// CPU time of one run of the content model and of the image model, alone.
type Models = (Duration, Duration);

async fn models(folder: &Path) -> anyhow::Result<Models> {
    let mut floors = Floors::new("© Lazaret")?;
    let (mut content, mut image, mut count) = (Duration::ZERO, Duration::ZERO, 0);
    for entry in std::fs::read_dir(folder)?.take(40) {
        content += floors.magika(&File::open(entry?.path())?)?;
        image += floors.onnx(vec![100.0; MODEL_INPUT]).await?;
        count += 1;
    }
    Ok((content / count, image / count))
}

/// Where the CPU time of `lazaret scan` goes; `own` is in seconds.
fn shares(made: &Made, (content, image): Models, own: f64) -> Table {
    let content = content.as_secs_f64() * made.files as f64;
    let image = image.as_secs_f64() * made.frames as f64;
    let row = |what: &str, times: String, seconds: f64| {
        vec![what.to_owned(), times, format!("{seconds:.2}"), format!("{:.0} %", 100.0 * seconds / own)]
    };
    Table {
        title: "Where the CPU time of lazaret scan goes".into(),
        head: ["what", "times", "CPU s", "share"].map(str::to_owned).into(),
        rows: vec![
            row("the content model, alone", made.files.to_string(), content),
            row("the image model, alone", made.frames.to_string(), image),
            row(
                "start, decoders, container walks, hashes, policy and the rest",
                "".into(),
                own - content - image,
            ),
        ],
    }
}

struct Took {
    wall: Duration,
    /// Of the command and the processes it started.
    own: Duration,
    clamd: Duration,
}

fn section(made: &Made, models: Models, ours: &[Took], theirs: &[Took]) -> Section {
    let files = made.files;
    let middle = |runs: &[Took], of: fn(&Took) -> Duration| {
        median(runs.iter().map(|took| of(took).as_secs_f64()).collect())
    };
    let (a, b) = (middle(ours, |t| t.wall), middle(theirs, |t| t.wall));
    let row = |who: &str, runs: &[Took]| {
        let each = |of| format!("{:.2}", middle(runs, of) * 1e3 / files as f64);
        vec![who.to_owned(), each(|t: &Took| t.wall), each(|t| t.own), each(|t| t.clamd)]
    };
    Section {
        name: "scan",
        about: format!("{files} small files, {} of them pictures, beside clamdscan on the same daemon.", made.pictures),
        lines: vec![Line {
            what: format!("lazaret scan of {files} small files"),
            ours: format!("{a:.2} s"),
            beside: format!("{b:.2} s by clamdscan"),
            value: a / b,
            unit: "×",
            target: None,
        }],
        tables: vec![
            Table {
                title: "Milliseconds for each file".into(),
                head: ["command", "wall", "its own CPU", "clamd's CPU"].map(str::to_owned).into(),
                rows: vec![row("lazaret scan", ours), row("clamdscan --multiscan --fdpass", theirs)],
            },
            shares(made, models, middle(ours, |t| t.own)),
        ],
        notes: vec![
            "clamdscan looks for known malware only; lazaret scan also asks the content model what each file is, \
             walks containers, decodes pictures and asks the image model about each."
                .into(),
        ],
    }
}

async fn with_lazaret(service: &Service, files: &Path) -> anyhow::Result<Took> {
    let mut command = service.command()?;
    command.args(["scan", "--json"]).arg(files);
    // 1: some file would not be published, as the documents.
    timed(service, command, &[0, 1]).await
}

async fn with_clamdscan(service: &Service, files: &Path) -> anyhow::Result<Took> {
    let mut command = Command::new(executables::peer("clamdscan")?);
    command.arg("--config-file").arg(service.clamd().join("clamd.conf"));
    command.args(["--multiscan", "--fdpass", "--no-summary", "--infected"]).arg(files);
    timed(service, command, &[0]).await
}

async fn timed(service: &Service, mut command: Command, good: &[i32]) -> anyhow::Result<Took> {
    let clamd = process::Spent::of(service.pid)?.clamd;
    let (reaped, began) = (process::reaped(), Instant::now());
    let output = command.output().await?;
    let wall = began.elapsed();
    let code = output.status.code().unwrap_or(-1);
    ensure!(
        good.contains(&code),
        "{command:?} ended with {code}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let clamd = process::Spent::of(service.pid)?.clamd.saturating_sub(clamd);
    Ok(Took { wall, own: process::reaped().saturating_sub(reaped), clamd })
}

struct Made {
    files: usize,
    pictures: usize,
    /// That the image model sees.
    frames: usize,
}

/// Small JPEG, PNG and GIF pictures, texts and documents in turn.
fn write(folder: &Path, files: usize) -> anyhow::Result<Made> {
    let mut made = Made { files, pictures: 0, frames: 0 };
    for n in 0..files {
        let seed = u32::try_from(n)?;
        let scene = |width, height| picture::landscape(width, height, seed);
        let (name, bytes) = match n % 10 {
            0..=3 => ("jpg", picture::jpeg(&scene(320, 240), 85)),
            4 | 5 => ("png", picture::png(&scene(96, 96))),
            6 => ("gif", picture::animation(2)),
            7 => ("pdf", document::pdf()),
            _ => ("txt", format!("note {n}\n").repeat(200).into_bytes()),
        };
        made.pictures += usize::from(n % 10 < 7);
        made.frames += [1, 1, 1, 1, 1, 1, 2, 0, 0, 0][n % 10];
        std::fs::write(folder.join(format!("{n:04}.{name}")), bytes)?;
    }
    Ok(made)
}
