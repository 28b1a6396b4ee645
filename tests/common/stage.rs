//! The pipeline's part, played by the test: uploads are claimed and settled through the store.

use super::TestApp;
use lazaret::{
    ports::{blobs::Zone, store::Settlement},
    upload::{
        Decision, UploadId,
        rendition::{Rendition, RenditionName},
        verdict::{CheckDetail, FindingDetail, PolicyVersion, TypeDetail, VerdictDetail},
    },
};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, io::Write, time::Duration};

/// A rendition to publish.
pub struct Copy<'a> {
    pub name: RenditionName,
    pub media_type: &'a str,
    pub bytes: &'a [u8],
}

pub fn original<'a>(media_type: &'a str, bytes: &'a [u8]) -> Copy<'a> {
    Copy { name: RenditionName::Original, media_type, bytes }
}

impl TestApp {
    pub async fn publish(&self, id: &str, copies: &[Copy<'_>]) {
        let mut renditions = Vec::new();
        for copy in copies {
            let key = format!("{id}/{}", copy.name);
            let mut spool = self.api.blobs.spool().await.unwrap();
            spool.write_all(copy.bytes).unwrap();
            self.api.blobs.put(Zone::Published, &key, &spool).await.unwrap();
            renditions.push(Rendition {
                name: copy.name,
                key,
                media_type: copy.media_type.to_owned(),
                sha256: lazaret::hex(&Sha256::digest(copy.bytes)),
                size: copy.bytes.len() as u64,
                width: copy.media_type.starts_with("image/").then_some(640),
                height: copy.media_type.starts_with("image/").then_some(480),
            });
        }
        self.settle(id, Decision::Publish, renditions).await;
    }

    pub async fn settle(&self, id: &str, verdict: Decision, renditions: Vec<Rendition>) {
        let id: UploadId = id.parse().unwrap();
        let now = self.api.clock.now();
        let lease = self.api.store.claim(id, "test", now, Duration::from_secs(60)).await.unwrap().unwrap();
        let settlement = Settlement { verdict: detail(&lease.upload, verdict), renditions, at: now };
        self.api.store.settle(&lease, &settlement).await.unwrap().unwrap();
        self.api.settled.notify(id);
    }

    /// Uploads and publishes these bytes; gives the id and the path and query of a URL that is good for ten minutes.
    pub async fn published(&self, media_type: &str, bytes: &[u8]) -> (String, String) {
        let id = self.upload(b"whatever the sender sent").await;
        self.publish(&id, &[original(media_type, bytes)]).await;
        let target = self.mint(&id, "original").await;
        (id, target)
    }

    pub async fn mint(&self, id: &str, rendition: &str) -> String {
        let body = serde_json::json!({"rendition": rendition, "expires_in": "10m"});
        let response = self.post(&format!("/v1/uploads/{id}/urls")).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 201);
        let url = super::json(response).await["url"].as_str().unwrap().to_owned();
        url.strip_prefix(&self.url("")).unwrap().to_owned()
    }
}

fn detail(upload: &lazaret::ports::store::Upload, verdict: Decision) -> VerdictDetail {
    let flagged = verdict != Decision::Publish;
    VerdictDetail {
        verdict,
        sha256: upload.sha256.clone(),
        size: upload.size,
        r#type: TypeDetail { media_type: "image/jpeg".into(), declared: upload.declared.clone() },
        reasons: vec![if flagged { "antivirus.infected".into() } else { "rule.clean".into() }],
        second: false,
        findings: Vec::from_iter(flagged.then(|| FindingDetail {
            check: "antivirus".into(),
            code: "antivirus.infected".into(),
            detail: "Eicar-Test-Signature".into(),
            score: None,
            evidence: None,
            regions: Vec::new(),
        })),
        checks: vec![CheckDetail {
            check: "antivirus".into(),
            engine: Some("clamav".into()),
            version: Some("1.4.6/27500/2026-11-20".into()),
            coverage: "complete".into(),
            why: None,
        }],
        labels: BTreeMap::from([("nsfw-mobilenet-v2.neutral".into(), 0.5)]),
        film: None,
        picture: None,
        perceptual_hash: None,
        policy: Some(PolicyVersion { version: 1, digest: "0".repeat(64) }),
    }
}
