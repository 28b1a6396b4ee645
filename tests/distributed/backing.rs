//! What this binary's sites stand on: a database, a vhost and a bucket of their own.

use crate::{
    postgres::Server as PostgreSql,
    rabbitmq::{Rabbit, Vhost},
    s3::{ACCESS_KEY, S3Server, SECRET_KEY, s3_url},
};
use sqlx::{Connection, PgConnection};
use std::{
    path::Path,
    sync::{LazyLock, mpsc},
    thread,
};
use tokio::runtime::Runtime;

/// Others may use a site at the same time, so what is left behind is put away with care.
pub const ALONE: bool = false;

/// For what must go on while a test's own runtime waits.
static BESIDE: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

pub struct Backing {
    /// A superuser's URL.
    pub database: String,
    pub vhost: Vhost,
    pub s3: S3Server,
    pub bucket: String,
}

impl Backing {
    pub fn new() -> Self {
        let (database, rabbit) = thread::scope(|scope| {
            let rabbit = scope.spawn(Rabbit::shared);
            (PostgreSql::shared(), rabbit.join().unwrap())
        });
        let (database, s3) = beside(async { (database.database().await, S3Server::start().await) });
        let bucket = s3.bucket();
        Self { database, vhost: rabbit.vhost(), s3, bucket }
    }

    pub fn settings(&self) -> String {
        format!(
            r#"
[store]
url = "{}"
connections = 8
[queue]
url = "{}"
[blobs]
url = "{}"
access_key = "{ACCESS_KEY}"
secret_key = "{SECRET_KEY}"
[pipeline]
lease = "10s"
[console]
key = "101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f"
[delivery.keys]
a = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
"#,
            self.database,
            self.vhost.url,
            s3_url(&self.bucket, self.s3.address)
        )
    }

    /// Names and bytes of all objects in a zone, in order of names: in `published` `ID~FENCE~NAME`.
    pub fn objects(&self, data: &Path, zone: &str) -> Vec<(String, Vec<u8>)> {
        if zone == "spool" {
            return self.half_done(data);
        }
        let all = self.s3.objects(&self.bucket).into_iter();
        let names = all.filter_map(|(name, _)| Some(name.strip_prefix(zone)?.strip_prefix('/')?.to_owned()));
        names
            .map(|name| (name.replace('/', "~"), self.s3.read(&self.bucket, &format!("{zone}/{name}"))))
            .collect()
    }

    /// What of transfers is left, on either side.
    fn half_done(&self, data: &Path) -> Vec<(String, Vec<u8>)> {
        let files = walkdir::WalkDir::new(data.join("spool")).into_iter().flatten();
        let files =
            files.filter(|entry| entry.file_type().is_file()).map(|entry| entry.path().display().to_string());
        // What the server itself began for a PUT whose sender was killed is the server's to remove.
        let parts = self.s3.unfinished().into_iter().filter(|name| !name.starts_with(".tmp."));
        files.chain(parts).map(|name| (name, Vec::new())).collect()
    }

    /// All that the store knows, in whatever form.
    pub async fn stored(&self, _data: &Path) -> Vec<u8> {
        let mut store = PgConnection::connect(&self.database).await.unwrap();
        let all = sqlx::query_scalar("SELECT database_to_xml(true, false, '')::text");
        let all: String = all.fetch_one(&mut store).await.unwrap();
        all.into_bytes()
    }
}

/// Its outcome, off the test's runtime, which may stand still meanwhile.
fn beside<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (done, outcome) = mpsc::channel();
    BESIDE.spawn(async move { done.send(work.await) });
    outcome.recv().unwrap()
}
