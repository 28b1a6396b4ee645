//! What a moderator sees of an item beside the picture.

use crate::{
    browser::Browser,
    people::{Visitor, arrive},
    wait::until,
    world::World,
};
use lazaret_fixtures::{document, heif, picture};
use std::{fs, process::Command};

const LONG: &str = "[console]\ntotp = false\nundo = \"10m\"\n";

/// Three seconds of bars.
pub fn film(world: &World) -> Vec<u8> {
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
async fn a_film_shows_its_contact_sheet_first_and_is_played_when_asked() {
    let world = World::start(LONG).await;
    let id = world.in_review("bars.mp4", &film(&world)).await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url(&format!("/console/items/{id}"))).await;
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
    browser.press("\u{E00C}").await;
    // Asked for, it is made ready without leaving the page, and plays neither by itself nor aloud nor unveiled.
    browser.eval("window.here = true").await;
    browser.press("p").await;
    let video =
        async |what: &str| browser.eval(&format!("return document.querySelector('video')?.{what}")).await;
    until("the film can be played", async || {
        let state = video("readyState").await;
        if state.as_u64() >= Some(2) { Ok(()) } else { Err((state, browser.text("#player").await)) }
    })
    .await;
    assert_eq!(browser.eval("return window.here").await, true);
    let still = (video("paused").await, video("muted").await, video("autoplay").await);
    assert_eq!(still, (true.into(), true.into(), false.into()));
    assert_eq!((video("videoWidth").await, video("videoHeight").await), (320.into(), 240.into()));
    let veil = "return getComputedStyle(document.querySelector('video')).filter";
    assert!(browser.eval(veil).await.as_str().unwrap().contains("blur"));
    browser.hold("v").await;
    until("it is shown", async || match browser.eval(veil).await {
        shown if shown == "none" => Ok(()),
        other => Err(other),
    })
    .await;
    browser.shoot("item-film-played").await;
    browser.let_go("v").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    browser.press("p").await;
    until("it plays", async || {
        let at = video("currentTime").await;
        if at.as_f64() > Some(0.3) { Ok(()) } else { Err(at) }
    })
    .await;
    assert_eq!(video("muted").await, true);
    // A finding's moment, and a frame's, is one press away.
    let wanted = browser.eval("return document.querySelector('.frames li:last-child a').dataset.at").await;
    let wanted: f64 = wanted.as_str().unwrap().parse().unwrap();
    assert!(wanted > 1.0, "{wanted}");
    browser.click(".card details summary").await;
    browser.click(".frames li:last-child a").await;
    until("it stands at the moment", async || {
        let (at, paused) = (video("currentTime").await, video("paused").await);
        if (at.as_f64().unwrap() - wanted).abs() < 0.1 && paused == true { Ok(()) } else { Err((at, paused)) }
    })
    .await;
    // What lies in the sheet's place and is not it is not shown.
    // What is drawn over the sheet lies where its frames are.
    let boxes = "const of = (css) => { const { top, height } = document.querySelector(css).getBoundingClientRect(); \
                 return [Math.round(top), Math.round(height)]; }; return [of('#media'), of('.drawn')]";
    let boxes = browser.eval(boxes).await;
    assert_eq!(boxes[0], boxes[1], "{boxes}");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_that_look_alike_stand_beside_an_item() {
    let world = World::start(LONG).await;
    let landscape = picture::landscape(640, 480, 4);
    let other = picture::sideways(&landscape);
    let send =
        async |name: &str, picture, quality| world.in_review(name, &picture::jpeg(picture, quality)).await;
    send("first.jpg", &landscape, 85).await;
    send("other.jpg", &other, 85).await;
    let last = send("last.jpg", &landscape, 40).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "acme").await;
    let page = ann.page(&format!("/console/items/{last}")).await;
    let (alike, _) = page
        .split_once("Looks alike")
        .and_then(|(_, rest)| rest.split_once("Earlier from this tenant"))
        .expect("both lists");
    assert!(alike.contains("first.jpg") && !alike.contains("other.jpg"), "{alike}");
    assert!(!page.contains("The very same bytes"));
    let hash = world.server.show(&last).await["verdict_detail"]["perceptual_hash"].clone();
    assert!(hash.as_str().is_some_and(|hash| hash.len() == 16), "{hash}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_shows_what_its_uploader_sent_before() {
    let world = World::start(LONG).await;
    let policy = world.site.write("queues.toml", crate::rights::QUEUES.as_bytes());
    let applied = world.site.run(&["policy", "apply", policy.to_str().unwrap(), "--tenant", "acme"]).await;
    assert_eq!(applied.code(), 0, "{applied:?}");
    let send = async |key: &str, name: &str, uploader: &str, bytes: &[u8]| {
        let url = world.url(&format!("/v1/uploads?filename={name}&uploader={uploader}"));
        let sent = world.server.client.post(url).bearer_auth(key).body(bytes.to_vec());
        let id = crate::upload::accepted(sent.send().await.unwrap()).await;
        let other = key != world.server.key;
        if other { id } else { world.server.settled(&id).await["id"].as_str().unwrap().to_owned() }
    };
    let (key, others) = (world.server.key.clone(), world.site.key("globex").await);
    let (letter, photo) = (document::pdf(), picture::jpeg(&picture::landscape(64, 48, 1), 85));
    let hostile = "u1%22%3E%3Cscript%3E";
    send(&others, "theirs.pdf", hostile, &letter).await;
    send(&key, "first.pdf", hostile, &letter).await;
    send(&key, "photo.jpg", hostile, &photo).await;
    send(&key, "of-somebody-else.pdf", "u2", &letter).await;
    let last = send(&key, "last.pdf", hostile, &letter).await;
    let earlier = |page: &str| {
        let (_, list) = page.split_once("Earlier from this uploader").expect("the list");
        list.split_once("</section>").unwrap().0.to_owned()
    };
    let item = format!("/console/items/{last}");
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let page = bob.page(&item).await;
    assert!(page.contains("u1&#34;&#62;&#60;script&#62;") && !page.contains("u1\"><script"), "{page}");
    let list = earlier(&page);
    let at = |name: &str| list.find(name).unwrap_or_else(|| panic!("no {name} in {list}"));
    assert!(at("photo.jpg") < at("first.pdf"), "newest first: {list}");
    assert!(list.contains("verdict: review") && !list.contains("last.pdf"), "{list}");
    assert!(!list.contains("theirs.pdf") && !list.contains("of-somebody-else.pdf"), "{list}");
    // Whose queue a neighbour is not in does not see it.
    let ann = Visitor::arrive_at(&world, "ann@example.org", "moderator", "*", "documents").await;
    let list = earlier(&ann.page(&item).await);
    assert!(list.contains("first.pdf") && !list.contains("photo.jpg"), "{list}");
    // With the upload the name goes.
    world.server.erase(&last).await;
    assert!(world.server.show(&last).await["uploader"].is_null());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_is_played_by_range_to_who_asked_and_to_nobody_else() {
    let world = World::start(LONG).await;
    let id = world.in_review("bars.mp4", &film(&world)).await;
    let item = format!("/console/items/{id}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let other = Visitor::arrive(&world, "eve@example.org", "moderator", "globex").await;
    let url = async |who: &Visitor| {
        let page = who.page(&item).await;
        let at = page.find("data-film=\"").expect("a film") + 11;
        page[at..].split('"').next().unwrap().to_owned()
    };
    let (hers, his) = (url(&ann).await, url(&bob).await);
    assert_eq!(ann.get(&hers).await.status(), 404, "nobody asked for it");
    let played = async |who: &Visitor, url: &str| {
        let csrf = who.csrf("/console/queue").await;
        let asked = who.send(&format!("{item}/play"), &[("csrf", &csrf)]).await;
        assert_eq!(crate::people::location(&asked), format!("{item}#player"));
        until("the copy is there", async || {
            let answer = who.get(url).await;
            if answer.status() == 200 { Ok(answer) } else { Err(answer.status()) }
        })
        .await
    };
    let whole = played(&ann, &hers).await;
    let headers = whole.headers();
    assert_eq!(
        (&headers["content-type"], &headers["accept-ranges"]),
        (&"video/mp4".parse().unwrap(), &"bytes".parse().unwrap())
    );
    assert_eq!(headers["cache-control"], "no-store");
    let etag = headers["etag"].to_str().unwrap().to_owned();
    let bytes = whole.bytes().await.unwrap();
    let part = async |who: &Visitor, range: &str| {
        let request =
            who.client.get(world.url(&hers)).header("cookie", format!("lazaret_session={}", who.cookie));
        request.header("range", range).header("if-range", &etag).send().await.unwrap()
    };
    let some = part(&ann, "bytes=100-199").await;
    assert_eq!(some.status(), 206);
    assert_eq!(some.headers()["content-range"].to_str().unwrap(), format!("bytes 100-199/{}", bytes.len()));
    assert_eq!(some.bytes().await.unwrap(), bytes[100..200]);
    assert_eq!(part(&ann, "bytes=999999999-").await.status(), 416);
    // Another's session opens it with neither URL, and another's copy bears another name.
    assert_eq!(part(&bob, "bytes=0-9").await.status(), 404);
    assert_ne!(played(&bob, &his).await.bytes().await.unwrap(), bytes);
    assert_eq!(part(&bob, "bytes=0-9").await.status(), 404, "not with a copy of his own either");
    let csrf = other.csrf("/console/queue").await;
    assert_eq!(other.send(&format!("{item}/play"), &[("csrf", &csrf)]).await.status(), 404);
    assert_eq!(ann.send(&format!("{item}/play"), &[("csrf", &csrf)]).await.status(), 403);
    let auditor = Visitor::arrive(&world, "audit@example.org", "auditor", "*").await;
    let log =
        auditor.page(&format!("/console/audit/export?format=jsonl&subject={id}&action=item.played")).await;
    assert_eq!(log.lines().count(), 2, "{log}");
    // What is erased is not played any more.
    world.server.erase(&id).await;
    assert_eq!(ann.get(&hers).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telephones_picture_is_shown_as_a_copy_that_browsers_know() {
    let world = World::start(LONG).await;
    let id = world.in_review("IMG_1.heic", &heif::phone(|_| ())).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let page = ann.page(&format!("/console/items/{id}")).await;
    let view = page.split("/media?view=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let answer = ann.get(&format!("/console/items/{id}/media?view={view}")).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"image/jpeg".parse().unwrap())
    );
    let shown = answer.bytes().await.unwrap();
    let size = turbojpeg::read_header(&shown).unwrap();
    assert_eq!((size.width, size.height), (90, 120));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pictures_facts_are_told_but_for_where_it_was_taken() {
    let world = World::start(LONG).await;
    let plain = picture::jpeg(&picture::landscape(640, 480, 7), 85);
    // Stored on its side: 480 by 640 as one sees it.
    let id = world.in_review("phone.jpg", &picture::as_from_a_camera(&plain, 6)).await;
    let without = world.in_review("plain.jpg", &picture::jpeg(&picture::landscape(320, 200, 8), 85)).await;
    let moving = world.in_review("moving.gif", &picture::animation(5)).await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url(&format!("/console/items/{id}"))).await;
    for fact in [
        "480 × 640 pixels",
        "Lazaret Test Camera",
        "it says where it was taken",
        "image/jpeg",
        "Perceptual hash",
        &format!("({} bytes)", picture::as_from_a_camera(&plain, 6).len()),
    ] {
        browser.shows(fact).await;
    }
    browser.shoot("item-facts").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    let detail = &world.server.show(&id).await["verdict_detail"]["picture"];
    let told = serde_json::json!({ "width": 480, "height": 640, "frames": 1,
        "metadata": { "camera": "Lazaret Test Camera", "located": true } });
    assert_eq!(*detail, told, "and nothing of the place");
    browser.go(&world.url(&format!("/console/items/{without}"))).await;
    browser.shows("320 × 200 pixels").await;
    let text = browser.text("main").await;
    assert!(!text.contains("it says"), "{text}");
    browser.go(&world.url(&format!("/console/items/{moving}"))).await;
    browser.shows("160 × 120 pixels, 5 frames").await;
}
