//! The store or the files gone while somebody works, and two who decide at once.

use crate::{
    browser::Browser,
    people::{Visitor, arrive, field},
    postgres::Server as Postgres,
    wait::until,
    world::World,
};

const OPEN: &str = "[console]\ntotp = false\nundo = \"10m\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_gone_gives_a_clear_page_and_nothing_is_half_decided() {
    let database = Postgres::start();
    let url = database.database().await;
    let key = "0f".repeat(32);
    let settings = format!(
        "[store]\nurl = \"{url}\"\n[delivery.keys]\na = \"{key}\"\n[console]\ntotp = false\nundo = \"10m\"\nkey = \"{key}\"\n"
    );
    let world = World::start(&settings).await;
    let id = world.letter("letter.pdf").await;
    let item = format!("/console/items/{id}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let (csrf, fence) = ann.take(&id).await;
    let fields =
        [("csrf", csrf.as_str()), ("fence", &fence), ("choice", "quarantine:spam"), ("then", "stay")];
    database.hold_down();
    for path in ["/console/queue", &item] {
        let answer = ann.get(path).await;
        assert_eq!(answer.status(), 503, "{path}");
        let page = answer.text().await.unwrap();
        assert!(page.contains("The store cannot be reached just now. Nothing is half done"), "{page}");
        assert!(!page.contains("127.0.0.1") && !page.to_lowercase().contains("postgres"), "{page}");
    }
    // A page says in its own words why its picture does not come.
    let why = ann.with_header(&format!("{item}/media?view=x"), "accept", "text/plain").await;
    assert!(why.starts_with("The store cannot be reached just now.") && !why.contains('<'), "{why}");
    assert_eq!(ann.send(&format!("{item}/rule"), &fields).await.status(), 503);
    database.let_up();
    let page = until("the page is back", async || {
        let answer = ann.get(&item).await;
        if answer.status() == 200 { Ok(answer.text().await.unwrap()) } else { Err(answer.status()) }
    })
    .await;
    assert!(!page.contains("can be undone still"), "nothing was decided");
    assert_eq!(world.server.show(&id).await["state"], "in_review");
    // The form from before the trouble is good still, or the item is taken again.
    let answer = ann.send(&format!("{item}/rule"), &fields).await;
    assert!([303, 409].contains(&answer.status().as_u16()), "{}", answer.status());
    if answer.status() == 409 {
        assert_eq!(ann.rule(&id, "quarantine:spam", &[]).await.status(), 303);
    }
    let page = ann.page(&item).await;
    assert_eq!(page.matches("quarantine: spam").count(), 1, "once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_decided_is_told_as_decided_also_where_the_store_goes_away_behind_it() {
    let world = World::start(OPEN).await;
    let (photo, letter) = (world.photo("photo.jpg", 1).await, world.letter("letter.pdf").await);
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let (csrf, fence) = ann.take(&photo).await;
    ann.page(&format!("/console/items/{letter}")).await;
    // From here on no view can be ended any more.
    let broken = "CREATE TRIGGER broken BEFORE UPDATE ON views BEGIN SELECT RAISE(ABORT, 'broken'); END";
    world.stored(broken).await;
    let fields =
        [("csrf", csrf.as_str()), ("fence", &fence), ("choice", "quarantine:spam"), ("then", "stay")];
    assert_eq!(ann.send(&format!("/console/items/{photo}/rule"), &fields).await.status(), 303);
    let fields = [("csrf", csrf.as_str()), ("item", &letter), ("choice", "quarantine:spam")];
    assert_eq!(ann.send("/console/bulk/decide", &fields).await.status(), 303);
    world.stored("DROP TRIGGER broken").await;
    for id in [&photo, &letter] {
        let page = ann.page(&format!("/console/items/{id}")).await;
        assert_eq!(page.matches("quarantine: spam").count(), 1, "{page}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_whose_files_are_gone_says_why_and_is_decided() {
    let world = World::start(OPEN).await;
    let photo = world.photo("photo.jpg", 3).await;
    let broken = lazaret_fixtures::picture::png(&lazaret_fixtures::picture::landscape(320, 240, 5));
    let broken = world.in_review("broken.png", &broken[..900]).await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    // One that no decoder takes.
    browser.go(&world.url(&format!("/console/items/{broken}"))).await;
    browser.shows("It cannot be shown: It cannot be decoded").await;
    browser.shoot("item-undecodable").await;
    let (blobs, away) = (world.site.data("blobs"), world.site.data("away"));
    std::fs::rename(&blobs, &away).unwrap();
    browser.go(&world.url(&format!("/console/items/{photo}"))).await;
    browser.shows("No picture of it can be shown").await;
    browser.shoot("item-gone").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    browser.click("#take button").await;
    browser.click("input[value='escalate:unsure']").await;
    browser.click("#decision button[value=stay]").await;
    browser.shows("Escalated to a senior").await;
    std::fs::rename(&away, &blobs).unwrap();
    assert_eq!(world.server.show(&photo).await["state"], "in_review");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_decide_at_the_same_moment_one_wins_and_the_other_is_told() {
    let world = World::start(&OPEN.replace("10m", "1s")).await;
    let zoe = Visitor::arrive(&world, "zoe@example.org", "senior", "*").await;
    let yan = Visitor::arrive(&world, "yan@example.org", "senior", "*").await;
    for round in 0..3 {
        let id = world.photo(&format!("photo-{round}.jpg"), round).await;
        let item = format!("/console/items/{id}");
        assert_eq!(zoe.rule(&id, "quarantine:spam", &[]).await.status(), 303);
        world.becomes(&id, "quarantined").await;
        // Both may reverse it, and neither holds it.
        let tokens = (field(&zoe.page(&item).await, "csrf"), field(&yan.page(&item).await, "csrf"));
        let form = |csrf: &str, choice: &str| {
            [("csrf", csrf), ("fence", "0"), ("choice", choice), ("then", "stay")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        let send = async |who: &Visitor, csrf: &str, choice: &str| {
            let fields = form(csrf, choice);
            let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let answer = who.send(&format!("{item}/rule"), &fields).await;
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        let (one, two) = tokio::join!(
            send(&zoe, &tokens.0, "approve:harmless"),
            send(&yan, &tokens.1, "approve:false_alarm")
        );
        let mut statuses = [one.0, two.0];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 409], "{one:?} {two:?}");
        let told = if one.0 == 409 { one.1 } else { two.1 };
        assert!(told.contains("decided already: approve for"), "{told}");
        world.becomes(&id, "published").await;
    }
}
