//! What the processes share: broker, store, bucket, clamd, and the proxies that stand before them.

use crate::{
    clamd::Clamd,
    hooks::{Hooks, SECRET},
    node::LAZARET,
    postgres::Server,
    proxy::Proxy,
    rabbitmq::{Rabbit, Vhost},
    s3::{ACCESS_KEY, S3Server, SECRET_KEY, s3_url},
};
use lazaret::{
    adapters::s3::{Options, S3, SecretKey},
    ports::Blobs,
};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};
use tempfile::TempDir;

/// Where in the bucket held bytes are, each under its upload's id.
const HELD: &str = "held/";

pub struct Place {
    folder: TempDir,
    pub rabbit: Rabbit,
    pub vhost: Vhost,
    pub postgres: Server,
    /// Past the proxy, as a superuser.
    pub database: String,
    pub s3: S3Server,
    bucket: String,
    /// Where backends leave files that they submit by reference.
    pub senders: String,
    pub clamd: Clamd,
    /// What the tenant's webhook calls.
    pub hooks: Hooks,
    pub to_broker: Proxy,
    pub to_store: Proxy,
    pub to_bucket: Proxy,
    pub to_clamd: Proxy,
    executable: PathBuf,
    sabotage: Option<&'static str>,
    /// Ids of uploads whose held bytes were replaced.
    swapped: Mutex<BTreeSet<String>>,
    /// Transfers in parts that nobody is left to end.
    excused: Mutex<BTreeSet<String>>,
}

impl Place {
    pub async fn new(executable: &Path, sabotage: Option<&'static str>) -> Self {
        let folder = tempfile::Builder::new().prefix("lazaret-faults-").tempdir().expect("a folder");
        // Side by side: the broker takes long.
        let rabbit = tokio::task::spawn_blocking(|| {
            let rabbit = Rabbit::start();
            let vhost = rabbit.vhost();
            (rabbit, vhost)
        });
        let postgres = tokio::task::spawn_blocking(Server::start).await.expect("it starts");
        let clamd = tokio::task::block_in_place(|| Clamd::start(folder.path()));
        let database = postgres.empty().await;
        let s3 = S3Server::start().await;
        let (bucket, senders) = (s3.bucket(), s3.bucket());
        let store = url::Url::parse(&database).expect("a URL");
        let to_store = Proxy::start(([127, 0, 0, 1], store.port().expect("its port")).into()).await;
        let to_bucket = Proxy::start(s3.address).await;
        let to_clamd = Proxy::start(clamd.address).await;
        let hooks = Hooks::start().await;
        let (rabbit, vhost) = rabbit.await.expect("it starts");
        let broker = url::Url::parse(&vhost.url).expect("a URL");
        let to_broker = Proxy::start(([127, 0, 0, 1], broker.port().expect("its port")).into()).await;
        let place = Self {
            folder,
            rabbit,
            vhost,
            postgres,
            database,
            s3,
            bucket,
            senders,
            clamd,
            hooks,
            to_broker,
            to_store,
            to_bucket,
            to_clamd,
            executable: executable.to_owned(),
            sabotage,
            swapped: Mutex::default(),
            excused: Mutex::default(),
        };
        place.configure();
        place
    }

