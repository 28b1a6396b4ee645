//! What is sent when a session is over: it comes back to who wrote it, and to nobody else.

use crate::{
    browser::Browser,
    people::{PASSWORD, Visitor, arrive, field, location},
    postgres::Server as Postgres,
    wait::until,
    world::World,
};

const LONG: &str = "[console]\ntotp = false\nundo = \"10m\"\n";
const WAITS: &str = "What you sent is not done yet";

async fn sign_in(browser: &Browser, email: &str) {
    browser.shows("Your session ended").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    browser.write("input[name=email]", email).await;
    browser.write("input[name=password]", PASSWORD).await;
    browser.click("main form button").await;
}

async fn value(browser: &Browser, css: &str) -> String {
    browser.element(css).await;
    let value = browser.eval(&format!("return document.querySelector({css:?}).value")).await;
    value.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_one_decision_on_many_and_a_policy_come_back_after_signing_in() {
    let world = World::start(LONG).await;
    let (photo, letter) = (world.photo("photo.jpg", 1).await, world.letter("letter.pdf").await);
    let browser = Browser::start().await;
    arrive(&browser, &world, "root@example.org", "admin").await;
    let item = world.url(&format!("/console/items/{photo}"));
    browser.go(&item).await;
    browser.click("#take button").await;
    browser.click("input[value='note:note']").await;
    browser.write("#note", "it is \"fine\" & <so>").await;
    browser.forget_cookies().await;
    browser.click("#decision button[value=stay]").await;
    sign_in(&browser, "root@example.org").await;
    assert_eq!(value(&browser, "#note").await, "it is \"fine\" & <so>");
    browser.shows(WAITS).await;
    browser.shoot("draft-item").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    assert!(!browser.text(".history").await.contains("note"), "it is not done by itself");
    browser.click("#decision button[value=stay]").await;
    browser.shows("Your note is stored").await;
    assert!(!browser.text("body").await.contains(WAITS), "it was used");
    browser.click("#leave button").await;

    browser.go(&world.url("/console/queue")).await;
    for id in [&photo, &letter] {
        browser.click(&format!("input[value='{id}']")).await;
    }
    browser.click("#bulk option[value='quarantine:spam']").await;
    browser.click("#bulk button").await;
    browser.shows("What will happen to 2").await;
    browser.forget_cookies().await;
    browser.click("main button.primary").await;
    sign_in(&browser, "root@example.org").await;
    browser.shows("one decision on many items").await;
    browser.shoot("draft").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    browser.click("#again button").await;
    browser.shows("What will happen to 2").await;
    browser.shows(WAITS).await;
    browser.click("main form.many button.primary").await;
    browser.shows("Decided together").await;
    assert!(!browser.text("body").await.contains(WAITS), "it was used");

    browser.go(&world.url("/console/policy?tenant=acme")).await;
    let text = "# <rules> of mine\n[[rule]]\nname = \"x\"\nwhen = \"true\"\nverdict = \"quarantine\"\n";
    let put =
        format!("document.querySelector('textarea.code').value = {}", serde_json::to_string(text).unwrap());
    browser.element("textarea.code").await;
    browser.eval(&put).await;
    browser.click("button[value=try]").await;
    browser.shows("would have another verdict").await;
    browser.write("input[name=why]:not([type=hidden])", "it is time").await;
    browser.forget_cookies().await;
    browser.click("button[value=save]").await;
    sign_in(&browser, "root@example.org").await;
    browser.shows("version 2").await;
    assert_eq!(value(&browser, "textarea.code").await, text);
    browser.click("button[value=try]").await;
    browser.shows("would have another verdict").await;
    assert_eq!(value(&browser, "input[name=why]:not([type=hidden])").await, "it is time");
    browser.click("button[value=save]").await;
    browser.shows("version 3").await;
    assert!(!browser.text("body").await.contains(WAITS), "it was used");
}

/// Sends it from a page of before, with no session: gives where to go on.
pub async fn away(world: &World, path: &str, fields: &[(&str, &str)]) -> String {
    let answer = Visitor::new(world).send(path, fields).await;
    assert_eq!(answer.status(), 303, "{path}");
    let to = location(&answer);
    let url = url::Url::parse(&format!("http://x{to}")).unwrap();
    assert_eq!(url.path(), "/console/sign-in");
    url.query_pairs().find(|(name, _)| name == "next").unwrap().1.into_owned()
}

/// Sends what is kept there by the button of its page: gives where that leads.
pub async fn again(who: &Visitor, draft: &str) -> String {
    let page = who.page(draft).await;
    let (before, form) = page.split_once("id=\"again\"").unwrap_or_else(|| panic!("it is over: {page}"));
    let action = before.rsplit_once("action=\"").unwrap().1.split('"').next().unwrap();
    let inputs = form.split("</form>").next().unwrap().split("<input type=\"hidden\" name=\"").skip(1);
    let fields: Vec<_> = inputs
        .map(|input| {
            let (name, rest) = input.split_once("\" value=\"").unwrap();
            (name, rest.split('"').next().unwrap())
        })
        .collect();
    location(&who.send(action, &fields).await)
}

async fn back(world: &World, email: &str) -> Visitor {
    let mut visitor = Visitor::new(world);
    visitor.enter("/console/sign-in", &[("email", email), ("password", PASSWORD)]).await;
    visitor
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_wrote_is_theirs_alone_and_nobody_else_plants_any() {
    let database = Postgres::start();
    let url = database.database().await;
    let key = "0f".repeat(32);
    let many = format!("[store]\nurl = \"{url}\"\n[delivery.keys]\na = \"{key}\"\n{LONG}key = \"{key}\"\n");
    for settings in [LONG, &many] {
        let world = World::start(settings).await;
        let id = world.letter("letter.pdf").await;
        let item = format!("/console/items/{id}");
        let rule = format!("{item}/rule");
        let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
        let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
        let (csrf, fence) = ann.take(&id).await;
        let form =
            |csrf: &'static str| [("csrf", csrf), ("choice", "quarantine:spam"), ("note", "secret words")];
        let fields = |csrf| {
            [("csrf", csrf), ("fence", &*fence), ("choice", "quarantine:spam"), ("note", "secret words")]
        };
        let next = away(&world, &rule, &fields(&csrf)).await;
        assert!(next.starts_with("/console/drafts/") && !next.contains("secret"), "{next}");

        // Another person sees nothing of it, whatever they know.
        let page = bob.get(&next).await;
        assert_eq!(page.status(), 404);
        assert!(!page.text().await.unwrap().contains("secret words"));
        assert!(!bob.page("/console/queue").await.contains(WAITS));
        let draft = next.rsplit('/').next().unwrap();
        assert!(!bob.page(&format!("{item}?draft={draft}")).await.contains("secret words"));
        let theirs = bob.csrf("/console/queue").await;
        assert_eq!(bob.send(&format!("{next}/drop"), &[("csrf", &theirs)]).await.status(), 303);
        // Nor is it done in their name, where they sit down at her page.
        let answer = bob.send(&rule, &fields(&csrf)).await;
        assert_eq!(answer.status(), 403);
        assert!(answer.text().await.unwrap().contains("kept for them for an hour"));

        // It comes back to her, and is done when she sends it.
        let ann = back(&world, "ann@example.org").await;
        assert_eq!(ann.page("/console/queue").await.matches(WAITS).count(), 2, "both are there still");
        let place = location(&ann.get(&next).await);
        let page = ann.page(&place).await;
        assert!(page.contains("secret words</textarea>") && !page.contains("can be undone still"), "{page}");
        let (csrf, fence) = (field(&page, "csrf"), field(&page, "fence"));
        let again = [
            ("csrf", &*csrf),
            ("fence", &fence),
            ("choice", "quarantine:spam"),
            ("draft", draft),
            ("then", "stay"),
        ];
        assert_eq!(ann.send(&rule, &again).await.status(), 303);
        assert_eq!(ann.get(&next).await.status(), 404, "it was used");
        assert_eq!(ann.page("/console/queue").await.matches(WAITS).count(), 1);

        // What no page of ours made is kept for nobody: with no token, a made up one, or from another site.
        assert_eq!(away(&world, &rule, &form("")).await, item);
        assert_eq!(away(&world, &rule, &form("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")).await, item);
        let planted = Visitor::new(&world).post(&rule, &fields(&csrf)).header("sec-fetch-site", "cross-site");
        assert_eq!(planted.send().await.unwrap().status(), 403);
        assert_eq!(ann.send("/console/policy", &form("x")).await.status(), 403);
        // Another site's link fills nothing in either.
        let page = ann
            .with_header(
                &format!("{item}?choice=approve:harmless&note=planted"),
                "sec-fetch-site",
                "cross-site",
            )
            .await;
        assert!(!page.contains("planted"));
        assert_eq!(ann.page("/console/queue").await.matches(WAITS).count(), 1);
        // Nor does who had a session in hand that she ended write in her name.
        let thief = back(&world, "ann@example.org").await;
        let stolen = thief.csrf("/console/queue").await;
        let account = ann.page("/console/account").await;
        let hash = field(&account, "session");
        assert_eq!(
            ann.send("/console/account/end", &[("csrf", &csrf), ("session", &hash)]).await.status(),
            303
        );
        assert_eq!(away(&world, &rule, &fields(&stolen)).await, item);
        // No secret is kept, and nothing that a page sends by itself.
        let password =
            [("csrf", &*csrf), ("old", PASSWORD), ("new", "another long one"), ("again", "another long one")];
        assert_eq!(away(&world, "/console/account/password", &password).await, "/console");
        assert_eq!(away(&world, &format!("{item}/leave"), &fields(&csrf)).await, item);
        assert_eq!(ann.page("/console/queue").await.matches(WAITS).count(), 1);

        // There are eight at most, and she can throw them away.
        let mut last = String::new();
        for _ in 0..9 {
            last = away(&world, &rule, &fields(&csrf)).await;
        }
        assert_eq!(ann.page("/console/queue").await.matches(WAITS).count(), 8);
        assert_eq!(ann.send(&format!("{last}/drop"), &[("csrf", &csrf)]).await.status(), 303);
        assert_eq!(ann.get(&last).await.status(), 404);
        assert_eq!(ann.page("/console/queue").await.matches(WAITS).count(), 7);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_over_by_itself_keeps_what_was_written_and_says_what_is_too_large() {
    let world = World::start("[console]\ntotp = false\nidle = \"8s\"\n").await;
    let root = Visitor::arrive(&world, "root@example.org", "admin", "*").await;
    let csrf = root.csrf("/console/users").await;
    until("the session is over", async || {
        let answer = root.get("/console/queue?unasked=1").await;
        if location(&answer).starts_with("/console/sign-in") { Ok(()) } else { Err(answer.status()) }
    })
    .await;
    let long = "x".repeat(400 * 1024);
    let policy = [("csrf", &*csrf), ("tenant", "acme"), ("text", &long), ("do", "try")];
    let answer = root.send("/console/policy", &policy).await;
    assert_eq!(answer.status(), 413);
    let said = answer.text().await.unwrap();
    assert!(said.contains("too large to be kept: a change of a policy, of 400 KiB"), "{said}");
    let huge = "x".repeat(80 * 1024);
    let answer = root.send("/console/users", &[("csrf", &csrf), ("email", &huge)]).await;
    assert_eq!(answer.status(), 413);
    assert!(answer.text().await.unwrap().contains("Nothing of it was done, and nothing was kept"));

    let person = [
        ("csrf", &*csrf),
        ("email", "new@example.org"),
        ("role", "auditor"),
        ("tenants", "acme"),
        ("queues", "*"),
    ];
    let answer = root.send("/console/users", &person).await;
    assert!(location(&answer).contains("next=%2Fconsole%2Fdrafts%2F"), "{answer:?}");
    let root = back(&world, "root@example.org").await;
    assert!(!root.page("/console/users").await.contains("new@example.org"), "it is not done by itself");
    let page = root.page("/console/queue").await;
    let at = page.find("/console/drafts/").unwrap();
    let draft = page[at..].split(['/', '"']).nth(3).unwrap().to_owned();
    let page = root.page(&format!("/console/drafts/{draft}")).await;
    assert!(page.contains("a change of an account") && page.contains("action=\"/console/users\""), "{page}");
    let mut again = person.to_vec();
    let csrf = field(&page, "csrf");
    again[0].1 = &csrf;
    again.push(("draft", &draft));
    assert!(root.send("/console/users", &again).await.text().await.unwrap().contains("/console/link/"));
    let people = root.page("/console/users").await;
    assert!(people.contains("new@example.org"));
    // Of an account, the page says which.
    let at = people.find("action=\"/console/users/").unwrap() + "action=\"".len();
    let path = people[at..].split('"').next().unwrap();
    let next = away(&world, path, &[("csrf", &csrf), ("do", "disable")]).await;
    let page = root.page(&next).await;
    assert!(page.contains("<bdi>new@example.org</bdi>") && page.contains(path), "{page}");
    assert_eq!(root.send(&format!("{next}/drop"), &[("csrf", &csrf)]).await.status(), 303);
    assert!(!root.page("/console/queue").await.contains(WAITS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_back_or_ended_when_the_session_was_over_is_offered_while_it_can_be() {
    const LATE: &str = "It cannot be taken back any more";
    let world = World::start(LONG).await;
    let (photo, letter) = (world.photo("photo.jpg", 1).await, world.letter("letter.pdf").await);
    let stream = crate::forged::open_stream(&world).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "admin", "*").await;
    let csrf = ann.csrf("/console/queue").await;
    let ann = back(&world, "ann@example.org").await;
    // What is kept, and what its page says.
    let kept = async |path: &str, fields: &[(&str, &str)], words: &[&str]| {
        let next = away(&world, path, &[&[("csrf", csrf.as_str())], fields].concat()).await;
        assert!(next.starts_with("/console/drafts/"), "{path}: {next}");
        let page = ann.page(&next).await;
        let page = page.split_once("<h1>Not done yet").expect("the page").1;
        for words in words {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert_eq!(page.contains("id=\"again\""), !words.contains(&LATE) && !words.contains(&"over already"));
        next
    };
    let gone = async |draft: &str| ann.get(draft).await.status() == 404;

    assert_eq!(ann.rule(&photo, "quarantine:spam", &[]).await.status(), 303);
    let undo = [("upload", photo.as_str()), ("number", "1")];
    let next = kept("/console/undo", &undo, &["a decision to be taken back", "photo.jpg"]).await;
    assert!(ann.page("/console/queue").await.contains(WAITS));
    assert!(
        ann.page(&format!("/console/items/{photo}")).await.contains("can be undone still"),
        "it is not done by itself"
    );
    assert_eq!(again(&ann, &next).await, format!("/console/items/{photo}?said=undone"));
    assert!(gone(&next).await && !ann.page("/console/queue").await.contains(WAITS), "it was used");
    kept("/console/undo", &undo, &["photo.jpg", LATE]).await;
    let another = [("upload", photo.as_str()), ("number", "7")];
    kept("/console/undo", &another, &[LATE]).await;

    let own = ann.csrf("/console/queue").await;
    let many = [("csrf", own.as_str()), ("choice", "quarantine:spam"), ("item", &photo), ("item", &letter)];
    assert_eq!(ann.send("/console/bulk/decide", &many).await.status(), 303);
    let batch = field(&ann.page("/console/queue").await, "batch");
    let undo = [("upload", photo.as_str()), ("number", "2"), ("batch", &batch)];
    let next = kept("/console/undo", &undo, &["2 items"]).await;
    assert_eq!(again(&ann, &next).await, "/console/queue?said=undone_together");
    kept("/console/undo", &undo, &["many items", LATE]).await;

    let cut = [("csrf", own.as_str()), ("last", "0"), ("choice", "cut:nudity")];
    assert_eq!(ann.send(&format!("/console/streams/{stream}/hand"), &cut).await.status(), 303);
    let (path, undo) = (format!("/console/streams/{stream}/undo"), [("number", "1"), ("tenant", "acme")]);
    let next = kept(&path, &undo, &[&stream]).await;
    assert_eq!(again(&ann, &next).await, "/console/streams?said=cleared_again&tenant=acme");
    assert!(gone(&next).await);
    kept(&path, &undo, &[LATE]).await;

    let phone = back(&world, "ann@example.org").await;
    let session = field(&ann.page("/console/account").await, "session");
    let end = [("session", session.as_str())];
    let next = kept("/console/account/end", &end, &["a session to be ended"]).await;
    assert_eq!(phone.get("/console/queue").await.status(), 200);
    assert_eq!(again(&ann, &next).await, "/console/account?said=ended");
    assert_eq!(phone.get("/console/queue").await.status(), 303);
    kept("/console/account/end", &end, &["over already"]).await;

    let all =
        kept("/console/insight/dead", &[("do", "all")], &["dead letters to be sent back", "all of them"])
            .await;
    let one = kept("/console/insight/dead", &[("do", "one"), ("id", "call:7")], &["call:7"]).await;
    for next in [all, one] {
        assert_eq!(again(&ann, &next).await, "/console/insight/engines?said=nothing_dead");
        assert!(gone(&next).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_carried_out_by_now_is_not_offered_to_be_taken_back() {
    let world = World::start(&LONG.replace("10m", "1s")).await;
    let id = world.photo("photo.jpg", 1).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    assert_eq!(ann.rule(&id, "quarantine:spam", &[]).await.status(), 303);
    let csrf = ann.csrf("/console/queue").await;
    let next = away(&world, "/console/undo", &[("csrf", &csrf), ("upload", &id), ("number", "1")]).await;
    world.becomes(&id, "quarantined").await;
    let page = ann.page(&next).await;
    assert!(page.contains("It cannot be taken back any more") && !page.contains("id=\"again\""), "{page}");
    assert_eq!(ann.send(&format!("{next}/drop"), &[("csrf", &csrf)]).await.status(), 303);
    assert!(!ann.page("/console/queue").await.contains(WAITS));
}
