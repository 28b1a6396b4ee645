//! What is held is veiled, but for as long as somebody holds to see it.

use crate::{browser::Browser, people::arrive, wait::until, world::World};

const LONG: &str = "[console]\ntotp = false\nundo = \"10m\"\n";
const VEILED: &str = "blur(28px) grayscale(1)";
const BUTTON: &str = "#reveal";

/// Waits until the picture is seen so, and the button says the same.
async fn is_seen(browser: &Browser, how: &str) {
    let script = "return [getComputedStyle(document.getElementById('media')).filter, \
                  document.getElementById('reveal').getAttribute('aria-pressed')]";
    let wanted = serde_json::json!([how, (how == "none").to_string()]);
    until(how, async || {
        let seen = browser.eval(script).await;
        if seen == wanted { Ok(()) } else { Err(seen) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_shown_while_the_button_is_held_and_veiled_when_the_window_is_left() {
    let world = World::start(LONG).await;
    let id = world.photo("photo.jpg", 3).await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url(&format!("/console/items/{id}"))).await;
    until("the picture is there", async || {
        let width = browser.eval("return document.getElementById('media').naturalWidth").await;
        if width == 640 { Ok(()) } else { Err(width) }
    })
    .await;
    is_seen(&browser, VEILED).await;
    // By the mouse, or a finger.
    browser.grab(BUTTON).await;
    is_seen(&browser, "none").await;
    browser.release().await;
    is_seen(&browser, VEILED).await;
    // By the space bar, for who comes there by keyboard.
    browser.eval("document.getElementById('reveal').focus()").await;
    browser.hold(" ").await;
    is_seen(&browser, "none").await;
    browser.let_go(" ").await;
    is_seen(&browser, VEILED).await;
    // Whoever goes to another window is not told of a key that is let go there.
    browser.eval("document.getElementById('reveal').blur()").await;
    browser.hold("v").await;
    is_seen(&browser, "none").await;
    browser.eval("window.dispatchEvent(new Event('blur'))").await;
    is_seen(&browser, VEILED).await;
    browser.let_go("v").await;
    is_seen(&browser, VEILED).await;
    // Nor of one that leaves the button while it is held.
    browser.eval("document.getElementById('reveal').focus()").await;
    browser.hold(" ").await;
    is_seen(&browser, "none").await;
    browser.eval("document.getElementById('reveal').blur()").await;
    is_seen(&browser, VEILED).await;
    browser.let_go(" ").await;
}
