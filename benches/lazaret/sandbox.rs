//! What confinement costs: real children under all layers beside real children under none, by the same pool, and all
//! of it again with a parent that holds 2 GiB.

use crate::{
    executables,
    pictures::photos::{self, Class},
    quick,
    report::{Line, Section, Table, Target, median, ms},
};
use anyhow::{Context, ensure};
use lazaret_sandbox::{
    Budget, ChildSetup, Confinement, Layer, PictureRequest, Pool, PoolConfig, RenditionSpec, Resize, Session,
};
use serde_json::{Value, json};
use std::{fs::File, io::Write, sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};

/// Of the parent, while everything is measured again.
const LARGE: usize = 2 << 30;
/// Photos of each size.
const EACH_CLASS: usize = 12;
/// Children at work at a time where the machine is to be busy: two a core, as in the service.
const EACH_CORE: usize = 2;

pub async fn run() -> anyhow::Result<Section> {
    let pictures: Vec<Arc<Picture>> =
        photos::classes().iter().flat_map(Picture::all).collect::<Result<_, _>>()?;
    println!("with a small parent …");
    let small = Figures::measure(&pictures).await?;
    println!("with a parent of 2 GiB …");
    let held = vec![1u8; LARGE];
    let large = Figures::measure(&pictures).await?;
    ensure!(std::hint::black_box(&held).iter().step_by(4096).all(|byte| *byte == 1));
    let mut lines = small.lines("");
    lines.extend(large.lines(", parent of 2 GiB"));
    Ok(Section {
        name: "sandbox",
        about: format!("{} photos of 0.3 to 12 megapixels, decoded by real children.", pictures.len()),
        lines,
        tables: vec![small.table("Decode by size, medians"), large.table("The same, parent of 2 GiB")],
        notes: vec![
            "Confined and unconfined children take turns picture by picture. A file is all that the service asks a \
             child about a picture: walk, frame, three renditions."
                .into(),
        ],
    })
}

struct Picture {
    class: &'static str,
    file: File,
    size: u64,
}

impl Picture {
    fn all(class: &Class) -> impl Iterator<Item = anyhow::Result<Arc<Self>>> {
        class.photos.iter().take(EACH_CLASS).map(|photo| {
            let mut file = tempfile::tempfile()?;
            file.write_all(photo)?;
            Ok(Arc::new(Self { class: class.name, file, size: photo.len() as u64 }))
        })
    }
}

/// A text, for which every child reads fonts when it is set up; there is none by default.
fn mark() -> Option<Value> {
    Some(json!({"content": {"text": {"text": "© Lazaret"}}}))
}

fn pool(
    confinement: Confinement,
    size: usize,
    max_jobs_per_child: u32,
    mark: Option<Value>,
) -> anyhow::Result<Pool> {
    Ok(Pool::new(PoolConfig {
        child: executables::lazaret()?.with_file_name("lazaret-media"),
        size,
        wall: Duration::from_secs(60),
        cpu: Duration::from_secs(60),
        memory_bytes: 2 << 30,
        max_output_bytes: 1 << 30,
        max_jobs_per_child,
        confinement,
        setup: ChildSetup { mark, budget: Budget::default() },
    }))
}

struct Figures {
    /// By class: confined and unconfined, milliseconds.
    decodes: Vec<(&'static str, f64, f64)>,
    /// From the end of a file to the child having taken the next one, microseconds: the middle, and the worst of 20.
    next: (f64, f64),
    /// Without a mark, and with one.
    fresh: [Fresh; 2],
}

/// What it costs to have a child for every file.
struct Fresh {
    /// Files a second: children of a thousand files, children of one.
    kept: f64,
    recycled: f64,
    /// Of the second to the first, in the middle of the rounds' own: a round's two follow each other.
    ratio: f64,
    /// Of a child, until it is set up and confined.
    start: Duration,
}

impl Fresh {
    async fn measure(pictures: &[Arc<Picture>], mark: Option<Value>) -> anyhow::Result<Self> {
        let start = start(mark.clone()).await?;
        let (mut kept, mut recycled) = (Vec::new(), Vec::new());
        for _ in 0..if quick() { 1 } else { 9 } {
            kept.push(rate(pictures, 1_000, mark.clone()).await?);
            recycled.push(rate(pictures, 1, mark.clone()).await?);
        }
        let ratio = median(kept.iter().zip(&recycled).map(|(kept, recycled)| recycled / kept).collect());
        Ok(Self { kept: median(kept), recycled: median(recycled), ratio, start })
    }

    fn line(&self, what: &str) -> Line {
        Line {
            what: format!("a fresh child for every file, {what}"),
            ours: format!("{:.1} files/s, {} ms to start", self.recycled, ms(self.start)),
            beside: format!("{:.1} files/s by children that are kept", self.kept),
            value: self.ratio,
            unit: "×",
            target: Some(Target::AtLeast(0.85)),
        }
    }
}

impl Figures {
    async fn measure(pictures: &[Arc<Picture>]) -> anyhow::Result<Self> {
        let decodes = decodes(pictures).await?;
        let next = next(pictures).await?;
        let fresh = [Fresh::measure(pictures, None).await?, Fresh::measure(pictures, mark()).await?];
        Ok(Self { decodes, next, fresh })
    }

