//! nginx with a private configuration in a temporary folder.

use crate::{executables, net, process};
use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

pub struct Nginx {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

const SECRET: &str = "a secret of the benchmark";
/// The year 2100.
const EXPIRES: u64 = 4_102_444_800;

impl Nginx {
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("lazaret-nginx-").tempdir()?;
        // Its workers are another user's where this runs as root.
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755))?;
        std::fs::create_dir(folder.path().join("f"))?;
        let address = net::free_address()?;
        let config = folder.path().join("nginx.conf");
        std::fs::write(&config, configuration(address, &folder.path().display().to_string()))?;
        let nginx = executables::peer("nginx")?;
        let child = Command::new(&nginx).arg("-c").arg(&config).stdin(Stdio::null()).spawn();
        let child = child.with_context(|| format!("{} cannot be started", nginx.display()))?;
        let mut started = Self { child, address, folder };
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            let ended = started.child.try_wait()?;
            ensure!(ended.is_none() && Instant::now() < deadline, "nginx does not answer");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(started)
    }

    /// Puts a file where it is served from; its signed URL.
    pub fn publish(&self, name: &str, bytes: &[u8]) -> anyhow::Result<String> {
        let path = self.folder.path().join("f").join(name);
        std::fs::write(&path, bytes)?;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644))?;
        let signature = md5(&format!("{EXPIRES}/f/{name} {SECRET}"))?;
        Ok(format!("http://{}/f/{name}?md5={signature}&expires={EXPIRES}", self.address))
    }

    /// CPU time of its workers so far.
    pub fn cpu(&self) -> Duration {
        process::Spent::of(self.child.id()).map(|spent| spent.media).unwrap_or_default()
    }

    pub fn stop(mut self) -> anyhow::Result<()> {
        self.signal(Signal::QUIT);
        self.child.wait()?;
        Ok(())
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Nginx {
    /// Its workers end with it on SIGTERM, and would not on SIGKILL.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal(Signal::TERM);
            let _ = self.child.wait();
        }
    }
}

/// As an operator would tune it for static files: sendfile, no access log, connections that stay.
fn configuration(address: SocketAddr, folder: &str) -> String {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("  {kind}_temp_path {folder}/{kind};\n"))
        .concat();
    format!(
        "daemon off;\nworker_processes 2;\npid {folder}/pid;\nerror_log stderr warn;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n{temporary}  access_log off;\n  sendfile on;\n  tcp_nopush on;\n  keepalive_requests 1000000000;\n\
           default_type text/plain;\n\
           server {{\n    listen {address};\n    root {folder};\n    location /f/ {{\n\
               secure_link $arg_md5,$arg_expires;\n      secure_link_md5 \"$secure_link_expires$uri {SECRET}\";\n\
               if ($secure_link = \"\") {{ return 403; }}\n      if ($secure_link = \"0\") {{ return 410; }}\n\
             }}\n  }}\n}}\n"
    )
}

/// By coreutils: nginx wants MD5, and nothing else here does. In base64url, as `secure_link_md5` has it.
fn md5(text: &str) -> anyhow::Result<String> {
    let mut child = Command::new("md5sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().context("md5sum takes no input")?.write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    let hex = output.stdout.get(..32).context("md5sum gave no sum")?;
    let digit = |pair: &[u8]| anyhow::Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?);
    let bytes = hex.chunks(2).map(digit).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
