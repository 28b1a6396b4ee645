//! A service whose tenant sends everything to review, with people who look at it.

use crate::{server::Server, site::Site};
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
        let server = Server::ready(&site).await;
        for tenant in ["acme", "globex"] {
            let applied = site.run(&["policy", "apply", policy.to_str().unwrap(), "--tenant", tenant]).await;
            assert_eq!(applied.code(), 0, "{applied:?}");
        }
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

    /// A new account's one-time link, as a path.
    pub async fn invite(&self, email: &str, role: &str, tenants: &str) -> String {
        let made =
            self.site.run(&["user", "add", email, "--role", role, "--tenants", tenants, "--json"]).await;
        assert_eq!(made.code(), 0, "{made:?}");
        let link = made.json()[0]["link"].as_str().unwrap().to_owned();
        link[link.find("/console").unwrap()..].to_owned()
    }
}
