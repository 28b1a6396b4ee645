//! A backlog of photos through the whole pipeline, beside the sum of its floors.

mod photos;

use crate::{
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
    let settings = format!(
        "[antivirus]\nsignatures = \"test\"\nmax_file = \"64MiB\"\nmax_scan = \"128MiB\"\n\
         [intake]\nmax_upload = \"64MiB\"\n[watermark]\ntext = \"{MARK}\"\n"
    );
    let service = Service::start(&settings).await?;
    // Sessions, children and caches are warm before anything counts.
    for class in &classes {
        backlog(&service, &class.photos[..2]).await?;
    }
    let mut each = Vec::new();
    for class in &classes {
        each.push(backlog(&service, &class.photos).await?);
    }
    let mixed = mixed(&classes);
    let all = backlog(&service, &mixed).await?;
    service.stop().await?;
    Ok(section(&classes, &floors, &each, &all))
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
        sleep(Duration::from_millis(20)).await;
    }
    let (wall, spent) = (began.elapsed(), Spent::of(service.pid)?.since(&before));
    Ok(Took { pictures: photos.len(), wall, spent, busy: Machine::now()?.busy_since(machine) })
}

/// One of each size after the other, the largest first.
fn mixed(classes: &[Class]) -> Vec<Vec<u8>> {
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
        let mut sum = Costs::default();
        for photo in &class.photos {
            let costs = floors.of(photo).await?;
            sum.iter_mut().zip(costs).for_each(|(sum, cost)| *sum += cost);
        }
        let count = u32::try_from(class.photos.len())?;
        all.push(sum.map(|step| step / count));
    }
    Ok(all)
}

fn section(classes: &[Class], floors: &[Costs], each: &[Took], all: &Took) -> Section {
    let sums: Vec<Duration> = floors.iter().map(|costs| costs.iter().sum()).collect();
    let floor: Duration = sums.iter().sum::<Duration>() / u32::try_from(sums.len()).unwrap_or(1).max(1);
    let ours = all.each(all.spent.ours());
    let line = |what: String, ours: Duration, floor: Duration, target| Line {
        what,
        ours: format!("{} ms CPU", ms(ours)),
        beside: format!("{} ms floors", ms(floor)),
        value: ours.as_secs_f64() / floor.as_secs_f64(),
        unit: "×",
        target,
    };
    let mut lines =
        vec![line("CPU per picture, all sizes mixed".into(), ours, floor, Some(Target::AtMost(1.15)))];
    for ((class, took), sum) in classes.iter().zip(each).zip(&sums) {
        lines.push(line(format!("only {}", class.name), took.each(took.spent.ours()), *sum, None));
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
            "{} JPEGs from 0.3 to 12 megapixels through the whole pipeline; CPU of the service and its decoders, \
             beside the same libraries called directly.",
            all.pictures
        ),
        lines,
        tables: vec![breakdown(classes, floors, each), threads(all)],
        notes: Vec::new(),
    }
}

/// Where each millisecond goes.
fn breakdown(classes: &[Class], floors: &[Costs], each: &[Took]) -> Table {
    let mut head = vec!["ms CPU per picture".to_owned()];
    head.extend(STEPS.map(str::to_owned));
    head.extend(["floors", "service", "decoders", "rest"].map(str::to_owned));
    let row = |((class, costs), took): ((&Class, &Costs), &Took)| {
        let floor: Duration = costs.iter().sum();
        let (service, media) = (took.each(took.spent.service), took.each(took.spent.media));
        let rest = (service + media).as_secs_f64() - floor.as_secs_f64();
        let mut row = vec![class.name.to_owned()];
        row.extend(costs.iter().map(|cost| ms(*cost)));
        row.extend([ms(floor), ms(service), ms(media), format!("{:.1}", rest * 1e3)]);
        row
    };
    Table {
        title:
            "Where each millisecond goes: the floors, and what the pipeline spent in its two kinds of process"
                .into(),
        head,
        rows: classes.iter().zip(floors).zip(each).map(row).collect(),
    }
}

/// The service's threads, the decoders and clamd in the mixed backlog.
fn threads(all: &Took) -> Table {
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
        title: format!("All sizes mixed, {} pictures in {:.1} s", all.pictures, all.wall.as_secs_f64()),
        head: vec!["who".into(), "ms CPU per picture".into()],
        rows: rows.map(|(who, time)| vec![who.to_owned(), ms(all.each(time))]).into(),
    }
}
