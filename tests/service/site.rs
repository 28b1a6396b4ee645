//! A place to serve from: settings, a data folder, a clamd that can be kept from starting, and whatever [`Backing`] this
//! binary gives it. It outlives the processes that run in it, and goes with everything in it.

use crate::backing::Backing;
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// Of a subcommand. `doctor` itself waits two minutes for a clamd.
const LIMIT: Duration = Duration::from_secs(180);

pub const LAZARET: &str = env!("CARGO_BIN_EXE_lazaret");

/// Settings of all tests: test signatures only, small limits, and quick about trying again.
const SETTINGS: &str = r#"
[server]
listen = "127.0.0.1:0"
[queue]
poll = "200ms"
[intake]
max_upload = "16MiB"
reserve = "1MiB"
[antivirus]
signatures = "test"
max_file = "16MiB"
max_scan = "32MiB"
[pipeline]
retry = "200ms"
[log]
format = "json"
"#;

/// Stands for clamd on the service's PATH, so that a test can say when there is none.
const CLAMD: &str = r#"#!/bin/sh
if [ -e 'DOWN' ]; then echo 'ERROR: the test keeps clamd down' >&2; exit 1; fi
# Without the first folder, which is this script's.
PATH="${PATH#*:}:/usr/sbin:/usr/local/sbin:/sbin:/usr/bin"
exec clamd "$@"
"#;

pub struct Site {
    folder: TempDir,
    pub backing: Backing,
}

impl Site {
    /// `settings` go over those of all tests and of the backing.
    pub fn new(settings: &str) -> Self {
        for child in ["lazaret-media", "lazaret-video"] {
            let path = Path::new(LAZARET).with_file_name(child);
            assert!(path.is_file(), "{} is missing: run cargo build --workspace", path.display());
        }
        let folder = tempfile::Builder::new().prefix("lazaret-service-").tempdir().unwrap();
        let site = Self { folder, backing: Backing::new() };
        let bin = site.path("bin");
        fs::create_dir(&bin).unwrap();
        let clamd = bin.join("clamd");
        fs::write(&clamd, CLAMD.replace("DOWN", site.path("down").to_str().unwrap())).unwrap();
        fs::set_permissions(&clamd, fs::Permissions::from_mode(0o755)).unwrap();
        site.configure(settings);
        site
    }

    /// Writes the settings anew.
    pub fn configure(&self, settings: &str) {
        let mut all: toml::Table = SETTINGS.parse().unwrap();
        merge(&mut all, self.backing.settings().parse().unwrap());
        merge(&mut all, settings.parse().unwrap());
        let server = all["server"].as_table_mut().unwrap();
        server.insert("data".to_owned(), self.data("").to_str().unwrap().into());
        fs::write(self.path("lazaret.toml"), all.to_string()).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn data(&self, name: &str) -> PathBuf {
        self.path("data").join(name)
    }

    /// A file with these bytes.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// From now on no clamd starts here.
    pub fn hold_clamd_down(&self) {
        fs::write(self.path("down"), "").unwrap();
    }

    pub fn let_clamd_up(&self) {
        fs::remove_file(self.path("down")).unwrap();
    }

    /// The managed clamd's process, where there is one.
    pub fn clamd(&self) -> Option<i32> {
        fs::read_to_string(self.data("clamd/clamd.pid")).ok()?.trim().parse().ok()
    }

    /// `lazaret` with the settings of this site.
    pub fn command(&self) -> Command {
        let mut command = Command::new(LAZARET);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.path("bin").display()));
        command.env_remove("RUST_LOG").current_dir(self.folder.path());
        command.arg("--config").arg(self.path("lazaret.toml")).stdin(Stdio::null());
        command
    }

    /// Runs a subcommand to its end, which must come by itself: a `serve` that was to be refused is killed.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = tokio::process::Command::from(self.command());
        let running = command.args(arguments).kill_on_drop(true).output();
        match tokio::time::timeout(LIMIT, running).await {
            Ok(output) => Ran(output.unwrap()),
            Err(_) => panic!("lazaret {arguments:?} goes on after {LIMIT:?}"),
        }
    }

    /// A new API key of this tenant.
    pub async fn key(&self, tenant: &str) -> String {
        let scopes = "upload,read,mint,erase";
        let made = self.run(&["key", "create", "--tenant", tenant, "--scopes", scopes, "--json"]).await;
        assert_eq!(made.code(), 0, "{made:?}");
        made.json()[0]["key"].as_str().unwrap().to_owned()
    }

    /// The names of all objects in `held` or `published`, in order, and of what is half done in `spool`.
    pub fn objects(&self, zone: &str) -> Vec<String> {
        self.backing.objects(&self.data(""), zone).into_iter().map(|(name, _)| name).collect()
    }

    /// The bytes of all objects in a zone, in the order of their names.
    pub fn contents(&self, zone: &str) -> Vec<Vec<u8>> {
        self.backing.objects(&self.data(""), zone).into_iter().map(|(_, bytes)| bytes).collect()
    }
}

fn merge(into: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(into)), toml::Value::Table(over)) => merge(into, over),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// What a command did.
#[derive(Debug)]
pub struct Ran(Output);

impl Ran {
    pub fn of(output: Output) -> Self {
        Self(output)
    }

    pub fn code(&self) -> i32 {
        self.0.status.code().unwrap_or(-1)
    }

    pub fn out(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub fn err(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    /// Every line of standard output, each a JSON value.
    pub fn json(&self) -> Vec<Value> {
        let out = self.out();
        out.lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {self:?}")))
            .collect()
    }
}
