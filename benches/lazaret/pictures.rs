//! A backlog of photos through the whole pipeline, beside the sum of its floors.

pub mod photos;

use crate::{
    clamd,
    floors::{Costs, Floors, STEPS},
    machine, process,
    report::{Line, Section, Table, Target, ms},
    service::Service,
};
use anyhow::ensure;
use futures_util::{StreamExt, TryStreamExt, stream};
use photos::Class;
use process::{Machine, Spent};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const MARK: &str = "© Lazaret";
/// Uploads on their way at a time.
const SENDERS: usize = 8;

pub async fn run() -> anyhow::Result<Section> {
    println!("drawing photos …");
    let classes = photos::classes();
    println!("measuring the floors …");
    let floors = floors_of(&classes).await?;
    println!("sending the photos …");
    let mixed = mixed(&classes);
    let stub = clamd::Stub::start()?;
    let address = format!("clamd = [\"unix:{}\"]\n", stub.socket().display());
    let service = Service::start(&settings(&address)).await?;
    warm(&service, &classes).await?;
    let mut each = Vec::new();
    for class in &classes {
        each.push(backlog(&service, &class.photos).await?);
    }
    let all = backlog(&service, &mixed).await?;
    service.stop().await?;
    println!("and with clamd on the same cores …");
    let service = Service::start(&settings("")).await?;
    warm(&service, &classes).await?;
    let with_clamd = backlog(&service, &mixed).await?;
    service.stop().await?;
    Ok(section(&classes, &floors, &each, &all, &with_clamd))
}

fn settings(clamd: &str) -> String {
    format!(
        "[antivirus]\n{clamd}signatures = \"test\"\nmax_file = \"64MiB\"\nmax_scan = \"64MiB\"\n\
         [intake]\nmax_upload = \"64MiB\"\n[watermark]\ntext = \"{MARK}\"\n"
    )
}

/// Sessions, children and caches are warm before anything counts.
async fn warm(service: &Service, classes: &[Class]) -> anyhow::Result<()> {
    for class in classes {
        backlog(service, &class.photos[..2]).await?;
    }
    Ok(())
}

/// What one backlog took.
struct Took {
    pictures: usize,
    wall: Duration,
    spent: Spent,
    /// Of the whole machine, this benchmark and clamd too.
    busy: f64,
}

impl Took {
    fn each(&self, time: Duration) -> Duration {
        time / u32::try_from(self.pictures).unwrap_or(1).max(1)
    }
}

/// Sends faster than the pipeline works, from the first byte to the last verdict.
async fn backlog(service: &Service, photos: &[Vec<u8>]) -> anyhow::Result<Took> {
    let (published, settled) = service.count().await?;
    let _pages = machine::Pages::start();
    let (machine, before, began) = (Machine::now()?, Spent::of(service.pid)?, Instant::now());
    let send = |photo: &Vec<u8>| service.send("photo.jpg", "image/jpeg", photo.clone());
    let sent = stream::iter(photos).map(send).buffer_unordered(SENDERS).try_collect::<Vec<_>>().await?;
    let deadline = began + Duration::from_secs(600);
    loop {
        let (published_now, settled_now) = service.count().await?;
        if settled_now - settled >= sent.len() as u64 {
            ensure!(published_now - published == settled_now - settled, "not every photo was published");
            break;
        }
        ensure!(Instant::now() < deadline, "the backlog takes too long");
        sleep(Duration::from_millis(100)).await;
    }
    let (wall, spent) = (began.elapsed(), Spent::of(service.pid)?.since(&before));
    Ok(Took { pictures: photos.len(), wall, spent, busy: Machine::now()?.busy_since(machine) })
}

/// One of each size after the other, the largest first.
pub fn mixed(classes: &[Class]) -> Vec<Vec<u8>> {
    let rounds = classes.iter().map(|class| class.photos.len()).max().unwrap_or(0);
    let round = |n: usize| classes.iter().rev().filter_map(move |class| class.photos.get(n).cloned());
    (0..rounds).flat_map(round).collect()
}

/// The mean of each step, by class.
async fn floors_of(classes: &[Class]) -> anyhow::Result<Vec<Costs>> {
    let mut floors = Floors::new(MARK)?;
    let mut all = Vec::new();
    for class in classes {
        // The first is not counted: code and memory are cold.
        floors.of(&class.photos[0]).await?;
        let _pages = machine::Pages::start();
        let mut each = Vec::new();
        for photo in &class.photos {
            each.push(floors.of(photo).await?);
        }
        all.push(Costs::mean(&each));
    }
    Ok(all)
}

