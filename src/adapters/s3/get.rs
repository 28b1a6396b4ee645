//! One object on its way out of the bucket. A transfer that breaks goes on where it stopped, as long as the object is
//! the one that it was: the same version where the store keeps versions, else the same tag and size. That is a guard
//! against mixing two objects, and no proof: the pipeline hashes what it opens.

use super::error::{failed, is_missing, status};
use crate::ports::{Kind, PortError, Result, blobs::short};
use aws_sdk_s3::{Client, operation::get_object::GetObjectOutput, primitives::ByteStream};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use std::{ops::Range, time::Duration};
use tokio::time::{sleep, timeout};

/// A transfer without a byte for this long is broken.
const STALL: Duration = Duration::from_secs(20);
/// How often a transfer goes on without [`PROGRESS`] in between.
const RESUMES: u32 = 5;
/// Bytes that make up for a break.
const PROGRESS: u64 = 1 << 20;
const PAUSE: Duration = Duration::from_millis(100);

/// Which object.
#[derive(Clone)]
pub(super) struct Origin {
    pub client: Client,
    pub bucket: String,
    pub name: String,
    pub version: Option<String>,
}

/// An object that is being read.
pub(super) struct Download {
    origin: Origin,
    tag: Option<String>,
    /// Bytes of the whole object.
    pub size: u64,
    pub media_type: Option<String>,
    next: u64,
    end: u64,
    body: ByteStream,
    resumes: u32,
    since_break: u64,
}

impl Origin {
    /// `None` where there is no such object. `range` is not empty.
    pub async fn open(mut self, range: Option<Range<u64>>) -> Result<Option<Download>> {
        let header = range.as_ref().map(bytes_header);
        let sent = self.get().set_range(header).send().await;
        let output = match sent {
            Ok(output) => output,
            Err(error) if is_missing(&error) => return Ok(None),
            // Names of versions that cannot be, and versions that say that the object was deleted.
            Err(error) if self.version.is_some() && matches!(status(&error), 400 | 405) => return Ok(None),
            Err(error) => return Err(failed(&self.what(), error)),
        };
        let (sent, size) = extent(&output).ok_or_else(|| self.odd("it did not say how long it is"))?;
        let range = range.unwrap_or(0..size);
        if range.end > size {
            return Err(short(&self.name, &range, size));
        }
        if sent != range {
            return Err(self.odd("other bytes came than were asked for"));
        }
        if self.version.is_none() {
            self.version = output.version_id.filter(|version| version != "null");
        }
        Ok(Some(Download {
            origin: self,
            tag: output.e_tag,
            size,
            media_type: output.content_type,
            next: range.start,
            end: range.end,
            body: output.body,
            resumes: 0,
            since_break: 0,
        }))
    }

    /// Bytes of the object, if it is there.
    pub async fn size(&self) -> Result<Option<u64>> {
        let head = self.client.head_object().bucket(&self.bucket).key(&self.name);
        match head.set_version_id(self.version.clone()).send().await {
            Ok(head) => Ok(head.content_length.and_then(|length| u64::try_from(length).ok())),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(failed(&self.what(), error)),
        }
    }

    fn get(&self) -> aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder {
        self.client.get_object().bucket(&self.bucket).key(&self.name).set_version_id(self.version.clone())
    }

    fn what(&self) -> String {
        format!("reading {}", self.name)
    }

    fn odd(&self, why: &str) -> PortError {
        PortError::new(Kind::Retry, format!("{}: {why}", self.what()))
    }
}

impl Download {
    /// The next bytes; `None` after the last that was asked for.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            if self.next == self.end {
                return Ok(None);
            }
            let broken = match timeout(STALL, self.body.next()).await {
                Ok(Some(Ok(bytes))) => {
                    self.next += bytes.len() as u64;
                    self.since_break += bytes.len() as u64;
                    if self.next > self.end {
                        return Err(self.origin.odd("more bytes came than were asked for"));
                    }
                    return Ok(Some(bytes));
                }
                Ok(Some(Err(error))) => PortError::new(Kind::Retry, self.origin.what()).because(error),
                Ok(None) => self.origin.odd("it ended early"),
                Err(_) => self.origin.odd("no bytes came for a while"),
            };
            self.resume(broken).await?;
        }
    }

    pub fn into_stream(self) -> BoxStream<'static, Result<Bytes>> {
        let step = async |mut download: Self| Ok(download.next().await?.map(|bytes| (bytes, download)));
        stream::try_unfold(self, step).boxed()
    }

    async fn resume(&mut self, broken: PortError) -> Result<()> {
        if self.since_break >= PROGRESS {
            self.resumes = 0;
        }
        self.since_break = 0;
        let can_tell_others = self.tag.is_some() || self.origin.version.is_some();
        if self.resumes == RESUMES || !can_tell_others {
            return Err(broken);
        }
        sleep(PAUSE * 2_u32.pow(self.resumes)).await;
        self.resumes += 1;
        let rest = self.next..self.end;
        let get = self.origin.get().range(bytes_header(&rest)).set_if_match(self.tag.clone());
        let output = match get.send().await {
            Ok(output) => output,
            Err(error) if is_missing(&error) || status(&error) == 412 => {
                return Err(self.origin.odd("the object changed while it was read"));
            }
            Err(error) => return Err(failed(&self.origin.what(), error)),
        };
        // Not every server heeds If-Match.
        if output.e_tag != self.tag || extent(&output) != Some((rest, self.size)) {
            return Err(self.origin.odd("the object changed while it was read"));
        }
        self.body = output.body;
        Ok(())
    }
}

fn bytes_header(range: &Range<u64>) -> String {
    format!("bytes={}-{}", range.start, range.end.saturating_sub(1))
}

/// Which bytes come, and of how many.
fn extent(output: &GetObjectOutput) -> Option<(Range<u64>, u64)> {
    let length = u64::try_from(output.content_length?).ok()?;
    let Some(text) = &output.content_range else { return Some((0..length, length)) };
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let range = first..last.checked_add(1)?;
    (range.end.checked_sub(range.start)? == length).then_some((range, size.parse().ok()?))
}
