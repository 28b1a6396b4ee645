//! What backends and buckets enqueue about a bucket of their own.

use crate::{server::Server, site::Site, wait::until};
use serde_json::{Value, json};

/// A bucket of tenants, which the settings name for them.
pub struct Senders {
    pub site: Site,
    pub bucket: String,
    settings: String,
}

impl Senders {
    /// Below `new/` the bucket is `acme`'s.
    pub fn new() -> Self {
        Self::with("", &[("acme", "new/")])
    }

    /// With these settings of the site, and whose what is: tenants and prefixes.
    pub fn with(settings: &str, places: &[(&str, &str)]) -> Self {
        let site = Site::new(settings);
        let bucket = site.backing.s3.bucket();
        let senders = Self { site, bucket, settings: settings.to_owned() };
        senders.owns(places);
        senders
    }

    pub fn owns(&self, places: &[(&str, &str)]) {
        let source = |(tenant, prefix): &(&str, &str)| {
            format!(
                "[[intake.sources]]\ntenant = \"{tenant}\"\nbucket = \"{}\"\nprefix = \"{prefix}\"\n",
                self.bucket
            )
        };
        let sources: String = places.iter().map(source).collect();
        self.site.configure(&format!("{}\n{sources}", self.settings));
    }

    pub fn put(&self, key: &str, bytes: &[u8]) {
        self.site.backing.s3.tamper(&self.bucket, key, bytes);
    }

    pub fn event(&self, id: &str, key: &str, external: &str) -> Value {
        json!({
            "specversion": "1.0", "type": "io.lazaret.upload.submitted.v1", "source": "/shop", "id": id,
            "data": {
                "source": {"url": format!("s3://{}/{key}", self.bucket)},
                "filename": "letter.txt", "external_id": external,
            },
        })
    }

    pub fn notice(&self, key: &str, size: usize) -> Value {
        json!({"Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "eventTime": "2026-11-20T10:00:00.000Z", "awsRegion": "us-west-2",
            "s3": {
                "s3SchemaVersion": "1.0", "bucket": {"name": self.bucket},
                "object": {"key": key, "size": size, "sequencer": "0055AED6DCD90281E5"},
            },
        }]})
    }
}

/// Waits until so many messages had this outcome.
pub async fn taken(server: &Server, outcome: &str, count: u64) {
    let name = format!("lazaret_submissions_total{{outcome=\"{outcome}\"}}");
    until(&format!("{name} {count}"), async || {
        if figure(server, &name).await == count { Ok(()) } else { Err(server.log().last().cloned()) }
    })
    .await;
}

/// A figure of `/metrics`; all of that name together, where its labels are not said.
pub async fn figure(server: &Server, name: &str) -> u64 {
    let text = server.client.get(format!("{}/metrics", server.url)).send().await.unwrap();
    let text = text.text().await.unwrap();
    let values = text.lines().filter_map(|line| {
        let (said, value) = line.rsplit_once(' ')?;
        (said == name || said.strip_prefix(name)?.starts_with('{')).then(|| value.parse::<u64>().unwrap())
    });
    values.sum()
}
