use crate::{
    browser::Browser,
    people::{Visitor, arrive, field},
    wait::until,
    world::World,
};
use lazaret_fixtures::picture;
use serde_json::{Value, json};

const LONG: &str = "[console]\ntotp = false\nundo = \"10m\"\n";

/// A stream that frames are sent to.
struct Camera<'a> {
    world: &'a World,
    id: String,
    key: String,
}

async fn open<'a>(world: &'a World, tenant: &str, name: &str) -> Camera<'a> {
    open_with(world, &key(world, tenant).await, name).await
}

/// One that opens streams of this tenant.
async fn key(world: &World, tenant: &str) -> String {
    let made = world.site.run(&["key", "create", "--tenant", tenant, "--scopes", "stream", "--json"]).await;
    made.json()[0]["key"].as_str().unwrap().to_owned()
}

async fn open_with<'a>(world: &'a World, key: &str, name: &str) -> Camera<'a> {
    let asked = world.server.client.post(world.url("/v1/streams")).bearer_auth(key);
    let answer = asked.json(&json!({ "external_id": name })).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let opened: Value = answer.json().await.unwrap();
    let text = |name: &str| opened[name].as_str().unwrap().to_owned();
    Camera { world, id: text("id"), key: text("key") }
}

impl Camera<'_> {
    async fn send(&self, seed: u32) -> Value {
        let bytes = picture::jpeg(&picture::landscape(640, 480, seed), 85);
        let url = self.world.url(&format!("/v1/streams/{}/frames", self.id));
        let answer =
            self.world.server.client.post(url).bearer_auth(&self.key).body(bytes).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    async fn judged(&self, seed: u32) -> Value {
        until("a frame is judged", async || {
            let outcome = self.send(seed).await;
            if outcome["outcome"] == "judged" { Ok(outcome) } else { Err(outcome) }
        })
        .await
    }

    /// Tile and attribute of what the wall shows of it.
    fn on_wall(&self, what: &str) -> String {
        format!("return document.querySelector('[data-id=\"{}\"] {what}", self.id)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_wall_shows_new_frames_and_states_by_itself_and_cuts_by_hand() {
    let world = World::start(LONG).await;
    let camera = open(&world, "acme", "camera-1").await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url("/console/streams")).await;
    browser.shows("camera-1").await;
    browser.shows("nobody watches").await;
    // Nobody touches the page from here on.
    browser.eval("window.here = true").await;
    let shows = async |what: &str, expected: &dyn Fn(&Value) -> bool| {
        until(what, async || {
            let shown = browser.eval(&camera.on_wall(what)).await;
            if expected(&shown) { Ok(shown) } else { Err(shown) }
        })
        .await
    };
    assert_eq!(camera.judged(1).await["decision"], "pass");
    let first = until("a frame is shown", async || {
        // One that stands still is nobody's any more.
        camera.send(1).await;
        let shown = browser.eval(&camera.on_wall("img').naturalWidth")).await;
        let state = browser.eval(&camera.on_wall("[data-of=standing]').textContent")).await;
        if shown.as_u64() > Some(0) && state == "pass" { Ok(shown) } else { Err((shown, state)) }
    })
    .await;
    assert_eq!(first, 400, "a copy, and no larger than the wall wants it");
    let number = shows("img').dataset.n", &|n| n.as_str().is_some_and(|n| !n.is_empty())).await;
    camera.judged(2).await;
    shows("img').dataset.n", &|n| *n != number).await;
    shows("[data-of=scores]').textContent", &|scores| scores.as_str().is_some_and(|s| s.contains("0.")))
        .await;
    assert_eq!(browser.eval("return window.here").await, true, "all of that without a reload");
    let filter = browser.eval(&camera.on_wall("img').computedStyleMap().get('filter').toString()")).await;
    assert!(filter.as_str().unwrap().contains("blur"), "{filter}");
    browser.shoot("streams").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());

    browser.click(".tile summary").await;
    browser.eval("document.querySelector('.tile select').value = 'cut:nudity'").await;
    browser.click(".tile form button").await;
    browser.shows("Cut. It stays so until somebody clears it.").await;
    browser.shows("cut by ann@example.org: nudity").await;
    // Clean frames change nothing any more, however many.
    for n in 0..12 {
        assert_eq!(camera.send(n).await["decision"], "cut");
    }
    let shown = world.server.client.get(world.url(&format!("/v1/streams/{}", camera.id)));
    let shown: Value = shown.bearer_auth(&camera.key).send().await.unwrap().json().await.unwrap();
    assert_eq!((&shown["decision"], &shown["reason"]), (&"cut".into(), &"person".into()));
    browser.click(".tile summary").await;
    browser.eval("document.querySelector('.tile select').value = 'clear:harmless'").await;
    browser.click(".tile form button").await;
    browser.shows("Cleared. It begins anew.").await;
    assert_eq!(camera.judged(3).await["decision"], "pass");
}

