//! An item in hand: how long, and what becomes of it when its page is left.

use crate::{
    browser::Browser,
    people::{PASSWORD, Visitor, with_item},
    wait::until,
    world::World,
};
use sqlx::{Connection, SqliteConnection};

/// Who has it, and until when.
async fn held(world: &World, id: &str) -> Option<(String, i64)> {
    let file = format!("sqlite:{}?mode=ro", world.site.data("lazaret.db").display());
    let mut store = SqliteConnection::connect(&file).await.unwrap();
    let row: (Option<String>, Option<i64>) =
        sqlx::query_as("SELECT holder, held_until FROM reviews WHERE upload = $1")
            .bind(id)
            .fetch_one(&mut store)
            .await
            .unwrap();
    store.close().await.unwrap();
    row.0.zip(row.1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_page_keeps_the_item_in_hand_and_gives_it_back_when_it_is_left() {
    let world = World::start("[console]\ntotp = false\nlease = \"9s\"\n").await;
    let id = world.letter("letter.pdf").await;
    let _open = with_item(&world, "ann@example.org", &id).await;
    let (holder, first) = held(&world, &id).await.expect("it is taken");
    // Nobody touches the page: only its script asks for more.
    until("it is held for twice as long", async || match held(&world, &id).await {
        Some((by, until)) if by == holder && until >= first + 9_000 => Ok(()),
        other => Err(other),
    })
    .await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let csrf = bob.csrf("/console/queue").await;
    let answer = bob.send("/console/next", &[("csrf", &csrf)]).await;
    assert!(crate::people::location(&answer).contains("said=none"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_the_page_gives_the_item_back_at_once() {
    let world = World::start("[console]\ntotp = false\nlease = \"1h\"\n").await;
    let id = world.letter("letter.pdf").await;
    let browser = with_item(&world, "ann@example.org", &id).await;
    assert!(held(&world, &id).await.is_some());
    browser.go(&world.url("/console/account")).await;
    until("it is given back", async || match held(&world, &id).await {
        None => Ok(()),
        held => Err(held),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_whose_time_ran_out_is_seen_to_have_come_back() {
    let world = World::start("[console]\ntotp = false\nlease = \"3s\"\n").await;
    let id = world.letter("letter.pdf").await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    assert!(!bob.page("/console/queue").await.contains("came back"));
    ann.take(&id).await;
    until("it came back", async || {
        let page = bob.page("/console/queue").await;
        if page.contains("came back") { Ok(()) } else { Err(page.contains("in review")) }
    })
    .await;
    let browser = Browser::start().await;
    browser.go(&world.url("/console/queue")).await;
    browser.write("input[name=email]", "bob@example.org").await;
    browser.write("input[name=password]", PASSWORD).await;
    browser.click("main form button").await;
    browser.shows("came back").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sealed_is_in_no_queue_and_no_number_of_a_moderators() {
    let world = World::start("[console]\ntotp = false\nundo = \"1s\"\n").await;
    let (sealed, plain) = (world.photo("sealed.jpg", 1).await, world.letter("letter.pdf").await);
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let open = async || {
        let page = bob.page("/console/queue").await;
        let at = page.find("data-of=\"open\"").unwrap_or_else(|| panic!("{page}"));
        let number = page[at..].split(['>', '<']).nth(1).unwrap().to_owned();
        (number, page.contains(&sealed), page.contains(&plain))
    };
    assert_eq!(open().await, ("2".to_owned(), true, true));
    assert_eq!(ann.rule(&sealed, "quarantine:child_abuse", &[]).await.status(), 303);
    assert_eq!(open().await, ("1".to_owned(), false, true), "at once, before it is carried out");
    world.becomes(&sealed, "quarantined").await;
    assert_eq!(open().await, ("1".to_owned(), false, true));
    // No appeal opens it again, and it is not there by its address either.
    let appeal = serde_json::json!({ "text": "no", "appellant": "user-3" });
    assert_eq!(world.says(&sealed, "appeals", appeal).await, 409);
    assert_eq!(open().await, ("1".to_owned(), false, true));
    assert_eq!(bob.get(&format!("/console/items/{sealed}")).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_with_reset_forgets_password_and_sessions() {
    let world = World::start("[console]\ntotp = false\n").await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let made = world.site.run(&["user", "link", "ann@example.org"]).await;
    assert_eq!(made.code(), 0, "{made:?}");
    assert_eq!(ann.get("/console/queue").await.status(), 200, "without it all stays");
    let made = world.site.run(&["user", "link", "Ann@example.org", "--reset"]).await;
    assert_eq!(made.code(), 0, "{made:?}");
    assert_eq!(ann.get("/console/queue").await.status(), 303, "her session is over");
    let mut again = Visitor::new(&world);
    let fields = [("email", "ann@example.org"), ("password", PASSWORD)];
    assert_eq!(again.send("/console/sign-in", &fields).await.status(), 401, "her password is forgotten");
    let link = made.out();
    again.enter(link[link.find("/console/link/").unwrap()..].trim(), &[]).await;
    assert_eq!(crate::people::location(&again.get("/console/queue").await), "/console/account/password");
    again.choose_password("tiefer Schnee im Mai").await;
    assert_eq!(again.get("/console/queue").await.status(), 200);
    let unknown = world.site.run(&["user", "link", "nobody@example.org", "--reset"]).await;
    assert_eq!(unknown.code(), 2, "{unknown:?}");
}
