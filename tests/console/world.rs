//! A service whose tenant `acme` sends everything to review, with people who look at it.

use crate::{server::Server, site::Site, wait::until};
use lazaret_fixtures::{document, picture};

pub struct World {
    pub site: Site,
    pub server: Server,
}

const EVERYTHING: &str = "[[rule]]\nname = \"look\"\nabout = \"people look at everything\"\nwhen = \"true\"\nverdict = \"review\"\n";

impl World {
    pub async fn start(settings: &str) -> Self {
        let site = Site::new(settings);
        let policy = site.write("policy.toml", EVERYTHING.as_bytes());
        let server = Server::start(&site).await;
        let apply = ["policy", "apply", policy.to_str().unwrap(), "--tenant", "acme"];
        // Its engines come up meanwhile.
        let (applied, ()) = tokio::join!(site.run(&apply), server.until_ready());
        assert_eq!(applied.code(), 0, "{applied:?}");
        Self { site, server }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url)
    }

    /// A picture, in review.
    pub async fn photo(&self, name: &str, seed: u32) -> String {
        let bytes = picture::jpeg(&picture::landscape(640, 480, seed), 85);
        self.in_review(name, &bytes).await
    }

    /// A document whose pictures nobody takes out: there is a gap.
    pub async fn letter(&self, name: &str) -> String {
        self.in_review(name, &document::pdf()).await
    }

    pub async fn in_review(&self, name: &str, bytes: &[u8]) -> String {
        let upload = self.server.verdict_on(name, bytes).await;
        assert_eq!(upload["state"], "in_review", "{upload}");
        upload["id"].as_str().unwrap().to_owned()
    }

    /// What a user says of an upload, through the application.
    pub async fn says(&self, id: &str, what: &str, body: serde_json::Value) -> u16 {
        let sent = self.server.client.post(self.url(&format!("/v1/uploads/{id}/{what}")));
        let sent = sent.bearer_auth(&self.server.key).json(&body).send().await.unwrap();
        sent.status().as_u16()
    }

    /// Waits until the upload is so.
    pub async fn becomes(&self, id: &str, wanted: &str) -> serde_json::Value {
        until(wanted, async || {
            let upload = self.server.show(id).await;
            if upload["state"] == wanted { Ok(upload) } else { Err(upload) }
        })
        .await
    }

    /// A new account's one-time link, as a path.
    pub async fn invite(&self, email: &str, role: &str, tenants: &str) -> String {
        self.invite_to(email, role, tenants, "*").await
    }

    /// Of somebody who sees these queues alone.
    pub async fn invite_to(&self, email: &str, role: &str, tenants: &str, queues: &str) -> String {
        let words =
            ["user", "add", email, "--role", role, "--tenants", tenants, "--queues", queues, "--json"];
        let made = self.site.run(&words).await;
        assert_eq!(made.code(), 0, "{made:?}");
        let link = made.json()[0]["link"].as_str().unwrap().to_owned();
        link[link.find("/console").unwrap()..].to_owned()
    }
}
