//! What no single key shows: values that do not go together.

use super::{
    Config,
    sections::{DeliveryMode, Role},
    units::Secret,
};
use clap::ValueEnum;
use lazaret_antivirus::LARGEST_FILE;
use std::collections::BTreeSet;

impl Config {
    /// The first thing that cannot work, with the key to change.
    pub(super) fn check(&self) -> Result<(), String> {
        let antivirus = &self.antivirus;
        if antivirus.max_file.0 > LARGEST_FILE {
            return Err(format!(
                "antivirus.max_file is {}: clamd scans no file of 2 GiB or more; set at most {LARGEST_FILE}",
                antivirus.max_file
            ));
        }
        if self.intake.max_upload > antivirus.max_file {
            return Err(format!(
                "intake.max_upload ({}) is more than antivirus.max_file ({}): what is larger could never be scanned; \
                 lower the one or raise the other",
                self.intake.max_upload, antivirus.max_file
            ));
        }
        if antivirus.max_scan < antivirus.max_file {
            return Err("antivirus.max_scan must be at least antivirus.max_file".into());
        }
        if antivirus.concurrency == 0 {
            return Err("antivirus.concurrency must be at least 1".into());
        }
        for (key, value) in [
            ("depth", u64::from(self.archives.depth)),
            ("members", u64::from(self.archives.members)),
            ("ratio", self.archives.ratio),
        ] {
            if value == 0 {
                return Err(format!("archives.{key} must be at least 1"));
            }
        }
        if self.video.max_gap.0.is_zero() || self.video.near_gap.0.is_zero() {
            return Err("video.max_gap and video.near_gap must be longer than nothing".into());
        }
        if self.video.max_frames == 0 {
            return Err("video.max_frames must be at least 1".into());
        }
        if self.media.files_per_child == 0 {
            return Err("media.files_per_child must be at least 1".into());
        }
        if !(0.0..=1.0).contains(&self.video.near) {
            return Err(format!("video.near is {}: expected a number from 0 to 1", self.video.near));
        }
        if self.video.time > self.video.cpu {
            return Err("video.time must be at most video.cpu, which is the end of the child".into());
        }
        if self.pipeline.attempts == 0 {
            return Err("pipeline.attempts must be at least 1".into());
        }
        if self.pipeline.lease.0.as_secs() < 5 {
            return Err("pipeline.lease must be at least 5s: workers renew it three times in its term".into());
        }
        for off in &self.checks.off {
            if off.because.trim().is_empty() {
                return Err(format!(
                    "checks.off: say why {} is off for {}: because = \"…\"",
                    off.check, off.media_type
                ));
            }
        }
        if !self.watermark.text.is_empty() && !self.watermark.image.as_os_str().is_empty() {
            return Err("watermark.text and watermark.image: a mark is one or the other".into());
        }
        let console = &self.console;
        if console.sessions == 0 {
            return Err("console.sessions must be at least 1".into());
        }
        if console.lease.0.as_secs() < 3 {
            return Err(
                "console.lease must be at least 3s: the page is heard of three times in its term".into()
            );
        }
        let oidc = &console.oidc;
        if !oidc.issuer.is_empty()
            && (oidc.client_id.is_empty() || oidc.client_secret.0.is_empty() || oidc.url.is_empty())
        {
            return Err("console.oidc: with an issuer, set client_id, client_secret and url too".into());
        }
        if !(64..=4096).contains(&console.preview) {
            return Err("console.preview is 64 to 4096 pixels".into());
        }
        if !console.key.0.is_empty() && console.key.0.parse::<Secret>().is_err() {
            return Err("console.key: expected 64 hex digits".into());
        }
        if console.previous_keys.iter().any(|key| key.0.parse::<Secret>().is_err()) {
            return Err("console.previous_keys: expected 64 hex digits each".into());
        }
        if !(0.0..=1.0).contains(&console.care.offer) {
            return Err("console.care.offer is a share, from 0 to 1".into());
        }
        self.check_schemes()?;
        self.check_streams()?;
        self.check_delivery()
    }

