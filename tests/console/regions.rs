//! Where in a picture something was seen, drawn on it.

use crate::{browser::Browser, detector, people::arrive, server::Server, wait::until, world::World};
use lazaret_fixtures::picture;
use serde_json::json;

/// What is drawn, in parts of what it is drawn on: from the left, from the top, width and height.
const DRAWN: &str = "const on = document.querySelector('#media').getBoundingClientRect(); \
    return [...document.querySelectorAll('.drawn .spot')].map(spot => { \
        const at = spot.getBoundingClientRect(); \
        return [(at.x - on.x) / on.width, (at.y - on.y) / on.height, at.width / on.width, at.height / on.height] \
            .map(part => Math.round(part * 20) / 20); })";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_finding_is_is_drawn_on_the_picture_while_it_is_blurred() {
    let site = detector::site("[console]\ntotp = false\n");
    let server = Server::ready(&site).await;
    let applied = site.run(&["policy", "apply", "policy.toml", "--tenant", "acme"]).await;
    assert_eq!(applied.code(), 0, "{applied:?}");
    let world = World { site, server };
    // The two corners below are red, and it is told of each.
    let mut spotted = picture::landscape(640, 480, 3);
    for (x, y, pixel) in spotted.enumerate_pixels_mut() {
        match (y >= 240, (240..400).contains(&x)) {
            (true, false) => *pixel = [250, 8, 8].into(),
            (true, true) => {}
            (false, _) => *pixel = [8, 40, 60].into(),
        }
    }
    let id = world.in_review("spots.jpg", &picture::jpeg(&spotted, 90)).await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url(&format!("/console/items/{id}"))).await;
    let drawn = until("the picture is shown", async || {
        let wide = browser.eval("return document.querySelector('#media').naturalWidth").await;
        if wide.as_u64() > Some(0) { Ok(browser.eval(DRAWN).await) } else { Err(wide) }
    })
    .await;
    assert_eq!(drawn, json!([[0, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5]]));
    let veil = "return getComputedStyle(document.querySelector('#media')).filter";
    assert!(browser.eval(veil).await.as_str().unwrap().contains("blur"));
    // In words as well, for who does not see it.
    browser.shows("50–100 % from the left, 50–100 % from the top").await;
    browser.shoot("item-regions").await;
    // It stays in its place as the picture grows.
    browser.press("z").await;
    assert_eq!(browser.eval(DRAWN).await, drawn);
    assert_eq!(browser.axe().await, Vec::<String>::new());
}
