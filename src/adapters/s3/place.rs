//! Names of objects, and the client that reaches them.
//!
//! ```text
//! <prefix>/held/<upload>
//! <prefix>/published/<upload>/…
//! <prefix>/incoming/<upload>       what a sender put by itself
//! ```

use super::options::Options;
use crate::{
    adapters::keys::CheckedKey,
    ports::{Kind, PortError, Result, blobs::Zone},
    upload::UploadId,
};
use aws_sdk_s3::{
    Client,
    config::{
        BehaviorVersion, Config, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
        retry::RetryConfig, timeout::TimeoutConfig,
    },
};
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(5);
/// The answer's head, once a request is sent.
const ANSWER: Duration = Duration::from_secs(30);
/// One try of a call, a part of 8 MiB on its way out included.
const TRY: Duration = Duration::from_secs(60);
const TRIES: u32 = 4;

pub(super) struct Layout {
    pub bucket: String,
    /// Empty, or ends in `/`.
    prefix: String,
}

impl Layout {
    pub fn new(options: &Options) -> Self {
        let prefix = options.prefix.trim_matches('/');
        let slash = if prefix.is_empty() { "" } else { "/" };
        Self { bucket: options.bucket.clone(), prefix: format!("{prefix}{slash}") }
    }

    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What the names of all objects in the zone begin with.
    pub fn zone(&self, zone: Zone) -> String {
        let name = match zone {
            Zone::Held => "held",
            Zone::Published => "published",
        };
        format!("{}{name}/", self.prefix)
    }

    pub fn object(&self, zone: Zone, key: &CheckedKey) -> String {
        self.zone(zone) + key.as_str()
    }

    pub fn all_incoming(&self) -> String {
        format!("{}incoming/", self.prefix)
    }

    pub fn incoming(&self, id: UploadId) -> String {
        format!("{}{id}", self.all_incoming())
    }

    /// Does this name lie where only Lazaret itself has business?
    pub fn is_ours(&self, bucket: &str, name: &str) -> bool {
        let zones = [self.zone(Zone::Held), self.zone(Zone::Published), self.all_incoming()];
        bucket == self.bucket && zones.iter().any(|zone| name.starts_with(zone.as_str()))
    }
}

/// Nothing is sent yet.
pub(super) fn client(options: &Options) -> Result<Client> {
    let (Some(access), Some(secret)) = (&options.access_key, &options.secret_key) else {
        let what = "no credentials for blobs.url: set blobs.access_key and blobs.secret_key, or AWS_ACCESS_KEY_ID \
                    and AWS_SECRET_ACCESS_KEY";
        return Err(PortError::new(Kind::Fail, what));
    };
    let token = options.session_token.as_ref().map(|token| token.reveal().to_owned());
    let credentials = Credentials::new(access, secret.reveal(), token, None, "lazaret");
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(ANSWER)
        .operation_attempt_timeout(TRY)
        .operation_timeout(TRY * TRIES)
        .build();
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(options.region.clone()))
        .credentials_provider(credentials)
        .force_path_style(options.path_style)
        .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
        .timeout_config(timeouts)
        // What is more breaks presigned URLs, and servers that know no trailing checksums.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Some(endpoint) = &options.endpoint {
        config = config.endpoint_url(endpoint);
    }
    Ok(Client::from_conf(config.build()))
}
