//! The console's pages on many items: how long the server takes for each, and how many bytes come.

mod seed;

use crate::{
    postgres, quick,
    report::{Line, Section, Table, Target, ms},
    service::Service,
};
use anyhow::{Context, ensure};
use reqwest::{Client, Response, redirect::Policy};
use seed::Dialect;
use std::time::{Duration, Instant};

/// What a page may weigh and take.
const BYTES: f64 = 100_000.0;
const MOST_MS: f64 = 100.0;

struct Timed {
    store: &'static str,
    page: String,
    p50: Duration,
    p99: Duration,
    bytes: usize,
}

pub async fn run() -> anyhow::Result<Section> {
    let (items, rounds) = if quick() { (2_000, 10) } else { (100_000, 200) };
    let mut all = sqlite(items, rounds).await?;
    all.extend(postgres(items, rounds).await?);
    let worst = |of: fn(&Timed) -> f64| {
        all.iter().max_by(|a, b| of(a).total_cmp(&of(b))).map(|timed| (of(timed), timed))
    };
    let slowest = worst(|timed| timed.p99.as_secs_f64() * 1e3).context("pages were timed")?;
    let heaviest = worst(|timed| timed.bytes as f64).context("pages were timed")?;
    let line = |what: &str, (value, of): (f64, &Timed), unit, most| Line {
        what: what.to_owned(),
        ours: format!("{} in {}", of.page, of.store),
        beside: format!("{items} items"),
        value,
        unit,
        target: Some(Target::AtMost(most)),
    };
    let row = |timed: &Timed| {
        let kb = format!("{:.1}", timed.bytes as f64 / 1e3);
        vec![timed.store.to_owned(), timed.page.clone(), ms(timed.p50), ms(timed.p99), kb]
    };
    Ok(Section {
        name: "console",
        about: format!(
            "The console's pages on {items} items, {} of them open, {} open streams and {} accounts, asked for {rounds} times \
             each, one after the other, over loopback; the time is from the request to the last byte.",
            items * 6 / 10,
            seed::STREAMS,
            seed::PEOPLE,
        ),
        lines: vec![
            line("the slowest page, p99", slowest, "ms", MOST_MS),
            line("the heaviest page", heaviest, "bytes", BYTES),
        ],
        tables: vec![Table {
            title: "Each page".into(),
            head: ["store", "page", "p50 ms", "p99 ms", "kB"].map(str::to_owned).into(),
            rows: all.iter().map(row).collect(),
        }],
        notes: Vec::new(),
    })
}

const SETTINGS: &str = "[antivirus]\nsignatures = \"test\"\nmax_file = \"64MiB\"\nmax_scan = \"64MiB\"\n\
    [intake]\nmax_upload = \"64MiB\"\n[console]\ntotp = false\n";

async fn sqlite(items: u32, rounds: u32) -> anyhow::Result<Vec<Timed>> {
    let mut service = Service::start(SETTINGS).await?;
    let path = service.folder().join("data/lazaret.db");
    // Statements this long would keep the running service from its only writer.
    service.halt().await?;
    seed::sqlite(&format!("sqlite:{}", path.display()), items).await?;
    service.resume().await?;
    let timed = pages(&service, "SQLite", Dialect::Sqlite, items, rounds).await?;
    service.stop().await?;
    Ok(timed)
}

async fn postgres(items: u32, rounds: u32) -> anyhow::Result<Vec<Timed>> {
    let server = tokio::task::spawn_blocking(postgres::Server::shared).await?;
    let url = server.database().await;
    let key = "ab".repeat(32);
    let keys = format!("[delivery.keys]\na = \"{key}\"\n");
    let settings = format!("{keys}[store]\nurl = \"{url}\"\n{SETTINGS}key = \"{key}\"\n");
    let service = Service::start_keyed(&settings, "current = \"a\"\n").await?;
    seed::postgres(&url, items).await?;
    let timed = pages(&service, "PostgreSQL", Dialect::Postgres, items, rounds).await?;
    service.stop().await?;
    Ok(timed)
}

async fn pages(
    service: &Service,
    store: &'static str,
    dialect: Dialect,
    items: u32,
    rounds: u32,
) -> anyhow::Result<Vec<Timed>> {
    let admin = Admin::arrive(service).await?;
    let item = dialect.id(items / 2);
    let pages = [
        ("queue", "/console/queue".to_owned()),
        ("queue, filtered", "/console/queue?type=image/&tenant=tenant3".to_owned()),
        ("queue, by a frequent reason", "/console/queue?reason=coverage.image.partial".to_owned()),
        ("queue, by a rare reason", "/console/queue?reason=policy.error".to_owned()),
        ("queue, by a frequent label", "/console/queue?label=m.porn".to_owned()),
        ("queue, by a rare label", "/console/queue?label=m.rare".to_owned()),
        // Behind all but the mildest.
        ("queue, its end", format!("/console/queue?after=1.0.{item}")),
        ("item", format!("/console/items/{item}")),
        ("item, reported at length", format!("/console/items/{}", dialect.reported(items))),
        ("streams", "/console/streams".to_owned()),
        ("streams, their end", format!("/console/streams?after=warn.{}", dialect.id(seed::STREAMS / 10))),
        ("episode", format!("/console/episodes/{}/1", dialect.id(1))),
        ("insight", "/console/insight?days=90".to_owned()),
        ("engines", "/console/insight/engines?days=90".to_owned()),
        ("policy", "/console/policy?tenant=tenant3".to_owned()),
        ("audit log", "/console/audit".to_owned()),
        ("audit log of an item", format!("/console/audit?subject={item}")),
        ("audit log of a person", "/console/audit?actor=user:p3".to_owned()),
        ("people", "/console/users".to_owned()),
        ("account", "/console/account".to_owned()),
    ];
    let mut all = Vec::new();
    for (page, path) in pages {
        all.push(admin.timed(store, page, &path, rounds).await?);
    }
    all.push(admin.tried(store, rounds.min(10)).await?);
    all.push(admin.together(store, dialect, rounds.min(50)).await?);
    Ok(all)
}