/// The number of the last ruling on it, as this person's wall has it now.
async fn last(visitor: &Visitor, id: &str) -> String {
    let wall = visitor.page("/console/streams").await;
    let tile = wall.split(&format!("data-id=\"{id}\"")).nth(1).unwrap_or_default();
    let tile = tile.split("</li>").next().unwrap();
    if tile.contains("name=\"last\"") { field(tile, "last") } else { "0".to_owned() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_is_not_lifted_by_who_has_not_seen_it() {
    let world = World::start(LONG).await;
    let camera = open(&world, "acme", "camera-1").await;
    let hand = format!("/console/streams/{}/hand", camera.id);
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "eve@example.org", "moderator").await;
    browser.go(&world.url("/console/streams")).await;
    browser.click(".tile summary").await;
    browser.eval("document.querySelector('.tile select').value = 'clear:harmless'").await;
    browser.eval("window.here = true").await;

    let old = last(&bob, &camera.id).await;
    assert_eq!(old, "0");
    let csrf = ann.csrf("/console/streams").await;
    let cut = [("csrf", csrf.as_str()), ("last", "0"), ("choice", "cut:nudity")];
    assert_eq!(ann.send(&hand, &cut).await.status(), 303);
    // His page is from before.
    let csrf = bob.csrf("/console/streams").await;
    let clear = [("csrf", csrf.as_str()), ("choice", "clear:harmless"), ("note", "a wolf")];
    assert_eq!(bob.send(&hand, &clear).await.status(), 422, "what he saw is not said");
    let refused = bob.send(&hand, &[&clear[..], &[("last", old.as_str())]].concat()).await;
    assert_eq!(refused.status(), 409);
    let refused = refused.text().await.unwrap();
    assert!(refused.contains("cut by ann@example.org: nudity"), "{refused}");
    let shown = world.server.client.get(world.url(&format!("/v1/streams/{}", camera.id)));
    let shown: Value = shown.bearer_auth(&camera.key).send().await.unwrap().json().await.unwrap();
    assert_eq!(shown["decision"], "cut");
    // What he wrote is kept, and is sent again over what is so now.
    let at = refused.find("/console/drafts/").expect("it is kept");
    let draft = bob.page(refused[at..].split('"').next().unwrap()).await;
    assert!(draft.contains("cut by ann@example.org: nudity"), "{draft}");
    assert_eq!(field(&draft, "last"), "1");

    // A page that changes by itself knows of the cut, says so, and asks for the choice anew.
    let tile = async |what: &str| browser.eval(&camera.on_wall(what)).await;
    until("the tile knows of the cut", async || {
        let known = tile("input[name=last]').value").await;
        if known == "1" { Ok(()) } else { Err(known) }
    })
    .await;
    assert_eq!(tile("[data-of=by_hand]').textContent").await, "cut by ann@example.org: nudity");
    assert_eq!(tile("select').value").await, "");
    assert_eq!(browser.eval("return window.here").await, true, "without a reload");
    browser.eval("document.querySelector('.tile select').value = 'clear:harmless'").await;
    browser.click(".tile form button").await;
    browser.shows("Cleared. It begins anew.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_ruled_on_by_those_who_may_and_on_record() {
    let world = World::start(LONG).await;
    let (camera, other) =
        (open(&world, "acme", "camera-1").await, open(&world, "globex", "secret-cam").await);
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "acme").await;
    let wall = ann.page("/console/streams").await;
    assert!(wall.contains("camera-1") && !wall.contains("secret-cam"), "{wall}");
    let csrf = field(&wall, "csrf");
    let rule = async |visitor: &Visitor, id: &str, csrf: &str, choice: &str| {
        let last = last(visitor, id).await;
        let fields = [("csrf", csrf), ("last", &last), ("choice", choice), ("note", "")];
        visitor.send(&format!("/console/streams/{id}/hand"), &fields).await.status()
    };
    assert_eq!(rule(&ann, &other.id, &csrf, "cut:nudity").await, 404);
    assert_eq!(rule(&ann, &camera.id, "forged", "cut:nudity").await, 403);
    for choice in ["", "cut:", "cut:harmless", "clear:nudity", "pass:x", "cut:other"] {
        assert_eq!(rule(&ann, &camera.id, &csrf, choice).await, 422, "{choice}");
    }
    let eve = Visitor::arrive(&world, "eve@example.org", "auditor", "*").await;
    let token = eve.csrf("/console/streams").await;
    assert_eq!(rule(&eve, &camera.id, &token, "cut:nudity").await, 403);
    assert_eq!(rule(&ann, &camera.id, &csrf, "cut:nudity").await, 303);
    assert_eq!(rule(&ann, &camera.id, &csrf, "cut:nudity").await, 409, "it is cut already");
    // What somebody wrote is to be had where nothing came of it.
    let hand = format!("/console/streams/{}/hand", camera.id);
    let fields =
        [("csrf", csrf.as_str()), ("last", "1"), ("choice", "cut:nudity"), ("note", "a <b>wolf</b>")];
    let refused = ann.send(&hand, &fields).await.text().await.unwrap();
    assert!(refused.contains("a &#60;b&#62;wolf"), "{refused}");
    let at = refused.find("/console/drafts/").expect("it is kept");
    let draft = ann.page(refused[at..].split('"').next().unwrap()).await;
    assert!(draft.contains("a stream to be cut or cleared by hand") && draft.contains(&hand), "{draft}");
    let log = eve
        .page(&format!("/console/audit/export?format=jsonl&subject={}&action=stream.ruled", camera.id))
        .await;
    assert!(log.contains("\"hand\":\"cut\"") && log.lines().count() == 1, "{log}");
    // Taken back by who did it, while it is the last word; a cut is taken back by clearing, and a clearing by a cut.
    let bar = "to take it back clears the stream";
    let wall = ann.page("/console/streams").await;
    assert!(wall.contains(bar), "{wall}");
    let number = field(&wall, "number");
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    assert!(!bob.page("/console/streams").await.contains(bar));
    let undo = async |visitor: &Visitor, number: &str| {
        let csrf = visitor.csrf("/console/streams").await;
        let fields = [("csrf", csrf.as_str()), ("number", number)];
        crate::people::location(&visitor.send(&format!("/console/streams/{}/undo", camera.id), &fields).await)
    };
    assert!(undo(&bob, &number).await.ends_with("said=late"), "another's");
    assert!(undo(&ann, "7").await.ends_with("said=late"), "no such ruling");
    assert!(undo(&ann, &number).await.ends_with("said=cleared_again"));
    assert!(undo(&ann, &number).await.ends_with("said=late"), "once");
    assert!(!ann.page("/console/streams").await.contains(bar), "it is not taken back in turn");
    assert_eq!(rule(&ann, &camera.id, &csrf, "cut:nudity").await, 303);
    assert_eq!(rule(&ann, &camera.id, &csrf, "clear:harmless").await, 303);
    let wall = ann.page("/console/streams").await;
    assert!(wall.contains("to take it back cuts the stream again"), "{wall}");
    assert!(undo(&ann, &field(&wall, "number")).await.ends_with("said=cut_again"));
    let standing = async || {
        let shown = world.server.client.get(world.url(&format!("/v1/streams/{}", camera.id)));
        let shown: Value = shown.bearer_auth(&camera.key).send().await.unwrap().json().await.unwrap();
        shown["decision"].as_str().unwrap().to_owned()
    };
    assert_eq!(standing().await, "cut");
    assert_eq!(rule(&ann, &camera.id, &csrf, "clear:harmless").await, 303);
    // A frame is seen with the mark of a page of one's own only.
    camera.judged(1).await;
    let frame = format!("/console/streams/{}/frame", camera.id);
    assert_eq!(ann.get(&format!("{frame}?view=x")).await.status(), 404);
    let view = ann.page("/console/streams").await;
    let at = view.find(&format!("{frame}?view=")).expect("its address");
    let own = view[at..].split(['"', '&']).next().unwrap().to_owned();
    let shown = ann.get(&own).await;
    assert_eq!(
        (shown.status().as_u16(), shown.headers()["cache-control"].to_str().unwrap()),
        (200, "no-store")
    );
    assert_eq!(eve.get(&own).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queues_numbers_change_while_one_looks_and_end_with_the_session() {
    let world = World::start(LONG).await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url("/console/queue")).await;
    browser.eval("window.here = true").await;
    let open = async |n: &str| {
        until("the number of open items", async || {
            let shown = browser.eval("return document.querySelector('[data-of=open]').textContent").await;
            if shown == n { Ok(()) } else { Err(shown) }
        })
        .await;
    };
    open("0").await;
    world.photo("photo.jpg", 1).await;
    open("1").await;
    assert_eq!(browser.eval("return window.here").await, true);
    // Somebody ends the account: the page does not go on telling.
    let disabled = world.site.run(&["user", "disable", "ann@example.org"]).await;
    assert_eq!(disabled.code(), 0);
    until("the page is left", async || {
        let place = browser.place().await;
        if place.starts_with("/console/sign-in") { Ok(()) } else { Err(place) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_for_those_who_are_signed_in() {
    let world = World::start(LONG).await;
    let nobody = Visitor::new(&world);
    for path in ["/console/queue/events", "/console/streams/events", "/console/streams"] {
        assert_eq!(nobody.get(path).await.status(), 303, "{path}");
    }
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "acme").await;
    open(&world, "globex", "secret-cam").await;
    let mut events = ann.get("/console/streams/events").await;
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let first = events.chunk().await.unwrap().unwrap();
    assert_eq!(String::from_utf8_lossy(&first).trim(), "event: tiles\ndata: []");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_on_the_wall_count_and_none_is_shown_to_who_is_due_a_rest() {
    let care = "[console]\ntotp = false\n[console.care.low]\nviews = 2\ntime = \"1h\"\n\
        [console.care.medium]\nviews = 2\ntime = \"1h\"\n";
    let world = World::start(care).await;
    let cameras = [open(&world, "acme", "camera-1").await, open(&world, "acme", "camera-2").await];
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    for camera in &cameras {
        camera.judged(1).await;
    }
    let wall = ann.page("/console/streams").await;
    let frames: Vec<String> =
        wall.split("data-src=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    assert_eq!(frames.len(), 2);
    for _ in 0..3 {
        assert_eq!(ann.get(&frames[0]).await.status(), 200, "one stream is one view");
    }
    assert!(!ann.page("/console/streams").await.contains("no frames are shown"));
    assert_eq!(ann.get(&frames[1]).await.status(), 200);
    assert_eq!(crate::people::location(&ann.get(&frames[0]).await), "/console/pause");
    let wall = ann.page("/console/streams").await;
    assert!(wall.contains("no frames are shown to you") && !wall.contains("<img src="), "{wall}");
    assert!(wall.contains("camera-1"), "their state is");
}

/// The names on a page of the wall, and the address of the next.
async fn page(who: &Visitor, path: &str) -> (Vec<String>, Option<String>) {
    let wall = who.page(path).await;
    let names = wall.split("<h2 class=\"name\">").skip(1);
    let names = names.map(|rest| rest.split('<').next().unwrap().to_owned()).collect();
    let more = wall.split("id=\"more\" href=\"").nth(1).map(|rest| rest.split('"').next().unwrap());
    (names, more.map(|more| more.replace("&#38;", "&")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wall_goes_on_page_by_page_and_an_old_stream_that_is_cut_comes_first() {
    let world = World::start(LONG).await;
    let key = key(&world, "acme").await;
    let mut cameras = Vec::new();
    for n in 1..=40 {
        cameras.push(open_with(&world, &key, &format!("camera-{n:02}")).await);
    }
    open(&world, "globex", "other").await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let csrf = ann.csrf("/console/streams").await;
    let rule = async |n: usize, choice: &str| {
        let id = &cameras[n - 1].id;
        let last = last(&ann, id).await;
        let fields = [("csrf", csrf.as_str()), ("last", &last), ("choice", choice), ("note", "")];
        ann.send(&format!("/console/streams/{id}/hand"), &fields).await.status()
    };
    assert_eq!(rule(1, "cut:nudity").await, 303);
    let mut others: Vec<(&str, String)> =
        cameras.iter().zip(1..).skip(1).map(|(camera, n)| (&*camera.id, format!("camera-{n:02}"))).collect();
    others.sort_by(|a, b| b.cmp(a));
    let (ids, names): (Vec<_>, Vec<_>) = others.into_iter().unzip();
    let (first, more) = page(&ann, "/console/streams").await;
    assert_eq!(first, [&["camera-01".to_owned(), "other".to_owned()][..], &names[..28]].concat());
    let more = more.expect("a second page");
    let (second, end) = page(&ann, &more).await;
    assert_eq!((&second[..], end), (&names[28..], None));
    // What comes and goes on the first page moves nothing on the second; and it changes by itself as well.
    open_with(&world, &key, "camera-41").await;
    assert_eq!(page(&ann, &more).await.0, second);
    let told = async |path: &str| {
        let mut events = ann.get(path).await;
        let mut text = Vec::new();
        while !text.ends_with(b"\n\n") {
            text.extend(events.chunk().await.unwrap().expect("an event"));
        }
        String::from_utf8(text).unwrap()
    };
    let events = told(&more.replace("/streams?", "/streams/events?")).await;
    assert_eq!(events.matches("\"standing\"").count(), 11, "{events}");
    assert!(ids[28..].iter().all(|id| events.contains(id)), "{events}");
    assert_eq!(rule(1, "clear:harmless").await, 303);
    assert_eq!(page(&ann, "/console/streams").await.0[0], "camera-41", "it is one of many again");
    // By tenant, and by a part of the name.
    assert_eq!(page(&ann, "/console/streams?tenant=globex").await.0, ["other"]);
    assert_eq!(page(&ann, "/console/streams?name=RA-3&tenant=acme").await.0.len(), 10);
    assert!(page(&ann, "/console/streams?name=RA-3&tenant=globex").await.0.is_empty());
    let (named, more) = page(&ann, "/console/streams?name=camera").await;
    let (rest, _) = page(&ann, &more.expect("it goes on")).await;
    assert_eq!((named.len(), rest.len()), (30, 11), "{rest:?}");
    // A ruling, and its taking back, lead to the page that they were sent from.
    let (_, more) = page(&ann, "/console/streams?name=camera&tenant=acme").await;
    let more = more.expect("it goes on");
    let wall = ann.page(&more).await;
    let (before, form) = wall.split_once("/hand\"").expect("a form");
    let id = before.rsplit('/').next().unwrap();
    let asked = ["tenant", "name", "after"].map(|name| (name, field(form, name)));
    let send = async |what: &str, more: &[(&str, &str)]| {
        let asked = asked.iter().map(|(name, value)| (*name, value.as_str()));
        let fields: Vec<_> =
            [("csrf", csrf.as_str())].into_iter().chain(asked).chain(more.to_vec()).collect();
        crate::people::location(&ann.send(&format!("/console/streams/{id}/{what}"), &fields).await)
    };
    let to = send("hand", &[("last", "0"), ("choice", "cut:nudity"), ("note", "")]).await;
    assert_eq!(to, more.replace('?', "?said=cut&"));
    let wall = ann.page(&to).await;
    let bar = wall.split_once("/undo\"").expect("it can be taken back").1;
    assert_eq!(["tenant", "name", "after"].map(|name| (name, field(bar, name))), asked);
    let to = send("undo", &[("number", &field(bar, "number"))]).await;
    assert_eq!(to, more.replace('?', "?said=cleared_again&"));
    // Whatever a form says of that, it leads to no other place.
    let odd = [
        ("csrf", csrf.as_str()),
        ("last", "2"),
        ("choice", "cut:nudity"),
        ("tenant", "//evil.example"),
        ("name", "a&after=x#y"),
        ("after", "https://evil.example"),
        ("next", "https://evil.example"),
    ];
    let to = crate::people::location(&ann.send(&format!("/console/streams/{id}/hand"), &odd).await);
    assert_eq!(to, "/console/streams?said=cut&name=a%26after%3Dx%23y");
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "globex").await;
    assert_eq!(page(&bob, "/console/streams").await.0, ["other"]);
    assert!(page(&bob, "/console/streams?tenant=acme").await.0.is_empty(), "another's");
}
