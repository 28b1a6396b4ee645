//! What a backend does with the API.

use crate::{server::Server, wait::until};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub fn sha256(bytes: &[u8]) -> String {
    lazaret::hex(&Sha256::digest(bytes))
}

impl Server {
    /// A request to send `bytes`, for a test to add to.
    pub fn post(&self, name: &str, bytes: &[u8]) -> RequestBuilder {
        let url = format!("{}/v1/uploads?filename={name}", self.url);
        self.client.post(url).bearer_auth(&self.key).body(bytes.to_vec())
    }

    /// Sends `bytes`, which must be accepted, and gives the upload's id.
    pub async fn upload(&self, name: &str, bytes: &[u8]) -> String {
        accepted(self.post(name, bytes).send().await.unwrap()).await
    }

    pub async fn show(&self, id: &str) -> Value {
        let request = self.client.get(format!("{}/v1/uploads/{id}", self.url)).bearer_auth(&self.key);
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    /// The upload, once it is settled.
    pub async fn settled(&self, id: &str) -> Value {
        until("the upload is settled", async || {
            let url = format!("{}/v1/uploads/{id}?wait=5s", self.url);
            let answer = self.client.get(url).bearer_auth(&self.key).send().await.unwrap();
            let upload: Value = answer.error_for_status().unwrap().json().await.unwrap();
            if upload["settled_at"].is_string() { Ok(upload) } else { Err(upload) }
        })
        .await
    }

    /// Sends `bytes` and waits for what becomes of them.
    pub async fn verdict_on(&self, name: &str, bytes: &[u8]) -> Value {
        let id = self.upload(name, bytes).await;
        self.settled(&id).await
    }

    /// Why the upload waits, once it says this word of it.
    pub async fn waiting(&self, id: &str, word: &str) -> String {
        until("the upload waits", async || {
            let upload = self.show(id).await;
            assert!(!upload["settled_at"].is_string(), "it was to wait: {upload}");
            let why = upload["waiting_for"].as_str().filter(|why| why.contains(word));
            why.map(str::to_owned).ok_or_else(|| upload.clone())
        })
        .await
    }

    /// All uploads there are.
    pub async fn list(&self) -> Vec<Value> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let url = format!("{}/v1/uploads?limit=200{cursor}", self.url);
            let answer = self.client.get(url).bearer_auth(&self.key).send().await.unwrap();
            let page: Value = answer.error_for_status().unwrap().json().await.unwrap();
            all.extend(page["uploads"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }

    pub async fn mint(&self, id: &str, rendition: &str) -> Response {
        let url = format!("{}/v1/uploads/{id}/urls", self.url);
        let body = json!({"rendition": rendition, "expires_in": "10m"});
        self.client.post(url).bearer_auth(&self.key).json(&body).send().await.unwrap()
    }

    /// A signed URL, here: it was minted for the public host.
    pub async fn signed_url(&self, id: &str, rendition: &str) -> String {
        let answer = self.mint(id, rendition).await;
        assert_eq!(answer.status(), 201);
        let minted: Value = answer.json().await.unwrap();
        let (_, target) = minted["url"].as_str().unwrap().split_once("/f/").unwrap();
        format!("{}/f/{target}", self.url)
    }

    pub async fn fetch(&self, url: &str) -> (u16, Vec<u8>) {
        let answer = self.client.get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
    }

    pub async fn erase(&self, id: &str) {
        let request = self.client.delete(format!("{}/v1/uploads/{id}", self.url)).bearer_auth(&self.key);
        assert_eq!(request.send().await.unwrap().status(), 204);
    }
}

/// The id out of a 202.
pub async fn accepted(answer: Response) -> String {
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, 202, "{text}");
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["state"], "received");
    body["id"].as_str().unwrap().to_owned()
}

/// The coverage of one check, and why it is not complete.
pub fn coverage<'a>(detail: &'a Value, check: &str) -> (&'a str, &'a str) {
    let checks = detail["checks"].as_array().unwrap();
    let found = checks.iter().find(|c| c["check"] == check).unwrap_or_else(|| panic!("no {check}: {detail}"));
    (found["coverage"].as_str().unwrap(), found["why"].as_str().unwrap_or_default())
}

pub fn has_reason(detail: &Value, reason: &str) -> bool {
    detail["reasons"].as_array().unwrap().iter().any(|r| r == reason)
}
