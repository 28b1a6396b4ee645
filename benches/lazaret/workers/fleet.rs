//! The service as several processes: one that takes uploads and tells what happens, and workers, each on a core.

use crate::{executables, net, process::Spent, shared::Room};
use anyhow::{Context, bail, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use lazaret::{
    adapters::postgres::Postgres,
    ports::{Store, store::Page},
    upload::{State, TenantId},
};
use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

const TENANT: &str = "bench";
const PATIENCE: Duration = Duration::from_secs(120);
/// Uploads on their way at a time.
const SENDERS: usize = 4;

pub struct Fleet {
    front: Process,
    workers: Vec<Process>,
    client: Client,
    key: String,
    _folder: TempDir,
}

struct Process {
    child: Child,
    pid: Pid,
    address: SocketAddr,
}

impl Fleet {
    pub async fn start(room: &Room, clamd: &Path, workers: usize) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("lazaret-fleet-").tempdir()?;
        let client = Client::builder().no_proxy().build()?;
        let place = folder.path();
        let config = |name: &str, roles: &str| -> anyhow::Result<(std::path::PathBuf, SocketAddr)> {
            let (file, address) = (place.join(format!("{name}.toml")), net::free_address()?);
            std::fs::write(&file, settings(room, clamd, place, name, roles, address))?;
            Ok((file, address))
        };
        let (file, address) = config("front", "\"api\", \"events\"")?;
        let mut front = Process::spawn(&file, address, None)?;
        front.ready(&client).await?;
        let key = create_key(&file).await?;
        let mut all = Vec::new();
        for core in 0..workers {
            let (file, address) = config(&format!("worker-{core}"), "\"worker\"")?;
            let mut worker = Process::spawn(&file, address, Some(core))?;
            worker.ready(&client).await?;
            all.push(worker);
        }
        Ok(Self { front, workers: all, client, key, _folder: folder })
    }

    /// Until all are accepted.
    pub async fn send(&self, photos: &[Vec<u8>]) -> anyhow::Result<()> {
        let url = format!("http://{}/v1/uploads?filename=photo.jpg", self.front.address);
        let send = |photo: Vec<u8>| {
            let post = self.client.post(&url).bearer_auth(&self.key).header("Content-Type", "image/jpeg");
            async move {
                let status = post.body(photo).send().await?.status();
                ensure!(status.as_u16() == 202, "a photo is answered with {status}");
                Ok(())
            }
        };
        stream::iter(photos.to_vec()).map(send).buffer_unordered(SENDERS).try_collect::<Vec<()>>().await?;
        Ok(())
    }

    pub fn stop_working(&self) -> anyhow::Result<()> {
        self.signal(Signal::STOP)
    }

    pub fn go_on_working(&self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(self.workers.iter().try_for_each(|worker| kill_process(worker.pid, signal))?)
    }

    /// CPU of each worker and its decoders so far.
    pub fn spent(&self) -> anyhow::Result<Vec<Spent>> {
        self.workers
            .iter()
            .map(|worker| Spent::of(worker.pid.as_raw_nonzero().get().unsigned_abs()))
            .collect()
    }

    /// Nothing came to another end.
    pub async fn all_published(&self, store: &Postgres) -> anyhow::Result<()> {
        let tenant: TenantId = TENANT.parse().map_err(|error| anyhow::anyhow!("{TENANT}: {error}"))?;
        for state in [State::InReview, State::Quarantined] {
            let page = Page { state: Some(state), limit: 1, ..Page::default() };
            ensure!(store.uploads(&tenant, &page).await?.is_empty(), "not every photo was published");
        }
        Ok(())
    }

    pub async fn stop(self) -> anyhow::Result<()> {
        for process in self.workers.into_iter().chain([self.front]) {
            process.stop().await?;
        }
        Ok(())
    }
}

fn settings(room: &Room, clamd: &Path, place: &Path, name: &str, roles: &str, address: SocketAddr) -> String {
    let (clamd, place) = (clamd.display(), place.display());
    let Room { store, broker } = room;
    let key = "ab".repeat(32);
    // What is fetched ahead and not begun is lost to the other worker: pictures take long.
    format!(
        "[server]\nroles = [{roles}]\nlisten = \"{address}\"\ndata = \"{place}/{name}\"\n\
         [store]\nurl = \"{store}\"\n[queue]\nurl = \"{broker}\"\nprefetch = 2\nshare = 1000000\n\
         [blobs]\nurl = \"file:{place}/blobs\"\n\
         [antivirus]\nclamd = [\"unix:{clamd}\"]\nsignatures = \"test\"\nmax_file = \"64MiB\"\nmax_scan = \"64MiB\"\n\
         [intake]\nmax_upload = \"64MiB\"\n[watermark]\ntext = \"© Lazaret\"\n\
         [delivery]\npublic_url = \"http://{address}\"\ncurrent = \"a\"\nkeys = {{ a = \"{key}\" }}\n[log]\nlevel = \"warn\"\n"
    )
}

async fn create_key(config: &Path) -> anyhow::Result<String> {
    let mut command = Command::new(executables::lazaret()?);
    command.arg("--config").arg(config).args(["key", "create", "--tenant", TENANT, "--json"]);
    let output = command.output().await?;
    let made: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("lazaret key create: {}", String::from_utf8_lossy(&output.stderr)))?;
    made["key"].as_str().map(str::to_owned).context("lazaret key create printed no key")
}

impl Process {
    /// On one core alone where it is said; its decoders too.
    fn spawn(config: &Path, address: SocketAddr, core: Option<usize>) -> anyhow::Result<Self> {
        let lazaret = executables::lazaret()?;
        let mut command = match core {
            None => Command::new(lazaret),
            Some(core) => {
                let mut pinned = Command::new("taskset");
                pinned.arg("--cpu-list").arg(core.to_string()).arg(lazaret);
                pinned
            }
        };
        command.arg("--config").arg(config).arg("serve").stdin(Stdio::null()).kill_on_drop(true);
        let child = command.spawn().context("lazaret serve cannot be started; taskset is of util-linux")?;
        let pid = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        Ok(Self { child, pid: pid.context("lazaret serve ended at once")?, address })
    }

    async fn ready(&mut self, client: &Client) -> anyhow::Result<()> {
        let url = format!("http://{}/readyz", self.address);
        let (deadline, mut last) = (Instant::now() + PATIENCE, String::new());
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!("lazaret serve ended at once: {status}");
            }
            if let Ok(answer) = client.get(&url).send().await {
                let body: Value = answer.json().await.unwrap_or_default();
                let parts = body["components"].as_array().cloned().unwrap_or_default();
                if !parts.is_empty() && parts.iter().all(|part| part["ready"] == true) {
                    return Ok(());
                }
                last = body.to_string();
            }
            sleep(Duration::from_millis(50)).await;
        }
        bail!("lazaret serve is not ready after {PATIENCE:?}: {last}")
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        kill_process(self.pid, Signal::TERM)?;
        let status = self.child.wait().await?;
        ensure!(status.success(), "lazaret serve did not end well: {status}");
        Ok(())
    }
}
