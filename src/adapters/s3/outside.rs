//! Objects that others wrote: in buckets of their own, or by a signed URL below `incoming/`.

use super::{S3, error::failed, get::Origin, list, presigning, put::signed};
use crate::{
    ports::{
        Direct, Result, Sources,
        sources::{Object, ObjectRef, PresignedPut},
    },
    upload::UploadId,
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::time::Duration;

#[async_trait]
impl Sources for S3 {
    /// What Lazaret itself keeps is no source, whatever the rules say: it may be quarantined, and another tenant's.
    async fn open(&self, object: &ObjectRef) -> Result<Option<Object>> {
        let ObjectRef { bucket, key, version_id } = object;
        if self.layout.is_ours(bucket, key) {
            return Ok(None);
        }
        read(Origin {
            client: self.client.clone(),
            bucket: bucket.clone(),
            name: key.clone(),
            version: version_id.clone(),
        })
        .await
    }
}

#[async_trait]
impl Direct for S3 {
    async fn presign_put(&self, id: UploadId, size: u64, expires: Duration) -> Result<PresignedPut> {
        let put = self.client.put_object().bucket(&self.layout.bucket).key(self.layout.incoming(id));
        let put = put.content_length(signed(size)?);
        let request = put.presigned(presigning(expires)?).await.map_err(|e| failed("signing a URL", e))?;
        let headers = request.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(PresignedPut { headers: headers.collect(), url: request.uri().to_owned() })
    }

    async fn incoming(&self, id: UploadId) -> Result<Option<Object>> {
        read(self.origin(self.layout.incoming(id))).await
    }

    async fn forget(&self, id: UploadId) -> Result<()> {
        self.remove_named(&self.layout.incoming(id)).await
    }

    async fn forget_before(&self, time: Timestamp) -> Result<u64> {
        let names = list::older(self, &self.layout.all_incoming(), time).await?;
        for name in &names {
            self.remove_named(name).await?;
        }
        Ok(names.len() as u64)
    }
}

async fn read(origin: Origin) -> Result<Option<Object>> {
    let Some(download) = origin.open(None).await? else { return Ok(None) };
    let (size, media_type) = (download.size, download.media_type.clone());
    Ok(Some(Object { size, media_type, bytes: download.into_stream() }))
}
