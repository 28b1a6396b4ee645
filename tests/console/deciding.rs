use crate::{
    browser::Browser,
    people::{Visitor, arrive, enrol, location, next_code},
    wait::until,
    world::World,
};
use std::collections::BTreeSet;

const ENTER: &str = "\u{E007}";
/// Rulings that stay undoable for as long as a test takes.
const LONG: &str = "[console]\ntotp = false\nundo = \"10m\"\n";
const SHORT: &str = "[console]\ntotp = false\nundo = \"1s\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_takes_the_password_and_then_a_code_that_was_not_used() {
    let world = World::start("").await;
    let browser = Browser::start().await;
    let (secret, used) = enrol(&browser, &world, "ann@example.org", "moderator").await;
    let backup = browser.text(".codes li").await;
    browser.forget_cookies().await;
    browser.go(&world.url("/console/queue")).await;
    browser.write("input[name=email]", "Ann@Example.org").await;
    browser.write("input[name=password]", "wrong horse battery").await;
    browser.click("main form button").await;
    browser.shows("The address or the password is wrong").await;
    browser.shoot("sign-in").await;
    let sign_in = async || {
        browser.write("input[name=password]", crate::people::PASSWORD).await;
        browser.click("main form button").await;
        browser.shows("Second factor").await;
    };
    sign_in().await;
    // The password alone opens nothing.
    browser.go(&world.url("/console/queue")).await;
    browser.shows("Second factor").await;
    browser.write("input[name=code]", "000000").await;
    browser.click("main form button").await;
    browser.shows("The code is wrong").await;
    browser.write("input[name=code]", &used).await;
    browser.click("main form button").await;
    browser.shows("The code is wrong, or was used already").await;
    browser.write("input[name=code]", &next_code(&secret)).await;
    browser.click("main form button").await;
    browser.shows("waiting").await;
    assert_eq!(browser.eval("return document.title").await, "Queue · Lazaret");
    let cookie = browser.cookie("lazaret_session").await;
    assert_eq!((&cookie["httpOnly"], &cookie["sameSite"]), (&true.into(), &"Lax".into()));

    browser.forget_cookies().await;
    browser.go(&world.url("/console/sign-in")).await;
    browser.write("input[name=email]", "ann@example.org").await;
    sign_in().await;
    browser.write("input[name=code]", &backup).await;
    browser.click("main form button").await;
    browser.shows("Queue").await;
    browser.go(&world.url("/console/account")).await;
    browser.shows("9 backup codes left").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_items_are_reviewed_by_keyboard_alone() {
    let world = World::start(LONG).await;
    for n in 0..6 {
        world.photo(&format!("photo-{n}.jpg"), n).await;
    }
    for n in 0..4 {
        world.letter(&format!("letter-{n}.pdf")).await;
    }
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url("/console/queue")).await;
    browser.shows("letter-0.pdf").await;
    browser.shoot("queue").await;
    browser.press("r").await;
    let mut seen = BTreeSet::new();
    for n in 0..10 {
        browser.element("#decision").await;
        let place = browser.place().await;
        let id = place.split(['/', '?']).nth(3).unwrap().to_owned();
        assert!(seen.insert(id.clone()), "{id} came twice");
        if n == 0 {
            browser.press("?").await;
            browser.element("dialog[open]").await;
            browser.press(ENTER).await;
            until(
                "the keys are closed",
                async || if browser.has("dialog[open]").await { Err(()) } else { Ok(()) },
            )
            .await;
        }
        if n % 3 == 0 {
            browser.press("q").await;
            browser.press("6").await;
        } else {
            browser.press("a").await;
            browser.press("o").await;
        }
        if n == 1 {
            browser.press("t").await;
            browser.press("x").await;
            browser.press("\u{E00C}").await;
            browser.shoot("item").await;
        }
        browser.press(ENTER).await;
        until("the next page", async || {
            let now = browser.place().await;
            if now.contains(&id) { Err(now) } else { Ok(()) }
        })
        .await;
    }
    browser.shows("Nothing waits for you").await;
    let rulings = ruled(&world).await;
    assert_eq!(rulings, 10);
    assert!(browser.has("form.undo").await, "the last one can be taken back");
}