fn section(classes: &[Class], floors: &[Costs], each: &[Took], all: &Took, with_clamd: &Took) -> Section {
    let mean = Costs::mean(floors);
    let ours = all.each(all.spent.ours());
    let line = |what: String, ours: Duration, floor: Duration, target| Line {
        what,
        ours: format!("{} ms CPU", ms(ours)),
        beside: format!("{} ms floors", ms(floor)),
        value: ours.as_secs_f64() / floor.as_secs_f64(),
        unit: "×",
        target,
    };
    let mut lines = vec![
        line("CPU per picture, all sizes mixed".into(), ours, mean.floor(), Some(Target::AtMost(1.15))),
        // The pipeline asks Magika only where a walk leaves a doubt, so here not at all.
        line("the same, Magika left out of the floors".into(), ours, mean.without_magika(), None),
        line(
            "the same, while clamd scans on the same cores".into(),
            with_clamd.each(with_clamd.spent.ours()),
            mean.floor(),
            None,
        ),
    ];
    for ((class, took), costs) in classes.iter().zip(each).zip(floors) {
        lines.push(line(format!("only {}", class.name), took.each(took.spent.ours()), costs.floor(), None));
    }
    lines.push(Line {
        what: "cores busy on the backlog".into(),
        ours: format!("{:.1} pictures/s", all.pictures as f64 / all.wall.as_secs_f64()),
        beside: format!("{} cores", machine::cores()),
        value: all.busy * 100.0,
        unit: "%",
        target: Some(Target::AtLeast(90.0)),
    });
    Section {
        name: "pictures",
        about: format!(
            "{} JPEGs from 0.3 to 12 megapixels through the whole pipeline, with a clamd that answers at once; CPU of \
             the service and its decoders, beside the same libraries called directly.",
            all.pictures
        ),
        lines,
        tables: vec![
            breakdown(classes, floors, each),
            threads("with no work for clamd", all),
            threads("with clamd", with_clamd),
        ],
        notes: Vec::new(),
    }
}

/// Where each millisecond goes.
fn breakdown(classes: &[Class], floors: &[Costs], each: &[Took]) -> Table {
    let mut head = vec!["ms CPU per picture".to_owned()];
    head.extend(STEPS.map(str::to_owned));
    head.extend(["floors", "service", "decoders", "rest", "writing"].map(str::to_owned));
    let row = |((class, costs), took): ((&Class, &Costs), &Took)| {
        let floor = costs.floor();
        let (service, media) = (took.each(took.spent.service), took.each(took.spent.media));
        let rest = (service + media).as_secs_f64() - floor.as_secs_f64();
        let mut row = vec![class.name.to_owned()];
        row.extend(costs.steps.iter().map(|step| ms(*step)));
        row.extend([ms(floor), ms(service), ms(media), format!("{:.1}", rest * 1e3), ms(costs.written)]);
        row
    };
    Table {
        title: "Where each millisecond goes: the floors, what the pipeline spent in its two kinds of process, what is \
                left, and what of that a plain write of the upload and its copies costs"
            .into(),
        head,
        rows: classes.iter().zip(floors).zip(each).map(row).collect(),
    }
}

/// The service's threads, the decoders and clamd in the mixed backlog.
fn threads(how: &str, all: &Took) -> Table {
    let named = |prefix: &str| -> Duration {
        all.spent.threads.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, spent)| *spent).sum()
    };
    let (classify, sqlite) = (named("classify"), named("sqlx"));
    let rest = all.spent.service.saturating_sub(classify + sqlite);
    let rows = [
        ("decoders: walk, decode, renditions", all.spent.media),
        ("service: models on pictures", classify),
        ("service: store", sqlite),
        ("service: HTTP, spool, hashes, content model", rest),
        ("clamd (not counted above)", all.spent.clamd),
    ];
    Table {
        title: format!(
            "All sizes mixed, {how}, {} pictures in {:.1} s",
            all.pictures,
            all.wall.as_secs_f64()
        ),
        head: vec!["who".into(), "ms CPU per picture".into()],
        rows: rows.map(|(who, time)| vec![who.to_owned(), ms(all.each(time))]).into(),
    }
}
