//! Files that lie in somebody's bucket, to be fetched once; and the buckets' own ways in and out.

use super::Result;
use crate::upload::UploadId;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use jiff::Timestamp;
use std::time::Duration;

/// One object as its owner names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
}

impl ObjectRef {
    /// `s3://bucket/key`. The key is taken as it stands: nothing in it is decoded.
    pub fn from_url(url: &str, version_id: Option<String>) -> Option<Self> {
        let (bucket, key) = url.strip_prefix("s3://")?.split_once('/')?;
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        (!bucket.is_empty() && !key.is_empty()).then_some(Self { bucket, key, version_id })
    }
}

/// An object that is being read.
pub struct Object {
    /// Bytes, as the store says before the first one comes.
    pub size: u64,
    pub media_type: Option<String>,
    pub bytes: BoxStream<'static, Result<Bytes>>,
}

#[async_trait]
pub trait Sources: Send + Sync + 'static {
    /// Opens the object. `None` where there is no such object or version.
    async fn open(&self, object: &ObjectRef) -> Result<Option<Object>>;
}

/// Uploads that senders put into the store by themselves, below `incoming/`.
#[async_trait]
pub trait Direct: Send + Sync + 'static {
    /// A URL to PUT exactly `size` bytes to, good for `expires`; the headers that must be sent with it.
    async fn presign_put(&self, id: UploadId, size: u64, expires: Duration) -> Result<PresignedPut>;
    /// What was put; `None` where nothing was yet.
    async fn incoming(&self, id: UploadId) -> Result<Option<Object>>;
    /// Forgets it; not an error where there is nothing.
    async fn forget(&self, id: UploadId) -> Result<()>;
    /// Forgets all that were put before then: for the sweep. Returns how many.
    async fn forget_before(&self, time: Timestamp) -> Result<u64>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresignedPut {
    pub url: String,
    pub headers: Vec<(String, String)>,
}