    fn lines(&self, parent: &str) -> Vec<Line> {
        let large = || self.decodes.iter().filter(|(class, ..)| *class != "0.3 MP");
        let (confined, free) = large().fold((0.0, 0.0), |sum, (_, a, b)| (sum.0 + a, sum.1 + b));
        vec![
            Line {
                what: format!("decode of 1 to 12 megapixels, confined{parent}"),
                ours: format!("{confined:.1} ms"),
                beside: format!("{free:.1} ms unconfined"),
                value: free / confined,
                unit: "×",
                target: Some(Target::AtLeast(0.95)),
            },
            Line {
                what: format!("a warm child takes its next file{parent}"),
                ours: format!("{:.0} µs", self.next.0),
                beside: format!("{:.0} µs, one in twenty", self.next.1),
                value: self.next.0,
                unit: "µs",
                target: Some(Target::AtMost(2_000.0)),
            },
            self.fresh[0].line(&format!("no mark{parent}")),
            self.fresh[1].line(&format!("a text mark{parent}")),
        ]
    }

    fn table(&self, title: &str) -> Table {
        let row = |(class, confined, free): &(&str, f64, f64)| {
            vec![
                (*class).to_owned(),
                format!("{confined:.2} ms"),
                format!("{free:.2} ms"),
                format!("{:.3} ×", free / confined),
            ]
        };
        Table {
            title: title.to_owned(),
            head: ["picture", "confined", "unconfined", "throughput"].map(str::to_owned).into(),
            rows: self.decodes.iter().map(row).collect(),
        }
    }
}

async fn decodes(pictures: &[Arc<Picture>]) -> anyhow::Result<Vec<(&'static str, f64, f64)>> {
    let confined = pool(Confinement::Enforced, 1, u32::MAX, None)?;
    let free = pool(Confinement::Without(vec![Layer::Landlock, Layer::Seccomp]), 1, u32::MAX, None)?;
    let mut classes: Vec<(&'static str, Vec<f64>, Vec<f64>)> = Vec::new();
    for round in 0..if quick() { 2 } else { 5 } {
        for picture in pictures {
            // Who goes first changes, and the first round is not counted.
            let (a, b) = if round % 2 == 0 {
                let a = decode(&confined, picture).await?;
                (a, decode(&free, picture).await?)
            } else {
                let b = decode(&free, picture).await?;
                (decode(&confined, picture).await?, b)
            };
            if round == 0 {
                continue;
            }
            let at = classes.iter().position(|class| class.0 == picture.class).unwrap_or_else(|| {
                classes.push((picture.class, Vec::new(), Vec::new()));
                classes.len() - 1
            });
            classes[at].1.push(a);
            classes[at].2.push(b);
        }
    }
    Ok(classes.into_iter().map(|(class, a, b)| (class, median(a), median(b))).collect())
}

/// Milliseconds.
async fn decode(pool: &Pool, picture: &Picture) -> anyhow::Result<f64> {
    let mut session = open(pool, picture).await?;
    let began = Instant::now();
    frames(&mut session).await?;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}

async fn open(pool: &Pool, picture: &Picture) -> anyhow::Result<Session> {
    pool.open(&picture.file, picture.size, "image/jpeg").await.context("a child")
}

async fn frames(session: &mut Session) -> anyhow::Result<()> {
    let target = lazaret_sandbox::Target { width: 224, height: 224, resize: Resize::default() };
    let (sink, _frames) = mpsc::channel(4);
    session.picture(&PictureRequest::new(vec![target]), &sink).await.context("a picture")?;
    Ok(())
}

async fn next(pictures: &[Arc<Picture>]) -> anyhow::Result<(f64, f64)> {
    let pool = pool(Confinement::Enforced, 1, u32::MAX, None)?;
    let mut times = Vec::new();
    for picture in pictures.iter().cycle().take(if quick() { 20 } else { 400 }) {
        let session = open(&pool, picture).await?;
        let began = Instant::now();
        drop(session);
        let session = open(&pool, picture).await?;
        times.push(began.elapsed().as_secs_f64() * 1e6);
        drop(session);
    }
    times.sort_by(f64::total_cmp);
    Ok((median(times.clone()), times[times.len() * 19 / 20]))
}

async fn start(mark: Option<Value>) -> anyhow::Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..if quick() { 3 } else { 20 } {
        let pool = pool(Confinement::Enforced, 1, 1, mark.clone())?;
        let began = Instant::now();
        pool.check().await?;
        times.push(began.elapsed().as_secs_f64());
    }
    Ok(Duration::from_secs_f64(median(times)))
}

/// Files a second with every core busy.
async fn rate(pictures: &[Arc<Picture>], jobs: u32, mark: Option<Value>) -> anyhow::Result<f64> {
    let at_a_time = crate::machine::cores() * EACH_CORE;
    let marked = mark.is_some();
    let pool = pool(Confinement::Enforced, at_a_time, jobs, mark)?;
    let (began, mut files) = (Instant::now(), JoinSet::new());
    for picture in pictures {
        let (pool, picture) = (pool.clone(), Arc::clone(picture));
        files.spawn(async move {
            let mut session = open(&pool, &picture).await?;
            session.walk().await?;
            frames(&mut session).await?;
            // In the service's order.
            let small = RenditionSpec::Thumbnail { max_edge: 512 };
            let watermarked = marked.then_some(RenditionSpec::Watermarked);
            let renditions = [Some(small), watermarked, Some(RenditionSpec::Original)];
            for spec in renditions.into_iter().flatten() {
                session.render(&spec, &mut tokio::io::sink()).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = files.join_next().await {
        done??;
    }
    Ok(pictures.len() as f64 / began.elapsed().as_secs_f64())
}