    fn configure(&self) {
        let mut store = url::Url::parse(&self.database).expect("a URL");
        store.set_port(Some(self.to_store.address.port())).expect("a host");
        let mut queue = url::Url::parse(&self.vhost.url).expect("a URL");
        queue.set_port(Some(self.to_broker.address.port())).expect("a host");
        let settings = format!(
            r#"
[server]
listen = "127.0.0.1:0"
grace = "10s"
[store]
url = "{store}"
connections = 8
[queue]
url = "{queue}"
prefetch = 8
[blobs]
url = "{blobs}"
access_key = "{ACCESS_KEY}"
secret_key = "{SECRET_KEY}"
[intake]
max_upload = "16MiB"
reserve = "1MiB"
[[intake.sources]]
tenant = "acme"
bucket = "{senders}"
prefix = "new/"
[antivirus]
clamd = ["tcp:{clamd}"]
signatures = "test"
max_file = "16MiB"
max_scan = "16MiB"
deadline = "20s"
[media]
child = "{child}"
children = 2
[video]
child = "{films}"
children = 1
[models]
folder = "{root}/models"
runtime = "{root}/.setup/lib/libonnxruntime.so"
[pipeline]
workers = 4
lease = "5s"
retry = "200ms"
[console]
key = "101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f"
[delivery.keys]
a = "{signing}"
[events]
allow_private = true
[[events.webhooks]]
name = "backend"
tenant = "acme"
url = "{hook}"
secrets = ["{secret}"]
[log]
format = "json"
"#,
            blobs = s3_url(&self.bucket, self.to_bucket.address),
            senders = self.senders,
            clamd = self.to_clamd.address,
            child = Path::new(LAZARET).with_file_name("lazaret-media").display(),
            films = Path::new(LAZARET).with_file_name("lazaret-video").display(),
            root = env!("CARGO_MANIFEST_DIR"),
            hook = self.hooks.url(),
            secret = SECRET,
            signing = "5a".repeat(32),
        );
        fs::write(self.settings(), settings).expect("the settings");
    }

    fn settings(&self) -> PathBuf {
        self.folder.path().join("lazaret.toml")
    }

    /// The data folder of a process.
    pub fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.env_remove("RUST_LOG").current_dir(self.folder.path()).stdin(Stdio::null());
        if let Some(sabotage) = self.sabotage {
            command.env("LAZARET_SABOTAGE", sabotage);
        }
        command.arg("--config").arg(self.settings());
        command
    }

    /// Runs a subcommand to its end; its exit code and what it printed.
    pub fn ran(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = tokio::task::block_in_place(|| self.command().args(arguments).output());
        let output = output.expect("lazaret runs");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    /// An API key of the tenant.
    pub fn key(&self) -> String {
        let (code, said) =
            self.ran(&["key", "create", "--tenant", "acme", "--scopes", "upload,read", "--json"]);
        assert_eq!(code, Some(0), "{said}");
        let made: serde_json::Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
        made["key"].as_str().expect("a key").to_owned()
    }

    /// Ids of the uploads whose bytes are in the held zone.
    pub fn held(&self) -> Vec<String> {
        let objects = self.s3.objects(&self.bucket);
        objects.into_iter().filter_map(|(name, _)| name.strip_prefix(HELD).map(str::to_owned)).collect()
    }

    /// Puts other bytes in the place of an upload's.
    pub fn swap(&self, id: String, bytes: &[u8]) {
        self.s3.tamper(&self.bucket, &format!("{HELD}{id}"), bytes);
        self.swapped.lock().unwrap().insert(id);
    }

    pub fn is_swapped(&self, id: &str) -> bool {
        self.swapped.lock().unwrap().contains(id)
    }

    /// What was going to the bucket in parts went with its process. The operator's lifecycle rule removes such.
    pub fn excuse_parts(&self) {
        self.excused.lock().unwrap().extend(self.s3.unfinished());
    }

    /// Transfers in parts that are neither ended nor given up.
    pub fn left_in_parts(&self) -> Vec<String> {
        let excused = self.excused.lock().unwrap();
        self.s3.unfinished().into_iter().filter(|name| !excused.contains(name)).collect()
    }

    /// The bucket, past the proxy.
    pub async fn blobs(&self) -> Arc<dyn Blobs> {
        let mut options =
            Options::from_url(&s3_url(&self.bucket, self.s3.address), self.folder.path()).expect("a URL");
        options.access_key = Some(ACCESS_KEY.to_owned());
        options.secret_key = Some(SecretKey::from(SECRET_KEY.to_owned()));
        Arc::new(S3::open(options).await.expect("the bucket"))
    }
}
