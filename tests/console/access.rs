//! Pages on the way in and beside the way, as assistive technology finds them.

use crate::{
    browser::Browser,
    people::{PASSWORD, Visitor, arrive, enrol, next_code},
    postgres::Server as Postgres,
    wait::until,
    world::World,
};

async fn is_fine(browser: &Browser, words: &str) {
    browser.shows(words).await;
    assert_eq!(browser.axe().await, Vec::<String>::new(), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_on_the_way_in_is_accessible() {
    let world = World::start("").await;
    let browser = Browser::start().await;
    let other = world.invite("bob@example.org", "moderator", "*").await;
    browser.go(&world.url(&other)).await;
    is_fine(&browser, "bob@example.org").await;
    browser.go(&world.url("/console/link/AAAA")).await;
    is_fine(&browser, "The link is not good any more").await;
    let (secret, _) = enrol(&browser, &world, "root@example.org", "admin").await;
    is_fine(&browser, "Backup codes").await;
    browser.go(&world.url("/console/users")).await;
    browser.write("input[name=email]", "new@example.org").await;
    browser.click("main form button.primary").await;
    is_fine(&browser, "/console/link/").await;
    browser.go(&world.url("/console/pause")).await;
    is_fine(&browser, "hard (80 and more)").await;
    browser.click(".who form button").await;
    browser.write("input[name=email]", "root@example.org").await;
    browser.write("input[name=password]", PASSWORD).await;
    browser.click("main form button").await;
    is_fine(&browser, "Second factor").await;
    browser.write("input[name=code]", "000000").await;
    browser.click("main form button").await;
    is_fine(&browser, "The code is wrong").await;
    browser.write("input[name=code]", &next_code(&secret)).await;
    browser.click("main form button").await;
    browser.shows("Queue").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_done_is_said_accessibly() {
    let world = World::start("[console]\ntotp = false\nundo = \"10m\"\n").await;
    let (photo, letter) = (world.photo("photo.jpg", 1).await, world.letter("letter.pdf").await);
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url("/console/items/none")).await;
    is_fine(&browser, "Error 404").await;
    browser.go(&world.url("/console/users")).await;
    is_fine(&browser, "Error 403").await;
    browser.go(&world.url("/console/queue")).await;
    for id in [&photo, &letter] {
        browser.click(&format!("input[value='{id}']")).await;
    }
    browser.click("#bulk option[value='quarantine:spam']").await;
    browser.click("#bulk button").await;
    browser.shows("What will happen to 2").await;
    bob.take(&photo).await;
    browser.click("main form.many button.primary").await;
    is_fine(&browser, "Not all of it could be done").await;
    browser.shows("photo.jpg").await;
    browser.shoot("bulk-conflict").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trouble_of_the_service_is_said_accessibly() {
    let database = Postgres::start();
    let url = database.database().await;
    let key = "0f".repeat(32);
    let settings = format!(
        "[store]\nurl = \"{url}\"\n[delivery.keys]\na = \"{key}\"\n[console]\ntotp = false\nkey = \"{key}\"\n"
    );
    let world = World::start(&settings).await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    let sql = async |sql: &'static str| {
        use sqlx::Connection;
        let mut admin = sqlx::PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut admin).await.unwrap();
    };
    sql("ALTER TABLE drafts RENAME TO away").await;
    browser.go(&world.url("/console/queue")).await;
    is_fine(&browser, "Error 500").await;
    sql("ALTER TABLE away RENAME TO drafts").await;
    database.hold_down();
    browser.go(&world.url("/console/queue")).await;
    is_fine(&browser, "Error 503").await;
    database.let_up();
    until("the page is back", async || {
        browser.go(&world.url("/console/queue")).await;
        if browser.has("nav").await { Ok(()) } else { Err(browser.text("main").await) }
    })
    .await;
}
