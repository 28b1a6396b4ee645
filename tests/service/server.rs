//! One `lazaret serve`, from its start to its end.

use crate::{
    process::{Process, descendants, signal_to},
    site::Site,
    wait::until,
};
use reqwest::Client;
use rustix::process::Signal;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
};

pub struct Server {
    running: Running,
    pub url: String,
    pub client: Client,
    pub key: String,
}

impl Server {
    /// Serves the site, with a key of the tenant `acme`. Its engines may not be ready yet.
    pub async fn start(site: &Site) -> Self {
        let key = site.key("acme").await;
        Self::start_with(site, &key).await
    }

    pub async fn start_with(site: &Site, key: &str) -> Self {
        Self::start_as(site, key, &[]).await
    }

    /// `lazaret serve` with these flags.
    pub async fn start_as(site: &Site, key: &str, flags: &[&str]) -> Self {
        let mut command = site.command();
        command.arg("serve").args(flags);
        Self::run(command, key).await
    }

    /// What this command starts.
    pub async fn run(command: Command, key: &str) -> Self {
        let running = Running::spawn(command);
        let mut server = Self { running, url: String::new(), client: Client::new(), key: key.to_owned() };
        let address = until("the server listens", async || {
            let ended = server.running.child.try_wait().unwrap();
            assert_eq!(ended, None, "lazaret serve ended: {:?}", server.log());
            let events = server.events();
            let address = events.iter().find_map(|event| Some(event["server.address"].as_str()?.to_owned()));
            address.ok_or_else(|| server.log())
        });
        server.url = format!("http://{}", address.await);
        server
    }

    /// As [`Server::start`], and fit for all work.
    pub async fn ready(site: &Site) -> Self {
        let server = Self::start(site).await;
        server.until_ready().await;
        server
    }

    pub async fn until_ready(&self) {
        until("the server is ready", async || {
            let (status, body) = self.readyz().await;
            if status == 200 { Ok(()) } else { Err(body) }
        })
        .await;
    }

    pub async fn readyz(&self) -> (u16, Value) {
        let answer = self.client.get(format!("{}/readyz", self.url)).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Why the worker is not ready, as /readyz has it.
    pub async fn trouble(&self) -> Option<String> {
        let (status, body) = self.readyz().await;
        let parts = body["components"].as_array().unwrap();
        let worker = parts.iter().find(|part| part["name"] == "worker").unwrap();
        assert_eq!(status == 503, parts.iter().any(|part| part["ready"] == false), "{body}");
        assert_eq!(worker["ready"] == false, worker["why"].is_string(), "{body}");
        worker["why"].as_str().map(str::to_owned)
    }

    pub fn pid(&self) -> i32 {
        self.running.child.id().try_into().unwrap()
    }

    /// Every process below it.
    pub fn processes(&self) -> Vec<Process> {
        descendants(self.pid())
    }

    /// The decoders' processes.
    pub fn children(&self) -> Vec<Process> {
        self.processes().into_iter().filter(|process| process.name == "lazaret-media").collect()
    }

    pub fn log(&self) -> Vec<String> {
        self.running.log()
    }

    /// The log's lines, each an object.
    pub fn events(&self) -> Vec<Value> {
        self.log().iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// `kill -9`, and all that lived of it must go.
    pub async fn kill(mut self) {
        let left = self.processes();
        signal_to(self.pid(), Signal::KILL);
        self.running.child.wait().unwrap();
        gone(&left).await;
    }

    pub fn terminate(&self) {
        signal_to(self.pid(), Signal::TERM);
    }

    /// Its exit status, once it ends by itself; all that lived of it must be gone with it.
    pub async fn ended(mut self) -> ExitStatus {
        let left = self.processes();
        let status = until("the server ends", async || {
            self.running.child.try_wait().unwrap().ok_or_else(|| self.log().last().cloned())
        })
        .await;
        gone(&left).await;
        status
    }
}

async fn gone(processes: &[Process]) {
    until("no process is left behind", async || {
        let left: Vec<_> = processes.iter().filter(|process| process.is_running()).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
}

/// A process and its log; it does not outlive its test.
pub struct Running {
    pub child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl Running {
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let lines = BufReader::new(child.stderr.take().unwrap());
        let into = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                into.lock().unwrap().push(line);
            }
        });
        Self { child, log }
    }

    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            eprintln!("the server's log ends:\n{}", log[log.len().saturating_sub(30)..].join("\n"));
        }
        let _ended_already = self.child.kill();
        let _buried_already = self.child.wait();
    }
}
