//! The service as a process of its own, as an operator would run it.

use crate::onnx;
use anyhow::{Context, bail};
use reqwest::Client;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::client::IntoClientRequest};

pub type Socket = WebSocketStream<TcpStream>;

pub struct Service {
    child: Child,
    pub address: SocketAddr,
    client: Client,
    key: String,
}

pub struct Stream {
    pub id: String,
    pub key: String,
}

const UP_WITHIN: Duration = Duration::from_secs(60);

const MANIFEST: &str = r#"name = "red-demo"
version = "1"
description = "how red the first pixel is"
licence = "Apache-2.0"
applies_to = ["image"]
sha256 = "SHA"
[source]
kind = "manual"
note = "made by the demo"
[input]
width = 1
height = 1
layout = "nhwc"
color = "rgb"
resize = "bilinear-align-corners"
[output]
kind = "softmax"
labels = ["red", "green", "blue"]
"#;

impl Service {
    /// `player` is asked to end what is cut. A frame comes every `pause`.
    pub async fn start(folder: &Path, player: SocketAddr, pause: Duration) -> anyhow::Result<Self> {
        let listen = std::env::var("DEMO_LISTEN").unwrap_or_else(|_| "127.0.0.1:8470".into());
        let address: SocketAddr =
            listen.parse().context("DEMO_LISTEN: expected an address such as 127.0.0.1:8470")?;
        let models = folder.join("models/red-demo");
        std::fs::create_dir_all(&models)?;
        let model = onnx::softmax_of_a_pixel(0.02);
        let sha256: String = Sha256::digest(&model).iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(models.join("model.onnx"), &model)?;
        std::fs::write(models.join("model.toml"), MANIFEST.replace("SHA", &sha256))?;
        let config = folder.join("lazaret.toml");
        let pause = pause.as_millis();
        let (fastest, slowest, calm) = (pause * 2 / 5, pause * 4 / 5, pause * 2);
        let settings = format!(
            "[server]\nlisten = \"{address}\"\ndata = \"{data}\"\n\
             [delivery]\npublic_url = \"http://{address}\"\n\
             [antivirus]\nsignatures = \"test\"\n\
             [models]\nfolder = \"{models}\"\n\
             [streams]\nlabels = [{{ label = \"red\", near = 0.5, bad = 0.8 }}]\nwindow = 4\nhits = 3\n\
             calm = \"{calm}ms\"\nfastest = \"{fastest}ms\"\nslowest = \"{slowest}ms\"\nallow_private = true\n\
             [[streams.kill]]\ntenant = \"demo\"\nurl = \"http://{player}/v3/rtmpconns/kick/{{external_id}}\"\n\
             [log]\nlevel = \"error\"\n",
            data = folder.join("data").display(),
            models = folder.join("models").display()
        );
        std::fs::write(&config, settings)?;
        let own = std::env::current_exe()?;
        let lazaret = own.ancestors().nth(2).context("this example was moved")?.join("lazaret");
        let lazaret_with = || {
            let mut command = Command::new(&lazaret);
            command.arg("--config").arg(&config).stdin(Stdio::null()).kill_on_drop(true);
            command
        };
        let child = lazaret_with()
            .arg("serve")
            .spawn()
            .with_context(|| format!("{} cannot be started; run `make build`", lazaret.display()))?;
        let mut service = Self { child, address, client: Client::new(), key: String::new() };
        service.up().await?;
        let scopes = ["key", "create", "--tenant", "demo", "--scopes", "stream", "--json"];
        let made: Value = serde_json::from_slice(&lazaret_with().args(scopes).output().await?.stdout)?;
        service.key = made["key"].as_str().context("lazaret key create printed no key")?.to_owned();
        Ok(service)
    }

    async fn up(&mut self) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + UP_WITHIN;
        while tokio::time::Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!("lazaret serve ended at once: {status}");
            }
            if self.client.get(format!("http://{}/healthz", self.address)).send().await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("lazaret serve is not there after {UP_WITHIN:?}")
    }

    pub async fn open(&self) -> anyhow::Result<Stream> {
        let answer = self.client.post(format!("http://{}/v1/streams", self.address)).bearer_auth(&self.key);
        let opened: Value =
            answer.json(&json!({ "external_id": "publisher-1" })).send().await?.json().await?;
        let text = |name: &str| opened[name].as_str().map(str::to_owned).with_context(|| opened.to_string());
        Ok(Stream { id: text("id")?, key: text("key")? })
    }

    pub async fn socket(&self, stream: &Stream) -> anyhow::Result<Socket> {
        let url = format!("ws://{}/v1/streams/{}/frames", self.address, stream.id);
        let mut request = url.into_client_request()?;
        request.headers_mut().insert("authorization", format!("Bearer {}", stream.key).parse()?);
        Ok(client_async(request, TcpStream::connect(self.address).await?).await?.0)
    }

    pub async fn show(&self, stream: &Stream) -> anyhow::Result<String> {
        let url = format!("http://{}/v1/streams/{}", self.address, stream.id);
        Ok(self.client.get(url).bearer_auth(&stream.key).send().await?.text().await?)
    }

    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        }
        let status = self.child.wait().await?;
        if !status.success() {
            bail!("lazaret serve did not end well: {status}");
        }
        Ok(())
    }
}
