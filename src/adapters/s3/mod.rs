//! Blobs in a bucket of S3 or of what speaks like it; other people's objects in the same service; uploads that senders
//! put into the bucket by themselves.
//!
//! An object is read through a file without a name on this machine, into which it is fetched once: what the checks read
//! and what is published are the same bytes, whatever happens to the bucket meanwhile. An ETag proves nothing here.
//!
//! The bucket wants two lifecycle rules: parts of uploads that were not completed go after a day, and so does what lies
//! below `incoming/` after two. Lazaret removes both by itself, but not what a crash keeps it from.

mod error;
mod get;
mod list;
mod options;
mod outside;
mod place;
mod put;

pub use options::{BadUrl, Options, SecretKey};

use super::{
    keys::checked,
    spools::{free_bytes, make_folder, nameless},
};
use crate::ports::{
    Blobs, Kind, PortError, Result,
    blobs::{AnswerHeaders, Key, Reading, Zone, reader, short},
};
use async_trait::async_trait;
use aws_sdk_s3::{Client, presigning::PresigningConfig};
use error::failed;
use futures_util::stream::{self, StreamExt};
use get::{Download, Origin};
use place::Layout;
use put::Puts;
use std::{fs::File, io, io::Write, ops::Range, path::PathBuf, sync::Arc, time::Duration};

/// How often an object is fetched from its first byte.
const FETCHES: u32 = 3;
/// Bytes in memory of an object on its way to the disk.
const BUFFER: usize = 1 << 20;
/// The longest that a URL for an object is good: nothing can take it back.
const LONGEST_URL: Duration = Duration::from_secs(60);

pub struct S3 {
    client: Client,
    layout: Layout,
    spool: PathBuf,
    puts: Arc<Puts>,
}

impl S3 {
    /// Asks the bucket for its first object, so that a wrong setting shows at once.
    ///
    /// # Errors
    /// One line that names the setting to look at: `blobs.url` where the bucket is not there or nobody answers, the
    /// credentials where they are refused, this machine's clock where it is wrong.
    pub async fn open(options: Options) -> Result<Self> {
        make_folder(&options.spool, true)?;
        let client = place::client(&options)?;
        let layout = Layout::new(&options);
        let asked =
            client.list_objects_v2().bucket(&layout.bucket).prefix(layout.prefix()).max_keys(1).send();
        let endpoint = options.endpoint.as_deref().unwrap_or("AWS");
        asked.await.map_err(|e| failed(&format!("bucket {} at {endpoint}", layout.bucket), e))?;
        let puts = Puts::new(client.clone(), layout.bucket.clone());
        Ok(Self { client, layout, spool: options.spool, puts })
    }

    fn origin(&self, name: String) -> Origin {
        Origin { client: self.client.clone(), bucket: self.layout.bucket.clone(), name, version: None }
    }

    async fn remove_named(&self, name: &str) -> Result<()> {
        let removed = self.client.delete_object().bucket(&self.layout.bucket).key(name).send().await;
        match removed {
            Ok(_) => Ok(()),
            Err(error) if error::is_missing(&error) => Ok(()),
            Err(error) => Err(failed(&format!("removing {name}"), error)),
        }
    }

    /// All of the download on this machine.
    async fn fetch(&self, mut download: Download) -> Result<File> {
        let mut file = self.spool().await?;
        let mut buffer = Vec::with_capacity(BUFFER);
        while let Some(bytes) = download.next().await? {
            buffer.extend_from_slice(&bytes);
            if buffer.len() >= BUFFER {
                (file, buffer) = write(file, buffer).await?;
            }
        }
        (file, _) = write(file, buffer).await?;
        if file.metadata()?.len() != download.size {
            return Err(PortError::new(Kind::Retry, "a fetched object has not the size it should"));
        }
        Ok(file)
    }
}

#[async_trait]
impl Blobs for S3 {
    async fn spool(&self) -> Result<File> {
        let folder = self.spool.clone();
        blocking(move || nameless(&folder)).await
    }

    async fn put(&self, zone: Zone, key: &Key, spool: &File) -> Result<()> {
        let name = self.layout.object(zone, &checked(key)?);
        self.puts.put(&name, spool.try_clone()?).await
    }

    async fn open(&self, zone: Zone, key: &Key) -> Result<Option<File>> {
        let origin = self.origin(self.layout.object(zone, &checked(key)?));
        let mut tries = 0;
        loop {
            let Some(download) = origin.clone().open(None).await? else { return Ok(None) };
            tries += 1;
            match self.fetch(download).await {
                Ok(file) => return Ok(Some(reader(&file)?)),
                Err(error) if error.kind == Kind::Retry && tries < FETCHES => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn read(&self, zone: Zone, key: &Key, range: Range<u64>) -> Result<Option<Reading>> {
        let origin = self.origin(self.layout.object(zone, &checked(key)?));
        if range.is_empty() {
            let Some(size) = origin.size().await? else { return Ok(None) };
            if range.end > size {
                return Err(short(key, &range, size));
            }
            return Ok(Some(Reading::Stream { size, bytes: stream::empty().boxed() }));
        }
        let Some(download) = origin.open(Some(range)).await? else { return Ok(None) };
        Ok(Some(Reading::Stream { size: download.size, bytes: download.into_stream() }))
    }

    async fn presign_get(
        &self,
        key: &Key,
        expires: Duration,
        answer: &AnswerHeaders,
    ) -> Result<Option<String>> {
        let name = self.layout.object(Zone::Published, &checked(key)?);
        let get = self.client.get_object().bucket(&self.layout.bucket).key(name);
        let get = get
            .response_content_type(&answer.content_type)
            .response_content_disposition(&answer.content_disposition)
            .response_cache_control("private, no-store");
        let signed = get.presigned(presigning(expires.min(LONGEST_URL))?).await;
        signed.map(|signed| Some(signed.uri().to_owned())).map_err(|e| failed("signing a URL", e))
    }

    async fn remove(&self, zone: Zone, key: &Key) -> Result<()> {
        self.remove_named(&self.layout.object(zone, &checked(key)?)).await
    }

    async fn list(&self, zone: Zone, after: &str, limit: usize) -> Result<Vec<String>> {
        list::keys(self, &self.layout.zone(zone), after, limit).await
    }

    /// Of the disk that bytes pass through on their way: the bucket says nothing of its own.
    async fn free_bytes(&self) -> Result<Option<u64>> {
        let folder = self.spool.clone();
        blocking(move || free_bytes(&folder)).await.map(Some)
    }
}

fn presigning(expires: Duration) -> Result<PresigningConfig> {
    PresigningConfig::expires_in(expires)
        .map_err(|e| PortError::new(Kind::Fail, "the term of a signed URL").because(e))
}

async fn write(mut file: File, mut buffer: Vec<u8>) -> Result<(File, Vec<u8>)> {
    blocking(move || {
        file.write_all(&buffer)?;
        buffer.clear();
        Ok((file, buffer))
    })
    .await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|e| PortError::new(Kind::Fail, "a file operation did not end").because(e))??)
}