/// Rulings in the audit log.
async fn ruled(world: &World) -> usize {
    let auditor = Visitor::arrive(world, "audit@example.org", "auditor", "*").await;
    let lines = auditor.page("/console/audit/export?format=jsonl&action=ruling.made").await;
    lines.lines().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_blurred_and_grey_until_somebody_holds_to_reveal() {
    let world = World::start(LONG).await;
    let id = world.photo("photo.jpg", 3).await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url(&format!("/console/items/{id}"))).await;
    let filter =
        async || browser.eval("return getComputedStyle(document.getElementById('media')).filter").await;
    let veiled = "blur(28px) grayscale(1)";
    until("the picture is there", async || {
        let width = browser.eval("return document.getElementById('media').naturalWidth").await;
        if width == 640 { Ok(()) } else { Err(width) }
    })
    .await;
    assert_eq!(filter().await, veiled);
    browser.hold("v").await;
    until("it is shown", async || match filter().await {
        shown if shown == "none" => Ok(()),
        other => Err(other),
    })
    .await;
    browser.shoot("item-revealed").await;
    browser.let_go("v").await;
    until("it is veiled again", async || match filter().await {
        again if again == veiled => Ok(()),
        other => Err(other),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_session_in_mid_decision_loses_nothing() {
    let world = World::start(LONG).await;
    let id = world.letter("letter.pdf").await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url(&format!("/console/items/{id}"))).await;
    browser.click("#take button").await;
    browser.element("#decision").await;
    browser.click("input[value='quarantine:spam']").await;
    browser.write("#note", "it sells \"ships\" & <boats>").await;
    browser.forget_cookies().await;
    browser.click("#next").await;
    browser.shows("Your session ended").await;
    browser.write("input[name=email]", "ann@example.org").await;
    browser.write("input[name=password]", crate::people::PASSWORD).await;
    browser.click("main form button").await;
    let note = until("the form is back", async || {
        if browser.has("#take button").await {
            browser.click("#take button").await;
        }
        let note = browser.eval("return document.getElementById('note')?.value ?? null").await;
        if note.is_string() { Ok(note) } else { Err(note) }
    })
    .await;
    assert_eq!(note, "it sells \"ships\" & <boats>");
    let chosen = browser.eval("return document.querySelector('input[name=choice]:checked').value").await;
    assert_eq!(chosen, "quarantine:spam");
    browser.click("#next").await;
    browser.shows("Nothing waits for you").await;
    assert_eq!(ruled(&world).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_moderators_are_never_handed_the_same_item() {
    let world = World::start(LONG).await;
    for n in 0..6 {
        world.letter(&format!("letter-{n}.pdf")).await;
    }
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let tokens = (ann.csrf("/console/queue").await, bob.csrf("/console/queue").await);
    let mut handed = BTreeSet::new();
    for _ in 0..3 {
        let form = |token: &str| [("csrf".to_owned(), token.to_owned())];
        let (a, b) = (form(&tokens.0), form(&tokens.1));
        let (one, two) = tokio::join!(next(&ann, &a), next(&bob, &b));
        for (who, place) in [(&ann, one), (&bob, two)] {
            assert!(place.starts_with("/console/items/"), "{place}");
            assert!(handed.insert(place.clone()), "{place} was handed out twice");
            // Decided, so that the next is another.
            let id = place.rsplit('/').next().unwrap();
            assert_eq!(who.rule(id, "quarantine:spam", &[]).await.status(), 303);
        }
    }
    assert_eq!(handed.len(), 6);
}

async fn next(who: &Visitor, form: &[(String, String)]) -> String {
    let fields: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    location(&who.send("/console/next", &fields).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_ran_out_is_anothers_and_its_holder_is_told() {
    let world = World::start("[console]\ntotp = false\nundo = \"10m\"\nlease = \"3s\"\n").await;
    let id = world.letter("letter.pdf").await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let (csrf, fence) = ann.take(&id).await;
    let theirs = bob.csrf("/console/queue").await;
    // Ann's page is closed: nobody extends her lease.
    until("bob is handed it", async || {
        let place = next(&bob, &[("csrf".into(), theirs.clone())]).await;
        if place.contains(&id) { Ok(()) } else { Err(place) }
    })
    .await;
    let rule = format!("/console/items/{id}/rule");
    let fields =
        [("csrf", csrf.as_str()), ("fence", &fence), ("choice", "quarantine:spam"), ("then", "stay")];
    let late = ann.send(&rule, &fields).await;
    assert_eq!(late.status(), 409);
    let told = late.text().await.unwrap();
    assert!(told.contains("Somebody else is looking at this item now; nothing was decided"), "{told}");
    let page = bob.page(&format!("/console/items/{id}")).await;
    let fence = crate::people::field(&page, "fence");
    let fields =
        [("csrf", theirs.as_str()), ("fence", &fence), ("choice", "quarantine:spam"), ("then", "stay")];
    assert_eq!(bob.send(&rule, &fields).await.status(), 303);
    let fields = [("csrf", csrf.as_str()), ("fence", "1"), ("choice", "quarantine:hate"), ("then", "stay")];
    let second = ann.send(&rule, &fields).await;
    assert_eq!(second.status(), 409);
    assert!(
        second.text().await.unwrap().contains("decided already: quarantine for spam, by somebody else"),
        "and is told which"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_taken_or_was_given_back_is_not_decided() {
    let world = World::start(LONG).await;
    let id = world.letter("letter.pdf").await;
    let item = format!("/console/items/{id}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    assert_eq!(ann.rule_untaken(&id, "quarantine:spam").await.status(), 409);
    let (csrf, old) = ann.take(&id).await;
    ann.send(&format!("{item}/leave"), &[("csrf", &csrf), ("fence", &old)]).await;
    let (_, new) = ann.take(&id).await;
    assert_ne!(old, new);
    // A form of before, from a page that stayed open: others may have looked at it in between.
    for (fence, status) in [(&old, 409), (&new, 303)] {
        let fields =
            [("csrf", csrf.as_str()), ("fence", fence), ("choice", "quarantine:spam"), ("then", "stay")];
        assert_eq!(ann.send(&format!("{item}/rule"), &fields).await.status(), status, "{fence}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ruling_is_undone_and_nothing_came_of_it() {
    let world = World::start(LONG).await;
    let id = world.letter("letter.pdf").await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url(&format!("/console/items/{id}"))).await;
    browser.press("r").await;
    browser.element("#decision").await;
    browser.press("q").await;
    browser.press(ENTER).await;
    browser.element("form.undo").await;
    browser.shoot("undo").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    browser.press("u").await;
    browser.shows("Taken back. The item is yours again").await;
    assert!(browser.has("#decision").await);
    assert_eq!(world.server.show(&id).await["state"], "in_review");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approved_picture_is_published_as_a_checked_copy_and_taken_down_again() {
    let world = World::start(SHORT).await;
    let id = world.photo("photo.jpg", 5).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    assert_eq!(ann.rule(&id, "approve:harmless", &[]).await.status(), 303);
    let state = async |wanted: &str| {
        until(wanted, async || {
            let upload = world.server.show(&id).await;
            if upload["state"] == wanted { Ok(upload) } else { Err(upload) }
        })
        .await
    };
    let upload = state("published").await;
    let names: Vec<_> = upload["renditions"].as_array().unwrap().iter().map(|r| r["name"].clone()).collect();
    assert!(names.contains(&"original".into()) && names.contains(&"thumbnail".into()), "{upload}");
    let minted =
        world.server.client.post(world.url(&format!("/v1/uploads/{id}/urls"))).bearer_auth(&world.server.key);
    let minted = minted.json(&serde_json::json!({ "rendition": "original" })).send().await.unwrap();
    let url: serde_json::Value = minted.json().await.unwrap();
    // public_url is the default's; the path is what is signed.
    let path = url["url"].as_str().unwrap().splitn(4, '/').nth(3).unwrap().to_owned();
    let served =
        async || world.server.client.get(world.url(&format!("/{path}"))).send().await.unwrap().status();
    assert_eq!(served().await, 200);

    // A moderator cannot take it down; a senior can, and the link dies.
    let csrf = ann.csrf("/console/queue").await;
    let fields = [("csrf", csrf.as_str()), ("fence", "1"), ("choice", "quarantine:spam")];
    assert_eq!(ann.send(&format!("/console/items/{id}/rule"), &fields).await.status(), 403);
    let zoe = Visitor::arrive(&world, "zoe@example.org", "senior", "*").await;
    let csrf = zoe.csrf("/console/queue").await;
    let fields = [("csrf", csrf.as_str()), ("fence", "0"), ("choice", "quarantine:nudity"), ("then", "stay")];
    assert_eq!(zoe.send(&format!("/console/items/{id}/rule"), &fields).await.status(), 303);
    state("quarantined").await;
    assert_eq!(served().await, 403);
    until("no copy is left", async || {
        let left = world.site.objects("published");
        if left.is_empty() { Ok(()) } else { Err(left) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_is_named_and_a_virus_is_never_approved() {
    let world = World::start(SHORT).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "admin", "*").await;
    let letter = world.letter("letter.pdf").await;
    let unnamed = ann.rule(&letter, "approve:harmless", &[]).await;
    assert_eq!(unnamed.status(), 422);
    assert!(unnamed.text().await.unwrap().contains("coverage.image.partial"));
    let named = ann.rule(&letter, "approve:harmless", &[("override", "coverage.image.partial")]).await;
    assert_eq!(named.status(), 303);
    until("it is published", async || {
        let upload = world.server.show(&letter).await;
        if upload["state"] == "published" { Ok(()) } else { Err(upload) }
    })
    .await;

    let virus = world.in_review("letter.txt", &lazaret_fixtures::eicar()).await;
    let page = ann.page(&format!("/console/items/{virus}")).await;
    assert!(page.contains("A virus"), "{page}");
    let refused = ann.rule(&virus, "approve:harmless", &[]).await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains("never published"));
    assert_eq!(world.server.show(&virus).await["state"], "in_review");
}
