//! A bucket, the way to it, and what the tests ask of both.

use crate::{
    common::TestApp,
    proxy::Proxy,
    server::{ACCESS_KEY, S3Server, SECRET_KEY, s3_url},
};
use lazaret::{
    adapters::s3::{Options, S3},
    http::Api,
    intake::source::{Fetching, SourceRule, SourceRules},
    ports::{
        Blobs,
        blobs::{Reading, Zone},
    },
};
use std::{
    fs::File,
    io::{Read, Write},
    sync::Arc,
};
use tempfile::TempDir;

pub struct Place {
    pub server: S3Server,
    pub proxy: Proxy,
    pub bucket: String,
    pub spool: TempDir,
}

impl Place {
    pub async fn new() -> Self {
        let server = S3Server::start().await;
        let proxy = Proxy::start(server.address).await;
        let bucket = server.bucket();
        Self { server, proxy, bucket, spool: tempfile::tempdir().unwrap() }
    }

    /// Through the proxy.
    pub fn options(&self) -> Options {
        let url = s3_url(&self.bucket, self.proxy.address);
        let mut options = Options::from_url(&url, self.spool.path()).unwrap();
        options.access_key = Some(ACCESS_KEY.to_owned());
        options.secret_key = Some(SECRET_KEY.to_owned().into());
        options
    }

    pub async fn s3(&self) -> Arc<S3> {
        Arc::new(S3::open(self.options()).await.unwrap())
    }

    /// Another process, whose connections nobody breaks.
    pub async fn s3_past_the_proxy(&self) -> S3 {
        let endpoint = Some(format!("http://{}", self.server.address));
        S3::open(Options { endpoint, ..self.options() }).await.unwrap()
    }

    pub fn objects(&self) -> Vec<(String, u64)> {
        self.server.objects(&self.bucket)
    }

    /// The HTTP face on this bucket. `acme` owns all of the bucket `source`, where there is one.
    pub async fn app(&self, source: Option<&str>, change: impl FnOnce(&mut Api)) -> TestApp {
        let s3 = self.s3().await;
        let rule = |bucket: &str| SourceRule {
            tenant: "acme".parse().unwrap(),
            bucket: bucket.to_owned(),
            prefix: String::new(),
            amqp_user: None,
        };
        let rules = SourceRules::new(source.into_iter().map(rule).collect()).unwrap();
        TestApp::start_with(|api| {
            api.blobs = s3.clone();
            api.limits.max_upload_bytes = 64 << 20;
            api.remote.direct = Some(s3.clone());
            api.remote.fetching = Some(Fetching {
                sources: s3.clone(),
                blobs: s3.clone(),
                rules: Arc::new(rules),
                max_bytes: api.limits.max_upload_bytes,
                reserve_bytes: 0,
            });
            change(api);
        })
        .await
    }
}

/// Bytes without a pattern that parts or chunks could share.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

pub async fn spool(s3: &S3, bytes: &[u8]) -> File {
    let mut spool = s3.spool().await.unwrap();
    spool.write_all(bytes).unwrap();
    spool
}

pub async fn get(s3: &S3, zone: Zone, key: &str) -> lazaret::ports::Result<Option<Vec<u8>>> {
    let Some(mut file) = Blobs::open(s3, zone, key).await? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    Ok(Some(bytes))
}

pub fn stream(
    reading: Option<Reading>,
) -> futures_util::stream::BoxStream<'static, lazaret::ports::Result<bytes::Bytes>> {
    match reading {
        Some(Reading::Stream { bytes, .. }) => bytes,
        _ => panic!("S3 gives a stream"),
    }
}
