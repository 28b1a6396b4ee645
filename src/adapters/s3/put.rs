//! One object on its way into the bucket: small ones by one PUT, others in parts. Bytes are read into memory before they
//! are sent, because then their SHA-256 is in the request's signature, and the store refuses what changed on its way.
//!
//! A store that is told to give up an upload while a part of it is on its way may keep that part (AbortMultipartUpload in
//! the S3 API says so). So parts are sent by a task of their own: where its caller goes away it sends no more, lets those
//! on their way arrive, and only then gives up.

use super::error::{failed, is_missing};
use crate::ports::{Kind, PortError, Result};
use aws_sdk_s3::{
    Client,
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use std::{fs::File, os::unix::fs::FileExt, sync::Arc};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

/// Bytes of a part, and of the largest object that is sent in one.
const PART: u64 = 8 << 20;
/// S3 takes no more.
const MOST_PARTS: u64 = 10_000;
/// Parts of one object on their way at the same time.
const IN_FLIGHT: usize = 2;
/// Memory for bytes on their way out, all objects together, in units of [`UNIT`].
const UNITS: usize = 96;
const UNIT: u64 = 1 << 20;

/// What all puts share.
pub(super) struct Puts {
    client: Client,
    bucket: String,
    memory: Semaphore,
}

impl Puts {
    pub fn new(client: Client, bucket: String) -> Arc<Self> {
        Arc::new(Self { client, bucket, memory: Semaphore::new(UNITS) })
    }

    /// All bytes of `file`, read by position, under `name`: whole, or not at all.
    pub async fn put(self: &Arc<Self>, name: &str, file: File) -> Result<()> {
        let size = file.metadata()?.len();
        let file = Arc::new(file);
        if size <= PART {
            self.whole(name, &file, size).await?;
        } else {
            let given_up = CancellationToken::new();
            let _until_then = given_up.clone().drop_guard();
            let (puts, name) = (Arc::clone(self), name.to_owned());
            let sent = tokio::spawn(async move { puts.parts(&name, &file, size, &given_up).await });
            sent.await.map_err(|e| PortError::new(Kind::Fail, "a write broke off").because(e))??;
        }
        self.verify(name, size).await
    }

    async fn whole(&self, name: &str, file: &Arc<File>, size: u64) -> Result<()> {
        let _memory = self.memory(size).await?;
        let bytes = read(file, 0, size).await?;
        let request = self.client.put_object().bucket(&self.bucket).key(name);
        let request = request.content_length(signed(size)?).body(ByteStream::from(bytes));
        request.send().await.map_err(|e| failed(&format!("writing {name}"), e))?;
        Ok(())
    }

    async fn parts(
        &self,
        name: &str,
        file: &Arc<File>,
        size: u64,
        given_up: &CancellationToken,
    ) -> Result<()> {
        let count = size.div_ceil(PART);
        if count > MOST_PARTS {
            let most = MOST_PARTS * PART;
            return Err(PortError::new(
                Kind::Fail,
                format!("{name}: {size} bytes; at most {most} can be stored"),
            ));
        }
        let what = format!("writing {name}");
        let begun = self.client.create_multipart_upload().bucket(&self.bucket).key(name).send().await;
        let upload = begun.map_err(|e| failed(&what, e))?.upload_id;
        let upload =
            upload.ok_or_else(|| PortError::new(Kind::Fail, format!("{what}: no upload id came")))?;
        let no_more = given_up.child_token();
        let parts: Vec<Result<CompletedPart>> = stream::iter(0..count)
            .take_while(|_| std::future::ready(!no_more.is_cancelled()))
            .map(async |n| {
                let part = self.part(name, &upload, file, n, PART.min(size - n * PART)).await;
                part.inspect_err(|_| no_more.cancel())
            })
            .buffered(IN_FLIGHT)
            .collect()
            .await;
        let sent = match parts.into_iter().collect::<Result<Vec<_>>>() {
            Ok(parts) if !given_up.is_cancelled() => {
                let whole = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
                let complete = self.client.complete_multipart_upload().bucket(&self.bucket).key(name);
                let complete = complete.upload_id(&upload).multipart_upload(whole);
                complete.send().await.map(drop).map_err(|e| failed(&what, e))
            }
            Ok(_) => Err(PortError::new(Kind::Fail, format!("{what} was given up"))),
            Err(error) => Err(error),
        };
        if sent.is_err() {
            self.abort(name, &upload).await;
        }
        sent
    }

    async fn part(
        &self,
        name: &str,
        upload: &str,
        file: &Arc<File>,
        n: u64,
        length: u64,
    ) -> Result<CompletedPart> {
        let _memory = self.memory(length).await?;
        let bytes = read(file, n * PART, length).await?;
        // No more than MOST_PARTS.
        let number = n as i32 + 1;
        let request = self.client.upload_part().bucket(&self.bucket).key(name).upload_id(upload);
        let request =
            request.part_number(number).content_length(signed(length)?).body(ByteStream::from(bytes));
        let sent =
            request.send().await.map_err(|e| failed(&format!("writing part {number} of {name}"), e))?;
        Ok(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build())
    }

    /// Is all of it there? What is not goes.
    async fn verify(&self, name: &str, size: u64) -> Result<()> {
        let head = self.client.head_object().bucket(&self.bucket).key(name).send().await;
        let there = match head {
            Ok(head) => head.content_length.unwrap_or(0),
            Err(error) if is_missing(&error) => 0,
            Err(error) => return Err(failed(&format!("looking at {name}, just written"), error)),
        };
        if there == signed(size)? {
            return Ok(());
        }
        let removed = self.client.delete_object().bucket(&self.bucket).key(name).send().await;
        removed.map_err(|e| failed(&format!("removing {name}, of which a part was written"), e))?;
        Err(PortError::new(Kind::Retry, format!("{name}: {size} bytes were written and {there} are there")))
    }

    /// What cannot be given up now is left to the bucket's lifecycle rule for parts.
    async fn abort(&self, name: &str, upload: &str) {
        let abort = self.client.abort_multipart_upload().bucket(&self.bucket).key(name).upload_id(upload);
        if let Err(error) = abort.send().await {
            let error = failed("giving up a write", error);
            tracing::warn!(blobs.object = name, %error, "parts of an object stay in the bucket");
        }
    }

    async fn memory(&self, bytes: u64) -> Result<SemaphorePermit<'_>> {
        // A part at most, which is far from the largest u32.
        let units = bytes.div_ceil(UNIT).max(1) as u32;
        let permit = self.memory.acquire_many(units).await;
        permit.map_err(|e| PortError::new(Kind::Fail, "memory for writing").because(e))
    }
}

async fn read(file: &Arc<File>, offset: u64, length: u64) -> Result<Bytes> {
    let file = Arc::clone(file);
    let read = tokio::task::spawn_blocking(move || {
        // No more than a part.
        let mut bytes = vec![0; length as usize];
        file.read_exact_at(&mut bytes, offset).map(|()| Bytes::from(bytes))
    });
    Ok(read.await.map_err(|e| PortError::new(Kind::Fail, "a file operation did not end").because(e))??)
}

pub(super) fn signed(size: u64) -> Result<i64> {
    i64::try_from(size).map_err(|e| PortError::new(Kind::Fail, "a size").because(e))
}
