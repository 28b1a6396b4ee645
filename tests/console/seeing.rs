//! What a moderator sees of an item beside the picture.

use crate::{
    browser::Browser,
    people::{Visitor, arrive},
    wait::until,
    world::World,
};
use lazaret_fixtures::document;
use std::{fs, process::Command};

const LONG: &str = "[console]\ntotp = false\nundo = \"10m\"\n";

/// Three seconds of bars.
fn film(world: &World) -> Vec<u8> {
    let path = world.site.path("bars.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10:duration=3"])
        .args(["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "10"])
        .arg(&path)
        .status();
    assert!(made.expect("ffmpeg; scripts/setup.sh installs it").success());
    fs::read(&path).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_shows_its_contact_sheet_and_nothing_else() {
    let world = World::start(LONG).await;
    let id = world.in_review("bars.mp4", &film(&world)).await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url(&format!("/console/items/{id}"))).await;
    browser.shows("held films are not played").await;
    let width = until("the sheet is shown", async || {
        let width = browser.eval("return document.querySelector('#media').naturalWidth").await;
        if width.as_u64() > Some(0) { Ok(width.as_u64().unwrap()) } else { Err(width) }
    })
    .await;
    assert!(width > 320, "{width}");
    assert_eq!(browser.eval("return document.querySelectorAll('video, audio').length").await, 0);
    let filter = "return getComputedStyle(document.querySelector('#media')).filter";
    assert!(browser.eval(filter).await.as_str().unwrap().contains("blur"));
    browser.shows("320 × 240").await;
    browser.shows("of 0:02.9").await;
    browser.shoot("item-film").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    // Zoom, by key and by mouse.
    let shown =
        async || browser.eval("return document.querySelector('#media').clientWidth").await.as_u64().unwrap();
    let plain = shown().await;
    browser.press("z").await;
    let twice = shown().await;
    assert!(twice > plain, "{plain} {twice}");
    browser.click("#zoom-4").await;
    assert!(shown().await > twice);
    // Keys can be switched off, and this one with them.
    browser.click("#zoom-1").await;
    browser.eval("localStorage.setItem('keys', 'off')").await;
    browser.press("z").await;
    assert_eq!(shown().await, plain);
    browser.press("?").await;
    assert_eq!(browser.eval("return document.querySelector('dialog').open").await, false);
    browser.eval("localStorage.setItem('keys', 'on')").await;
    browser.press("?").await;
    browser.shows("hold to reveal").await;
    // What lies in the sheet's place and is not it is not shown.
    let status = "const done = arguments[arguments.length - 1]; \
                  fetch(document.querySelector('#media').src).then((answer) => done(answer.status))";
    assert_eq!(browser.eval_async(status).await, 200);
    let files =
        walkdir::WalkDir::new(world.site.data("blobs")).into_iter().map(|entry| entry.unwrap().into_path());
    let sheets: Vec<_> =
        files.filter(|path| path.is_file() && path.to_string_lossy().contains("sheet")).collect();
    assert_eq!(sheets.len(), 1, "{sheets:?}");
    let size = fs::metadata(&sheets[0]).unwrap().len();
    fs::write(&sheets[0], vec![0xff; usize::try_from(size).unwrap()]).unwrap();
    assert_eq!(browser.eval_async(status).await, 422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_are_shown_and_those_of_others_are_not() {
    let world = World::start(LONG).await;
    let first = world.letter("first.pdf").await;
    let other = world.site.key("globex").await;
    let sent = world.server.client.post(world.url("/v1/uploads?filename=theirs.pdf")).bearer_auth(&other);
    crate::upload::accepted(sent.body(document::pdf()).send().await.unwrap()).await;
    world.photo("between.jpg", 4).await;
    let last = world.letter("last.pdf").await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "acme").await;
    let page = ann.page(&format!("/console/items/{last}")).await;
    assert!(page.contains("The pages of a PDF are not drawn"), "{page}");
    let (same, earlier) = page
        .split_once("The very same bytes")
        .and_then(|(_, rest)| rest.split_once("Earlier from this tenant"))
        .expect("both lists");
    assert!(same.contains("first.pdf") && !same.contains("between.jpg"), "{same}");
    assert!(earlier.contains("first.pdf") && earlier.contains("between.jpg"));
    assert!(!page.contains("theirs.pdf"), "of another tenant");
    assert!(page.contains("verdict 1: review"));
    // What is sealed is in no list any more.
    assert_eq!(ann.rule(&first, "quarantine:child_abuse", &[]).await.status(), 303);
    let zoe = Visitor::arrive(&world, "zoe@example.org", "senior", "*").await;
    let page = zoe.page(&format!("/console/items/{last}")).await;
    assert!(!page.contains("first.pdf") && page.contains("theirs.pdf"), "{page}");
}
