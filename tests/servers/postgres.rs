//! A private PostgreSQL on a port of its own, in a temporary folder, with a database for each test. A shell watches over
//! it: it starts the server again when that dies, and when this process ends, however it ends, it stops the server and
//! removes the folder.

use lazaret::adapters::postgres::{Options, Postgres};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

/// A cold start on a busy machine.
const START: Duration = Duration::from_secs(60);
const TEMPLATE: &str = "lazaret_template";

/// Arguments: folder, port, and the command that runs another as the server's user. Standard input is held by the test
/// process, and ends with it.
const WATCH: &str = r#"
trap '' INT TERM HUP
folder=$1 port=$2 bin=$3; shift 3
cd "$folder" || exit 1
(
    while [ ! -e stop ]; do
        "$@" "$bin/postgres" -D data -k "$folder" -p "$port" -c listen_addresses=127.0.0.1 -c max_connections=300 \
            -c shared_buffers=64MB -c max_wal_size=256MB -c log_min_messages=fatal < /dev/null >> log 2>&1
        sleep 0.1
        while [ -e hold ] && [ ! -e stop ]; do sleep 0.05; done
    done
) &
loop=$!
cat > /dev/null
touch stop
while kill -0 $loop 2> /dev/null; do
    kill -QUIT "$(head -n 1 data/postmaster.pid 2> /dev/null)" 2> /dev/null
    sleep 0.05
done
cd /
rm -rf "$folder"
"#;

// A test binary need not use all of this.
const _: fn() -> &'static Server = Server::shared;
const _: fn() -> Server = Server::start;
const _: [fn(&Server); 3] = [Server::kill, Server::hold_down, Server::let_up];
const _: fn(&Server, &str, &str) -> String = Server::url;
const _: fn(&str) -> Options = options;
const _: fn() = || {
    let _ = (Server::database, Server::empty);
};

pub struct Server {
    folder: PathBuf,
    port: u16,
    /// Its standard input is what keeps the server alive.
    _watch: Mutex<Child>,
    template: OnceCell<()>,
}

impl Server {
    /// The one server of this test process.
    pub fn shared() -> &'static Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(Self::start)
    }

    /// A server that no other test uses: for those that break it.
    pub fn start() -> Self {
        let bin = binaries();
        let folder =
            tempfile::Builder::new().prefix("lazaret-pg-").tempdir().expect("a temporary folder").keep();
        let user = user(&folder);
        let run = |program: &Path, args: &[&str]| {
            let mut words = user.iter().map(String::as_str).chain([program.to_str().expect("a plain path")]);
            let mut command = Command::new(words.next().expect("a program"));
            command
                .args(words)
                .args(args)
                .current_dir(&folder)
                .stdin(Stdio::null())
                .output()
                .expect("it runs")
        };
        let made = run(
            &bin.join("initdb"),
            &["-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        );
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let watch = Command::new("setsid")
            .args(["sh", "-c", WATCH, "watch"])
            .args([folder.as_os_str(), port.to_string().as_ref(), bin.as_os_str()])
            .args(if user.is_empty() { vec!["env".to_owned()] } else { user })
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh and setsid are everywhere");
        let server = Self { folder, port, _watch: Mutex::new(watch), template: OnceCell::new() };
        server.wait();
        server
    }

    /// A superuser's URL of a fresh database, migrated.
    pub async fn database(&self) -> String {
        self.template
            .get_or_init(async || {
                self.create(TEMPLATE, "template1").await;
                let store = Postgres::open(&options(&self.url("postgres", TEMPLATE))).await;
                store.expect("a fresh database is migrated").close().await;
            })
            .await;
        self.fresh(TEMPLATE).await
    }

    /// A superuser's URL of a fresh database, empty.
    pub async fn empty(&self) -> String {
        self.fresh("template1").await
    }

    async fn fresh(&self, template: &str) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.create(&name, template).await;
        self.url("postgres", &name)
    }

    async fn create(&self, name: &str, template: &str) {
        let mut admin =
            PgConnection::connect(&self.url("postgres", "postgres")).await.expect("the server answers");
        let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut admin).await.expect("a database is made");
    }

    pub fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// Stops the server, until [`Server::let_up`].
    pub fn hold_down(&self) {
        fs::write(self.folder.join("hold"), "").expect("the folder is there");
        let text = fs::read_to_string(self.folder.join("data/postmaster.pid")).expect("it runs");
        let first = text.lines().next().expect("a process id");
        let killed = Command::new("kill").args(["-INT", first]).status().expect("kill runs");
        assert!(killed.success());
        let deadline = Instant::now() + START;
        while self.folder.join("data/postmaster.pid").exists() {
            assert!(Instant::now() < deadline, "the server did not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn let_up(&self) {
        fs::remove_file(self.folder.join("hold")).expect("it was held down");
        self.wait();
    }

    /// Kills the server as a power cut would; it comes back by itself.
    pub fn kill(&self) {
        let pid = self.folder.join("data/postmaster.pid");
        let text = fs::read_to_string(&pid).expect("it runs");
        let first = text.lines().next().expect("a process id");
        let killed = Command::new("kill").args(["-KILL", first]).status().expect("kill runs");
        assert!(killed.success());
        let deadline = Instant::now() + START;
        while fs::read_to_string(&pid).is_ok_and(|now| now.lines().next() == Some(first)) {
            assert!(Instant::now() < deadline, "the server did not come back");
            std::thread::sleep(Duration::from_millis(20));
        }
        self.wait();
    }

    fn wait(&self) {
        let deadline = Instant::now() + START;
        let ready = self.folder.join("data/postmaster.pid");
        while !fs::read_to_string(&ready).is_ok_and(|text| text.lines().any(|line| line.trim() == "ready")) {
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "the server did not start: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Eight connections at most, and the schema is brought up to date.
pub fn options(url: &str) -> Options {
    Options { url: url.to_owned(), password: None, migrate: true, connections: 8 }
}

/// Where Debian keeps the newest server's programs.
fn binaries() -> PathBuf {
    let mut all: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .expect("the package postgresql is installed")
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("postgres").exists())
        .collect();
    all.sort();
    all.pop().expect("the package postgresql is installed")
}

/// What runs a command as a user that is not root, which the server refuses to be.
fn user(folder: &Path) -> Vec<String> {
    let id = |args: &[&str]| {
        let out = Command::new("id").args(args).output().expect("id runs");
        String::from_utf8(out.stdout).expect("a number").trim().to_owned()
    };
    if id(&["-u"]) != "0" {
        return Vec::new();
    }
    let owner = id(&["-u", "postgres"]).parse().expect("the package postgresql makes its user");
    std::os::unix::fs::chown(folder, Some(owner), None).expect("root may");
    ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"].map(str::to_owned).to_vec()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it is bound").port()
}
