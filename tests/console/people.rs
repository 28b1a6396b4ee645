//! Somebody at the console, with a browser or without.

use crate::{browser::Browser, world::World};
use lazaret::{
    access::totp,
    ports::{Clock, clock::SystemClock},
};
use std::time::Duration;

pub use crate::visitor::{PASSWORD, Visitor, field, location};

impl Visitor {
    pub fn new(world: &World) -> Self {
        Self::at(&world.server.url)
    }

    /// As [`Visitor::by_link`].
    pub async fn arrive(world: &World, email: &str, role: &str, tenants: &str) -> Self {
        Self::arrive_at(world, email, role, tenants, "*").await
    }

    pub async fn arrive_at(world: &World, email: &str, role: &str, tenants: &str, queues: &str) -> Self {
        let link = world.invite_to(email, role, tenants, queues).await;
        Self::by_link(&world.server.url, &link).await
    }
}

/// In a browser, by link, password and authenticator; gives the authenticator's secret, in hex, and the code that was used.
pub async fn enrol(browser: &Browser, world: &World, email: &str, role: &str) -> (String, String) {
    let link = world.invite(email, role, "*").await;
    browser.go(&world.url(&link)).await;
    browser.click("main form button").await;
    browser.shows("Choose a password").await;
    browser.write("input[name=new]", PASSWORD).await;
    browser.write("input[name=again]", PASSWORD).await;
    browser.click("main form button").await;
    browser.shows("Scan this").await;
    let secret = browser.eval("return document.querySelector('input[name=secret]').value").await;
    let secret = secret.as_str().unwrap().to_owned();
    browser.shoot("totp").await;
    let used = code(&secret);
    browser.write("input[name=code]", &used).await;
    browser.click("main form button").await;
    browser.shows("Backup codes").await;
    (secret, used)
}

fn code(secret: &str) -> String {
    totp::code_now(secret, SystemClock.now()).unwrap()
}

/// Of a clock that is half a minute ahead: good, and not the one that was used just now.
pub fn next_code(secret: &str) -> String {
    totp::code_now(secret, SystemClock.now() + Duration::from_secs(30)).unwrap()
}

/// In a browser, where no second factor is asked for.
pub async fn arrive(browser: &Browser, world: &World, email: &str, role: &str) {
    let link = world.invite(email, role, "*").await;
    browser.go(&world.url(&link)).await;
    browser.click("main form button").await;
    browser.shows("Choose a password").await;
    browser.write("input[name=new]", PASSWORD).await;
    browser.write("input[name=again]", PASSWORD).await;
    browser.click("main form button").await;
    browser.shows("Sessions").await;
}

/// In a browser, on the page of an item that they have in hand.
pub async fn with_item(world: &World, email: &str, id: &str) -> Browser {
    let browser = Browser::start().await;
    arrive(&browser, world, email, "moderator").await;
    browser.go(&world.url(&format!("/console/items/{id}"))).await;
    browser.click("#take button").await;
    browser.element("#decision[data-holds]").await;
    browser
}
