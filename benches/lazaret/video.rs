//! What it costs to look at a film: the child's own processor time, over that of decoding every frame of it with the same
//! library, on one thread as the child has.

use crate::{
    executables, process, quick,
    report::{Line, Section, Table, Target, median},
};
use anyhow::{Context, ensure};
use lazaret_sandbox::{
    Budget, ChildSetup, Confinement, FilmRequest, Pool, PoolConfig, Resize, Target as Size,
};
use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};
use tokio::sync::mpsc;

/// Frames from one key frame to the next, and the part of a full decode that looking may cost.
const CLIPS: [(u32, f64); 2] = [(60, 0.12), (250, 0.06)];

pub async fn run() -> anyhow::Result<Section> {
    let seconds = if quick() { 4 } else { 40 };
    let folder = tempfile::tempdir()?;
    let (mut lines, mut rows) = (Vec::new(), Vec::new());
    for (gop, target) in CLIPS {
        let clip = make(folder.path(), gop, seconds)?;
        let (mut ours, mut full, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        let mut shots = 0;
        for _ in 0..if quick() { 1 } else { 3 } {
            full.push(ffmpeg(&clip, &[])?);
            keys.push(ffmpeg(&clip, &["-skip_frame", "nokey"])?);
            let (cpu, seen) = look(&clip).await?;
            ours.push(cpu);
            shots = seen;
        }
        let (ours, full, keys) = (median(ours), median(full), median(keys));
        lines.push(Line {
            what: format!("looking at {seconds} s of 720p, a key frame every {gop}, no gap over 2 s"),
            ours: format!("{:.0} ms of CPU, {shots} frames", ours * 1e3),
            beside: format!("{:.0} ms for all frames", full * 1e3),
            value: ours / full,
            unit: "×",
            target: Some(Target::AtMost(target)),
        });
        rows.push(vec![
            format!("{gop}"),
            format!("{:.3}", ours / full),
            format!("{:.3}", keys / full),
            format!("{shots}"),
            format!("{}", seconds * 30 / gop + 1),
        ]);
    }
    let head = ["key frame every", "looking", "ffmpeg -skip_frame nokey", "frames seen", "key frames"];
    Ok(Section {
        name: "video",
        about: format!("Clips of {seconds} s, 1280x720 at 30 frames a second, H.264."),
        lines,
        tables: vec![Table {
            title: "Processor time over that of a full decode".to_owned(),
            head: head.map(str::to_owned).into(),
            rows,
        }],
        notes: vec![
            "Where key frames are farther apart than the largest gap, what lies between must be decoded up to the last \
             frame that is needed; `-skip_frame nokey` sees nothing of it."
                .into(),
        ],
    })
}

/// Movement, detail and a little noise, as a camera gives.
fn make(folder: &Path, gop: u32, seconds: u32) -> anyhow::Result<PathBuf> {
    let path = folder.join(format!("{gop}.mp4"));
    let source = format!("testsrc2=size=1280x720:rate=30:duration={seconds},noise=alls=6:allf=t");
    let gop = gop.to_string();
    let made = Command::new(executables::peer("ffmpeg")?)
        .args(["-nostdin", "-y", "-loglevel", "error", "-f", "lavfi", "-i", &source])
        .args(["-c:v", "libx264", "-preset", "medium", "-pix_fmt", "yuv420p"])
        .args(["-g", &gop, "-keyint_min", &gop, "-sc_threshold", "0"])
        .arg(&path)
        .status()?;
    ensure!(made.success(), "ffmpeg could not make a clip");
    Ok(path)
}

/// Seconds of processor time, without those that it takes to start.
fn ffmpeg(clip: &Path, options: &[&str]) -> anyhow::Result<f64> {
    let before = process::reaped();
    let version =
        Command::new(executables::peer("ffmpeg")?).arg("-version").stdout(Stdio::null()).status()?;
    ensure!(version.success(), "ffmpeg does not start");
    let start = (process::reaped() - before).as_secs_f64();
    Ok(decode(clip, options)? - start)
}

fn decode(clip: &Path, options: &[&str]) -> anyhow::Result<f64> {
    let before = process::reaped();
    let done = Command::new(executables::peer("ffmpeg")?)
        .args(["-nostdin", "-loglevel", "error", "-threads", "1"])
        .args(options)
        .arg("-i")
        .arg(clip)
        .args(["-an", "-f", "null", "-"])
        .stdout(Stdio::null())
        .status()?;
    ensure!(done.success(), "ffmpeg could not decode a clip");
    Ok((process::reaped() - before).as_secs_f64())
}

async fn look(clip: &Path) -> anyhow::Result<(f64, u32)> {
    let pool = Pool::new(PoolConfig {
        child: executables::lazaret()?.with_file_name("lazaret-video"),
        size: 1,
        wall: Duration::from_secs(120),
        cpu: Duration::from_secs(120),
        memory_bytes: 2 << 30,
        max_output_bytes: 1 << 30,
        max_jobs_per_child: u32::MAX,
        confinement: Confinement::Enforced,
        setup: ChildSetup { mark: None, budget: Budget::default() },
    });
    pool.check().await?;
    let child = *pool.idle().first().context("no child is idle")?;
    let file = File::open(clip)?;
    let before = process::own(child);
    let mut session = pool.open(&file, file.metadata()?.len(), "video/mp4").await?;
    let (shots, mut taken) = mpsc::channel(4);
    let request = FilmRequest::new(vec![Size { width: 224, height: 224, resize: Resize::default() }]);
    let taking = tokio::spawn(async move { while taken.recv().await.is_some() {} });
    let film = session.film(&request, shots).await?;
    taking.await?;
    let cpu = (process::own(child) - before).as_secs_f64();
    ensure!(film.coverage.is_complete(), "{:?}", film.coverage);
    Ok((cpu, film.frames_seen))
}