    fn check_streams(&self) -> Result<(), String> {
        let streams = &self.streams;
        let rules = streams.rules();
        rules.check().map_err(|why| format!("streams.{why}"))?;
        for own in &streams.tenants {
            rules.tuned(&own.tuning).map_err(|why| format!("streams.tenants: {}: {why}", own.tenant))?;
        }
        if streams.term.0.as_secs() < 2 {
            return Err("streams.term must be at least 2s: it is renewed three times in its term".into());
        }
        if streams.keep.0.as_secs() < 86_400 {
            return Err(
                "streams.keep must be at least 1d: rulings of today are counted and taken back".into()
            );
        }
        if streams.max_open == 0 {
            return Err("streams.max_open must be at least 1".into());
        }
        if !(1..=1000).contains(&streams.evidence) {
            return Err("streams.evidence is 1 to 1000 frames".into());
        }
        if streams.pull_stall.0.as_secs() < 1 || streams.pull_patience < streams.pull_stall {
            return Err("streams.pull_stall must be at least 1s, and at most streams.pull_patience".into());
        }
        if streams.frame_deadline.0.is_zero() || streams.frame_deadline > streams.deadline {
            return Err("streams.frame_deadline must be more than 0, and at most streams.deadline".into());
        }
        Ok(())
    }

    fn check_schemes(&self) -> Result<(), String> {
        let schemes = [
            ("store.url", &self.store.url, &["sqlite:", "postgres://", "postgresql://"][..]),
            ("queue.url", &self.queue.url, &["store:", "amqp://", "amqps://"][..]),
            ("blobs.url", &self.blobs.url, &["file:", "s3://"][..]),
        ];
        for (key, url, known) in schemes {
            if !known.iter().any(|scheme| url.starts_with(scheme)) {
                // What follows the scheme may hold a password.
                let scheme = url.split(':').next().unwrap_or_default();
                return Err(format!(
                    "{key}: expected a URL that begins with {}, got {scheme:?}",
                    known.join(" or ")
                ));
            }
        }
        if self.is_embedded() && self.server.roles.len() < Role::value_variants().len() {
            return Err("server.roles: with store.url = \"sqlite:…\" one process has all roles; several need postgres, \
                        and blobs that all of them reach"
                .into());
        }
        if self.server.roles.is_empty() {
            return Err(
                "server.roles: name at least one of api, worker, streams, delivery, events, console".into()
            );
        }
        if self.delivery.mode == DeliveryMode::Redirect && !self.blobs.url.starts_with("s3:") {
            return Err("delivery.mode: \"redirect\" needs blobs.url = \"s3://…\"".into());
        }
        if self.delivery.redirect_expires.0.as_secs() > 60 {
            return Err(
                "delivery.redirect_expires: at most 60s, for a takedown does not show before it".into()
            );
        }
        if !self.is_embedded() && self.delivery.keys.is_empty() {
            return Err("delivery.keys: several machines sign with shared keys: [delivery.keys] a = \"64 hex digits\"".into());
        }
        self.check_webhooks()
    }

    fn check_webhooks(&self) -> Result<(), String> {
        let mut names = BTreeSet::new();
        for hook in &self.events.webhooks {
            if !names.insert(&hook.name) {
                return Err(format!("events.webhooks: there are two of the name {:?}", hook.name));
            }
            if hook.secrets.is_empty() {
                return Err(format!("events.webhooks: {:?} has no secret", hook.name));
            }
        }
        Ok(())
    }

    fn check_delivery(&self) -> Result<(), String> {
        let delivery = &self.delivery;
        let url = url::Url::parse(&delivery.public_url)
            .map_err(|e| format!("delivery.public_url: expected an http or https URL: {e}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
            return Err("delivery.public_url: expected an http or https URL without query or fragment".into());
        }
        if delivery.expires > delivery.max_expires {
            return Err("delivery.expires is longer than delivery.max_expires".into());
        }
        if !delivery.current.is_empty() && !delivery.keys.contains_key(&delivery.current) {
            return Err(format!(
                "delivery.current: there is no key {:?} under [delivery.keys]",
                delivery.current
            ));
        }
        if delivery.keys.len() > 1 && delivery.current.is_empty() {
            return Err(
                "delivery.current: name the key that signs; there are several under [delivery.keys]".into()
            );
        }
        if let Some(kid) = delivery.keys.keys().find(|kid| !is_key_id(kid)) {
            return Err(format!("delivery.keys: {kid:?}: a key id is 1 to 32 of a-z, A-Z, 0-9, '_' and '-'"));
        }
        Ok(())
    }
}

fn is_key_id(kid: &str) -> bool {
    (1..=32).contains(&kid.len())
        && kid.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}