/// Somebody who may see everything.
struct Admin {
    client: Client,
    base: String,
    cookie: String,
}

impl Admin {
    async fn arrive(service: &Service) -> anyhow::Result<Self> {
        let mut command = service.command()?;
        let made =
            command.args(["user", "add", "root@example.org", "--role", "admin", "--json"]).output().await?;
        let made: serde_json::Value = serde_json::from_slice(&made.stdout)
            .with_context(|| format!("lazaret user add: {}", String::from_utf8_lossy(&made.stderr)))?;
        let link = made["link"].as_str().context("a link")?;
        let link = &link[link.find("/console").context("a link to the console")?..];
        let client = Client::builder().no_proxy().redirect(Policy::none()).build()?;
        let mut admin = Self { client, base: format!("http://{}", service.address()), cookie: String::new() };
        admin.enter(link, "").await?;
        let csrf = field(&admin.get("/console/account/password").await?.text().await?, "csrf")?;
        let password = "correct+horse+battery";
        admin
            .enter("/console/account/password", &format!("csrf={csrf}&new={password}&again={password}"))
            .await?;
        Ok(admin)
    }

    async fn get(&self, path: &str) -> anyhow::Result<Response> {
        let cookie = format!("lazaret_session={}", self.cookie);
        Ok(self.client.get(format!("{}{path}", self.base)).header("cookie", cookie).send().await?)
    }

    async fn post(&self, path: &str, body: &str) -> anyhow::Result<Response> {
        let request = self.client.post(format!("{}{path}", self.base)).body(body.to_owned());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        Ok(request.header("cookie", format!("lazaret_session={}", self.cookie)).send().await?)
    }

    /// Sends a form that gives a cookie.
    async fn enter(&mut self, path: &str, body: &str) -> anyhow::Result<()> {
        let answer = self.post(path, body).await?;
        let cookie = answer.headers().get("set-cookie").context("a cookie")?.to_str()?;
        let value = cookie.split(';').next().and_then(|pair| pair.split_once('='));
        value.context("a cookie with a value")?.1.clone_into(&mut self.cookie);
        Ok(())
    }

    async fn timed(&self, store: &'static str, page: &str, path: &str, rounds: u32) -> anyhow::Result<Timed> {
        let (mut times, mut bytes) = (Vec::new(), 0);
        // The first two fill caches, as anybody's first does.
        for round in 0..rounds + 2 {
            let began = Instant::now();
            let answer = self.get(path).await?;
            let status = answer.status();
            bytes = answer.bytes().await?.len();
            ensure!(status == 200, "{path} is answered with {status}");
            if round >= 2 {
                times.push(began.elapsed());
            }
        }
        Ok(of(store, page, times, bytes))
    }

    /// A policy tried on the last 500 uploads.
    async fn tried(&self, store: &'static str, rounds: u32) -> anyhow::Result<Timed> {
        let page = self.get("/console/policy?tenant=tenant3").await?.text().await?;
        let text = "[[rule]]\nname = \"x\"\nwhen = 'score(\"porn\") > 0.5'\nverdict = \"quarantine\"\n";
        let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let body = format!("csrf={}&tenant=tenant3&do=try&text={text}", field(&page, "csrf")?);
        self.sent(store, "policy, tried on 500 uploads", ("/console/policy", &body), rounds).await
    }

    /// What would become of a hundred items that wait.
    async fn together(&self, store: &'static str, dialect: Dialect, rounds: u32) -> anyhow::Result<Timed> {
        let page = self.get("/console/queue").await?.text().await?;
        let waiting = (1..).filter(|n| n % 10 < 6).take(100);
        let items: String = waiting.map(|n| format!("&item={}", dialect.id(n))).collect();
        let body = format!("csrf={}&choice=quarantine:spam{items}", field(&page, "csrf")?);
        self.sent(store, "a hundred items, before they are decided", ("/console/bulk", &body), rounds).await
    }

    async fn sent(
        &self,
        store: &'static str,
        page: &str,
        (path, body): (&str, &str),
        rounds: u32,
    ) -> anyhow::Result<Timed> {
        let (mut times, mut bytes) = (Vec::new(), 0);
        for _ in 0..rounds {
            let began = Instant::now();
            let answer = self.post(path, body).await?.error_for_status()?;
            bytes = answer.bytes().await?.len();
            times.push(began.elapsed());
        }
        Ok(of(store, page, times, bytes))
    }
}

fn of(store: &'static str, page: &str, mut times: Vec<Duration>, bytes: usize) -> Timed {
    times.sort();
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1)));
    let at = |share| at(share).copied().unwrap_or_default();
    Timed { store, page: page.to_owned(), p50: at(50), p99: at(99), bytes }
}

fn field(page: &str, name: &str) -> anyhow::Result<String> {
    let from = format!("name=\"{name}\" value=\"");
    let at = page.find(&from).with_context(|| format!("no field {name}"))? + from.len();
    Ok(page[at..].split('"').next().unwrap_or_default().to_owned())
}
