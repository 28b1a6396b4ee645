//! The console in a browser that runs no scripts.

use crate::{
    browser::Browser,
    people::{PASSWORD, Visitor},
    wait::until,
    world::World,
};

/// Waits until the page's words hold these.
async fn says(browser: &Browser, words: &str) {
    until(words, async || {
        let text = browser.text("body").await;
        if text.contains(words) { Ok(()) } else { Err(text) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_deciding_undoing_and_deciding_together_work_without_scripts() {
    let world = World::start("[console]\ntotp = false\nundo = \"10m\"\n").await;
    let photo = world.photo("photo.jpg", 3).await;
    let letter = world.letter("letter.pdf").await;
    Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let browser = Browser::without_scripts().await;
    browser.go(&world.url(&format!("/console/items/{photo}"))).await;
    browser.write("input[name=email]", "ann@example.org").await;
    browser.write("input[name=password]", PASSWORD).await;
    browser.click("main form button").await;
    browser.click("#take button").await;
    says(&browser, "Open the picture by itself").await;
    browser.click("input[value='quarantine:spam']").await;
    browser.write("#note", "by hand").await;
    browser.click("#decision button[value=stay]").await;
    says(&browser, "Your decision is stored").await;
    says(&browser, "quarantine: spam").await;
    browser.click("form.undo button").await;
    says(&browser, "Taken back. The item is yours again").await;
    assert_eq!(world.server.show(&photo).await["state"], "in_review");
    browser.click("#leave button").await;
    says(&browser, "Given back to the queue").await;
    for id in [&photo, &letter] {
        browser.click(&format!("input[value='{id}']")).await;
    }
    browser.click("#bulk option[value='quarantine:spam']").await;
    browser.click("#bulk button").await;
    says(&browser, "What will happen to 2").await;
    browser.click("main button.primary").await;
    says(&browser, "Decided together").await;
    browser.click("form.undo button").await;
    says(&browser, "All of it is taken back").await;
    browser.shoot("plain").await;
}
