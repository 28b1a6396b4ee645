//! An S3 server in process: real HTTP on a private loopback port, real SigV4, files in a temporary folder.
//!
//! It is `s3s-fs`, with two things made as S3 has them: names of any length, of which one may be the beginning of another
//! up to a slash; and If-Match on GET. What it still lacks: versions of objects (version ids are passed over), and
//! lifecycle rules.

use s3s::{
    S3, S3Request, S3Response, S3Result, auth::SimpleAuth, dto::*, s3_error, service::S3ServiceBuilder,
};
use s3s_fs::FileSystem;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::SystemTime,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

pub const ACCESS_KEY: &str = "lazaret-test";
pub const SECRET_KEY: &str = "a secret of the tests";

// A test binary need not use all of this.
const _: fn(&S3Server, &str, &str) -> Vec<u8> = S3Server::read;
const _: fn(&S3Server, &str, &str, &[u8]) = S3Server::tamper;
const _: fn(&S3Server, &str, &str, SystemTime) = S3Server::date;

pub struct S3Server {
    pub address: SocketAddr,
    root: TempDir,
    buckets: AtomicU32,
    task: JoinHandle<()>,
}

impl S3Server {
    pub async fn start() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut service = S3ServiceBuilder::new(Named::new(FileSystem::new(root.path()).expect("a folder")));
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let service = service.build();
        let task = tokio::spawn(async move {
            let http = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
            while let Ok((socket, _)) = listener.accept().await {
                let connection =
                    http.serve_connection(hyper_util::rt::TokioIo::new(socket), service.clone()).into_owned();
                tokio::spawn(async move {
                    // Clients go as they like.
                    let _ = connection.await;
                });
            }
        });
        Self { address, root, buckets: AtomicU32::new(0), task }
    }

    /// A fresh bucket's name.
    pub fn bucket(&self) -> String {
        let name = format!("bucket-{}", self.buckets.fetch_add(1, Ordering::SeqCst));
        std::fs::create_dir(self.root.path().join(&name)).expect("a folder for the bucket");
        name
    }

    /// What was left of uploads in parts that neither ended nor were given up. (Of a request that breaks off as it begins,
    /// `s3s-fs` may leave an empty `.tmp` file: its own to clean up, and not counted.)
    pub fn unfinished(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.root.path()).expect("the folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with(".upload")).collect()
    }

    /// Bytes on this server's disk of one object, past HTTP.
    pub fn tamper(&self, bucket: &str, name: &str, bytes: &[u8]) {
        let path = self.root.path().join(bucket).join(short(name));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("its folder");
        std::fs::write(path, bytes).expect("an object on the disk");
    }

    /// When an object was written, past HTTP: the server's clock is this machine's, the service's is the test's.
    pub fn date(&self, bucket: &str, name: &str, at: SystemTime) {
        let path = self.root.path().join(bucket).join(short(name));
        let object = std::fs::File::options().write(true).open(path).expect("an object on the disk");
        object.set_modified(at).expect("its date");
    }

    /// The bytes of one object, past HTTP.
    pub fn read(&self, bucket: &str, name: &str) -> Vec<u8> {
        std::fs::read(self.root.path().join(bucket).join(short(name))).expect("an object on the disk")
    }

    /// Names and sizes of all objects in the bucket.
    pub fn objects(&self, bucket: &str) -> Vec<(String, u64)> {
        let folder = self.root.path().join(bucket);
        let mut objects = Vec::new();
        for entry in walkdir::WalkDir::new(&folder) {
            let entry = entry.expect("an entry");
            if entry.file_type().is_file() {
                let name = entry.path().strip_prefix(&folder).expect("below it").to_string_lossy();
                objects
                    .push((name.trim_end_matches('!').to_owned(), entry.metadata().expect("a size").len()));
            }
        }
        objects.sort();
        objects
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// As `blobs.url` names the bucket.
pub fn s3_url(bucket: &str, address: SocketAddr) -> String {
    format!("s3://{bucket}?endpoint=http://{address}")
}

/// Names as a file system can hold them, in the same order: `!` sorts before all else that is in them.
fn short(name: &str) -> String {
    match name.char_indices().nth(120) {
        None => format!("{name}!"),
        Some((at, _)) => format!("{}-{}!", &name[..at], name.len()),
    }
}

struct Named {
    files: FileSystem,
    /// What short names stand for.
    names: Mutex<HashMap<String, String>>,
}

impl Named {
    fn new(files: FileSystem) -> Self {
        Self { files, names: Mutex::default() }
    }

    fn shorten(&self, name: &mut String) {
        let short = short(name);
        let long = std::mem::replace(name, short.clone());
        self.names.lock().unwrap().insert(short, long);
    }
}

macro_rules! by_short_name {
    ($($call:ident: $input:ident => $output:ident;)*) => {
        #[async_trait::async_trait]
        impl S3 for Named {
            $(async fn $call(&self, mut request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                self.shorten(&mut request.input.key);
                self.files.$call(request).await
            })*

            async fn get_object(&self, mut request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
                let condition = request.input.if_match.take();
                self.shorten(&mut request.input.key);
                let answer = self.files.get_object(request).await?;
                let wanted = condition.as_ref().and_then(ETagCondition::as_etag);
                let matches = |wanted: &ETag| answer.output.e_tag.as_ref().is_some_and(|tag| tag.strong_cmp(wanted));
                if wanted.is_some_and(|wanted| !matches(wanted)) {
                    return Err(s3_error!(PreconditionFailed));
                }
                Ok(answer)
            }

            async fn list_objects_v2(&self, mut request: S3Request<ListObjectsV2Input>) -> S3Result<S3Response<ListObjectsV2Output>> {
                if let Some(after) = request.input.start_after.as_mut().filter(|after| !after.ends_with('/')) {
                    *after = short(after);
                }
                let mut answer = self.files.list_objects_v2(request).await?;
                for object in answer.output.contents.iter_mut().flatten() {
                    if let Some(name) = &mut object.key {
                        let long = self.names.lock().unwrap().get(name).cloned();
                        *name = long.unwrap_or_else(|| name.trim_end_matches('!').to_owned());
                    }
                }
                Ok(answer)
            }
        }
    };
}

by_short_name! {
    put_object: PutObjectInput => PutObjectOutput;
    head_object: HeadObjectInput => HeadObjectOutput;
    delete_object: DeleteObjectInput => DeleteObjectOutput;
    create_multipart_upload: CreateMultipartUploadInput => CreateMultipartUploadOutput;
    upload_part: UploadPartInput => UploadPartOutput;
    complete_multipart_upload: CompleteMultipartUploadInput => CompleteMultipartUploadOutput;
    abort_multipart_upload: AbortMultipartUploadInput => AbortMultipartUploadOutput;
}
