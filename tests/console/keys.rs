//! The keys of an item's page, and the switch that turns them off.

use crate::{browser::Browser, people::arrive, wait::until, world::World};

const LONG: &str = "[console]\ntotp = false\nundo = \"10m\"\n";
const ENTER: &str = "\u{E007}";
const ESCAPE: &str = "\u{E00C}";
const CHOSEN: &str = "return document.querySelector('input[name=choice]:checked')?.value ?? null";

/// Waits for another item's form, and gives the item's path.
async fn item(browser: &Browser, before: &str) -> String {
    let path = until("another item", async || {
        let place = browser.place().await;
        let path = place.split('?').next().unwrap().to_owned();
        if path.starts_with("/console/items/") && path != before { Ok(path) } else { Err(place) }
    })
    .await;
    browser.element("#decision").await;
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_are_skipped_noted_and_escalated_by_key() {
    let world = World::start(LONG).await;
    for n in 0..3 {
        world.letter(&format!("letter-{n}.pdf")).await;
    }
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url("/console/queue")).await;
    browser.press("r").await;
    let first = item(&browser, "").await;
    browser.press("s").await;
    let second = item(&browser, &first).await;
    browser.shows("Skipped.").await;
    // A note takes its words, and its item stays.
    browser.press("n").await;
    assert_eq!(browser.eval(CHOSEN).await, "note:note");
    browser.press("t").await;
    browser.write("#note", "hard to tell: ask Ena").await;
    assert_eq!(browser.eval(CHOSEN).await, "note:note", "letters in a note are no keys");
    browser.press(ESCAPE).await;
    browser.press(ENTER).await;
    browser.shows("Your note is stored").await;
    browser.shows("hard to tell: ask Ena").await;
    assert_eq!(item(&browser, "").await, second);
    browser.press("e").await;
    let chosen = browser.eval(CHOSEN).await;
    assert!(chosen.as_str().is_some_and(|chosen| chosen.starts_with("escalate:")), "{chosen}");
    browser.press(ENTER).await;
    browser.shows("Escalated to a senior").await;
    let third = item(&browser, &second).await;
    assert_ne!(third, first, "what was skipped comes last");
    browser.go(&world.url(&first)).await;
    browser.shows("skipped: not now").await;
    browser.go(&world.url(&second)).await;
    browser.shows("a senior decides it").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_switched_off_and_on_again_on_the_accounts_page() {
    let world = World::start(LONG).await;
    let id = world.letter("letter.pdf").await;
    let (page, account) = (world.url(&format!("/console/items/{id}")), world.url("/console/account"));
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    let switch = async |was: bool| {
        browser.go(&account).await;
        browser.element("#keys-on").await;
        let on = "return document.querySelector('#keys-on').checked";
        assert_eq!(browser.eval(on).await, was);
        browser.click("#keys-on").await;
        assert_eq!(browser.eval(on).await, !was);
    };
    switch(true).await;
    browser.go(&page).await;
    browser.element("#take").await;
    browser.press("r").await;
    browser.press("?").await;
    assert_eq!(browser.eval("return document.querySelector('dialog').open").await, false);
    assert!(browser.has("#take").await, "it is not taken by a key");
    browser.click("#take button").await;
    browser.element("#decision").await;
    for key in ["q", "a", "o", "t", "s", ENTER] {
        browser.press(key).await;
    }
    let untouched =
        "return [document.querySelectorAll('#decision :checked').length, document.activeElement.tagName]";
    assert_eq!(browser.eval(untouched).await, serde_json::json!([0, "BODY"]));
    assert!(browser.place().await.contains(&id), "and it is not skipped");
    // It holds until it is switched back, on every page.
    switch(false).await;
    browser.go(&page).await;
    until("the form is there", async || {
        if browser.has("#take").await {
            browser.press("r").await;
        }
        if browser.has("#decision").await { Ok(()) } else { Err(browser.place().await) }
    })
    .await;
    browser.press("q").await;
    let chosen = browser.eval(CHOSEN).await;
    assert!(chosen.as_str().is_some_and(|chosen| chosen.starts_with("quarantine:")), "{chosen}");
}
