//! `lazaret serve` as a process of its own, with its data in a temporary folder and test signatures.

use crate::{executables, net};
use anyhow::{Context, bail, ensure};
use reqwest::{Body, Client};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

pub struct Service {
    child: Child,
    pub pid: u32,
    pub config: PathBuf,
    address: SocketAddr,
    client: Client,
    key: String,
    folder: TempDir,
}

const PATIENCE: Duration = Duration::from_secs(300);
const SCOPES: &str = "upload,read,mint,stream";

impl Service {
    /// `settings` are put in front of this benchmark's own.
    pub async fn start(settings: &str) -> anyhow::Result<Self> {
        Self::start_keyed(settings, "").await
    }

    /// As [`Self::start`], with more under `[delivery]`.
    pub async fn start_keyed(settings: &str, delivery: &str) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("lazaret-bench-").tempdir()?;
        let address = net::free_address()?;
        let config = folder.path().join("lazaret.toml");
        let data = folder.path().join("data");
        let own = format!(
            "{settings}\n[server]\nlisten = \"{address}\"\ndata = \"{}\"\n\
             [delivery]\npublic_url = \"http://{address}\"\n{delivery}[log]\nlevel = \"warn\"\n",
            data.display()
        );
        std::fs::write(&config, own)?;
        let (child, pid) = spawn(&config)?;
        let client = Client::builder().no_proxy().build()?;
        let mut service = Self { child, pid, config, address, client, key: String::new(), folder };
        service.ready().await?;
        service.key = service.create_key().await?;
        Ok(service)
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let url = format!("http://{}/readyz", self.address);
        let deadline = Instant::now() + PATIENCE;
        let mut last = String::new();
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!("lazaret serve ended at once: {status}");
            }
            if let Ok(answer) = self.client.get(&url).send().await {
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

    async fn create_key(&self) -> anyhow::Result<String> {
        let mut command = self.command()?;
        let output = command
            .args(["key", "create", "--tenant", "bench", "--scopes", SCOPES, "--json"])
            .output()
            .await?;
        let made: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("lazaret key create: {}", String::from_utf8_lossy(&output.stderr)))?;
        made["key"].as_str().map(str::to_owned).context("lazaret key create printed no key")
    }

    /// The command line, with this service's settings.
    pub fn command(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(executables::lazaret()?);
        command.arg("--config").arg(&self.config).kill_on_drop(true);
        Ok(command)
    }

    /// The temporary folder, which the service's data is in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn clamd(&self) -> PathBuf {
        self.folder.path().join("data/clamd")
    }

    /// Hands a file over; its id.
    pub async fn send(
        &self,
        filename: &str,
        media_type: &str,
        body: impl Into<Body>,
    ) -> anyhow::Result<String> {
        let answer = self
            .client
            .post(format!("http://{}/v1/uploads?filename={filename}", self.address))
            .bearer_auth(&self.key)
            .header("Content-Type", media_type)
            .body(body)
            .send()
            .await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        ensure!(status.as_u16() == 202, "{filename} is answered with {status}: {body}");
        body["id"].as_str().map(str::to_owned).context("no id")
    }

    /// How an upload ended.
    pub async fn settled(&self, id: &str) -> anyhow::Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let url = format!("http://{}/v1/uploads/{id}?wait=30s", self.address);
            let answer = self.client.get(&url).bearer_auth(&self.key).send().await?.error_for_status()?;
            let upload: Value = answer.json().await?;
            if upload["verdict"].is_string() {
                return Ok(upload);
            }
            ensure!(Instant::now() < deadline, "no verdict yet: {upload}");
        }
    }

    /// Publishes a file for real; a signed URL of its original.
    pub async fn publish(&self, filename: &str, media_type: &str, bytes: Vec<u8>) -> anyhow::Result<String> {
        let id = self.send(filename, media_type, bytes).await?;
        let upload = self.settled(&id).await?;
        ensure!(upload["verdict"] == "publish", "{filename} is not published: {upload}");
        let minted: Value = self
            .client
            .post(format!("http://{}/v1/uploads/{id}/urls", self.address))
            .bearer_auth(&self.key)
            .json(&json!({"rendition": "original", "expires_in": "1h"}))
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        minted["url"].as_str().map(str::to_owned).context("no url")
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens a live stream; its id and key.
    pub async fn open_stream(&self) -> anyhow::Result<(String, String)> {
        let answer = self.client.post(format!("http://{}/v1/streams", self.address)).bearer_auth(&self.key);
        let opened: Value = answer.json(&json!({})).send().await?.error_for_status()?.json().await?;
        let text = |name: &str| opened[name].as_str().map(str::to_owned).context("a stream's id and key");
        Ok((text("id")?, text("key")?))
    }

    /// How many uploads are settled, by verdict: (published, all).
    pub async fn count(&self) -> anyhow::Result<(u64, u64)> {
        let answer = self.client.get(format!("http://{}/metrics", self.address)).send().await?;
        let text = answer.text().await?;
        let settled = text.lines().filter_map(|line| {
            let (labels, count) = line.strip_prefix("lazaret_uploads_settled_total")?.rsplit_once(' ')?;
            Some((labels.contains("publish"), count.parse::<u64>().ok()?))
        });
        Ok(settled.fold((0, 0), |(published, all), (publishes, n)| {
            (published + if publishes { n } else { 0 }, all + n)
        }))
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.halt().await
    }

    /// Ends it and leaves what it holds, for [`Self::resume`].
    pub async fn halt(&mut self) -> anyhow::Result<()> {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM)?;
        }
        let status = self.child.wait().await?;
        ensure!(status.success(), "lazaret serve did not end well: {status}");
        Ok(())
    }

    /// Starts it again on what it held.
    pub async fn resume(&mut self) -> anyhow::Result<()> {
        (self.child, self.pid) = spawn(&self.config)?;
        self.ready().await
    }
}

fn spawn(config: &Path) -> anyhow::Result<(Child, u32)> {
    let lazaret = executables::lazaret()?;
    let mut command = Command::new(&lazaret);
    command.arg("--config").arg(config).arg("serve").stdin(Stdio::null()).kill_on_drop(true);
    let child = command.spawn().with_context(|| format!("{} cannot be started", lazaret.display()))?;
    let pid = child.id().context("lazaret serve ended at once")?;
    Ok((child, pid))
}
