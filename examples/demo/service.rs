//! The service as a process of its own, as an operator would run it.

use anyhow::{Context, bail};
use reqwest::Client;
use serde_json::Value;
use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};
use tokio::process::{Child, Command};

pub struct Service {
    child: Child,
    pub address: SocketAddr,
    pub client: Client,
    pub key: String,
    /// Signs in to the moderators' console, once.
    pub link: String,
}

const READY_WITHIN: Duration = Duration::from_secs(120);

impl Service {
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let listen = std::env::var("DEMO_LISTEN").unwrap_or_else(|_| "127.0.0.1:8470".into());
        let address: SocketAddr =
            listen.parse().context("DEMO_LISTEN: expected an address such as 127.0.0.1:8470")?;
        let config = folder.join("lazaret.toml");
        let settings = format!(
            "[server]\nlisten = \"{address}\"\ndata = \"{data}\"\n\
             [delivery]\npublic_url = \"http://{address}\"\n\
             [intake]\nmax_upload = \"16MiB\"\n\
             [antivirus]\nsignatures = \"test\"\nmax_file = \"16MiB\"\nmax_scan = \"32MiB\"\n\
             [console]\ntotp = false\n\
             [watermark]\ntext = \"© Lazaret · لازاريت\"\n\
             [log]\nlevel = \"warn\"\n",
            data = folder.join("data").display()
        );
        std::fs::write(&config, settings)?;
        let lazaret = executable()?;
        let child = Command::new(&lazaret)
            .arg("--config")
            .arg(&config)
            .arg("serve")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started; run `make build`", lazaret.display()))?;
        let mut service =
            Self { child, address, client: Client::new(), key: String::new(), link: String::new() };
        service.ready().await?;
        let key = command(&lazaret, &config, &["key", "create", "--tenant", "demo", "--json"]).await?;
        service.key = key["key"].as_str().context("lazaret key create printed no key")?.to_owned();
        let user = ["user", "add", "demo@example.org", "--role", "admin", "--json"];
        let user = command(&lazaret, &config, &user).await?;
        service.link = user["link"].as_str().context("lazaret user add printed no link")?.to_owned();
        Ok(service)
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let url = format!("http://{}/readyz", self.address);
        let deadline = tokio::time::Instant::now() + READY_WITHIN;
        let mut last = String::new();
        while tokio::time::Instant::now() < deadline {
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
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("lazaret serve is not ready after {READY_WITHIN:?}: {last}")
    }

    pub async fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(pid) =
            self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw)
        {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        }
        let status = self.child.wait().await?;
        if !status.success() {
            bail!("lazaret serve did not end well: {status}");
        }
        Ok(())
    }

    /// Ctrl-C reaches the service too: it is in the same process group.
    pub async fn until_interrupted(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            biased;
            interrupt = tokio::signal::ctrl_c() => interrupt?,
            status = self.child.wait() => bail!("lazaret serve ended: {}", status?),
        }
        self.child.wait().await?;
        Ok(())
    }
}

/// `lazaret` in the folder above the examples.
fn executable() -> anyhow::Result<std::path::PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.ancestors().nth(2).context("this example was moved")?;
    Ok(folder.join("lazaret"))
}

async fn command(lazaret: &Path, config: &Path, arguments: &[&str]) -> anyhow::Result<Value> {
    let output = Command::new(lazaret).arg("--config").arg(config).args(arguments).output().await?;
    let said = || format!("lazaret {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).with_context(said)
}
