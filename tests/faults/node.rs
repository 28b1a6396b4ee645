//! One process of `lazaret serve`.

use crate::{place::Place, traces, wait::until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Stdio},
    sync::{Arc, Mutex},
};

pub const LAZARET: &str = env!("CARGO_BIN_EXE_lazaret");

pub struct Node {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    pub url: String,
    pub data: PathBuf,
}

impl Node {
    /// Starts it, and waits until it listens and is ready.
    pub async fn start(place: &Place, name: &str, roles: &str) -> Self {
        let data = place.data(name);
        let mut command = place.command();
        command.args(["serve", "--roles", roles, "--data"]).arg(&data);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("lazaret starts");
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let lines = BufReader::new(child.stderr.take().expect("its log"));
        let into = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                into.lock().unwrap().push(line);
            }
        });
        let mut node = Self { child, log, url: String::new(), data };
        let address = until("a process listens", async || {
            let ended = node.child.try_wait().expect("its state");
            assert_eq!(ended, None, "lazaret serve --roles {roles} ended: {:?}", node.log());
            let events = node.log().into_iter().filter_map(|line| serde_json::from_str::<Value>(&line).ok());
            events
                .into_iter()
                .find_map(|e| Some(e["server.address"].as_str()?.to_owned()))
                .ok_or_else(|| node.log())
        });
        node.url = format!("http://{}", address.await);
        until("a process is ready", async || {
            let answer = reqwest::get(format!("{}/readyz", node.url)).await.map_err(|e| e.to_string())?;
            if answer.status() == 200 { Ok(()) } else { Err(answer.text().await.unwrap_or_default()) }
        })
        .await;
        node
    }

    pub fn pid(&self) -> i32 {
        self.child.id().try_into().expect("a process id")
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid()).expect("a process id");
        kill_process(pid, signal).expect("it runs");
    }

    /// Of its folder.
    pub fn name(&self) -> String {
        self.data.file_name().and_then(|name| name.to_str()).expect("a plain name").to_owned()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Drains it; it must end well.
    pub async fn stop(mut self) {
        self.signal(Signal::TERM);
        let status = until("a process ends", async || {
            self.child.try_wait().expect("its state").ok_or_else(|| self.log().last().cloned())
        })
        .await;
        assert!(status.success(), "{status}");
    }

    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Megabytes that are in memory.
    pub fn memory(&self) -> u64 {
        traces::memory(self.pid())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            eprintln!("{} ends:\n{}", self.data.display(), log[log.len().saturating_sub(15)..].join("\n"));
        }
        let _ended_already = self.child.kill();
        let _buried_already = self.child.wait();
    }
}
