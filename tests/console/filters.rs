//! Who works on a part of the queue goes on with that part.

use crate::{
    browser::Browser,
    people::{PASSWORD, Visitor, arrive, field, location},
    world::World,
};

const LONG: &str = "[console]\ntotp = false\nundo = \"10m\"\n";
const OF_DOCUMENTS: &str = "type=application%2Fpdf";

async fn filled() -> World {
    let world = World::start(LONG).await;
    for n in 0..2 {
        world.photo(&format!("photo-{n}.jpg"), n).await;
        world.letter(&format!("letter-{n}.pdf")).await;
    }
    world
}

/// Where the next item is, once it is there.
async fn item(browser: &Browser, not: &str) -> String {
    browser.element("#decision").await;
    crate::wait::until("another item", async || {
        let place = browser.place().await;
        let item = place.strip_prefix("/console/items/").unwrap_or_default().to_owned();
        let new = !item.is_empty() && (not.is_empty() || !item.starts_with(&not[..36]));
        if new { Ok(item) } else { Err(place) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_item_is_of_the_same_filter_until_there_is_none_and_the_whole_queue_is_offered() {
    let world = filled().await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url("/console/queue")).await;
    browser.eval("document.querySelector('select[name=type]').value = 'application/pdf'").await;
    browser.click(".filter button").await;
    browser.element(".filter a").await;
    browser.press("r").await;
    let first = item(&browser, "").await;
    browser.shows("letter-").await;
    assert!(first.ends_with(OF_DOCUMENTS), "{first}");
    // Taken back, it is within the filter still.
    browser.press("q").await;
    browser.press("\u{E007}").await;
    item(&browser, &first).await;
    browser.press("u").await;
    browser.shows("Taken back. The item is yours again").await;
    let again = browser.place().await;
    assert!(again.contains(&first[..36]) && again.ends_with(OF_DOCUMENTS), "{again}");
    browser.press("q").await;
    browser.press("\u{E007}").await;
    let second = item(&browser, &first).await;
    browser.shows("letter-").await;
    browser.press("q").await;
    browser.press("\u{E007}").await;
    browser.shows("Nothing more waits for you within this filter").await;
    browser.shows("In the whole queue 2 wait").await;
    let place = browser.place().await;
    assert!(second.ends_with(OF_DOCUMENTS) && place.ends_with(OF_DOCUMENTS), "{second} {place}");
    browser.shoot("queue-none-matches").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    browser.click("#whole button").await;
    let other = item(&browser, &second).await;
    browser.shows("photo-").await;
    assert!(!other.contains('?'), "{other}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_is_kept_without_scripts_too() {
    let world = filled().await;
    Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let browser = Browser::without_scripts().await;
    browser.go(&world.url(&format!("/console/queue?{OF_DOCUMENTS}"))).await;
    browser.write("input[name=email]", "ann@example.org").await;
    browser.write("input[name=password]", PASSWORD).await;
    browser.click("main form button").await;
    browser.click("button[data-key=r]").await;
    let mut last = String::new();
    for _ in 0..2 {
        last = item(&browser, &last).await;
        assert!(last.ends_with(OF_DOCUMENTS), "{last}");
        assert!(browser.text("h1").await.contains("letter-"));
        browser.click("input[value='quarantine:spam']").await;
        browser.click("#next").await;
    }
    browser.element("#whole").await;
    let text = browser.text("main").await;
    assert!(text.contains("Nothing more waits for you within this filter"), "{text}");
    browser.click("#whole button").await;
    item(&browser, &last).await;
    assert!(browser.text("h1").await.contains("photo-"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_of_a_decision_keeps_the_filter() {
    let world = filled().await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let whole = ann.page("/console/queue").await;
    let (_, reasons) = whole.split_once("<option value=\"\">any</option><option value=\"").unwrap();
    let reason = reasons.split('"').next().unwrap();
    let query = format!("tenant=acme&reason={reason}&type=application%2Fpdf");
    let (query, queue) = (query.as_str(), format!("/console/queue?{query}"));
    let page = ann.page(&queue).await;
    let csrf = field(&page, "csrf");
    assert!(page.matches("href=\"/console/items/").count() == 2 && !page.contains("photo-"), "{page}");
    let link = format!("?{}\"", query.replace('&', "&#38;"));
    assert_eq!(page.matches(&link).count(), 2 + 1, "both items, and the numbers that change: {page}");
    let filter = [("tenant", "acme"), ("reason", reason), ("type", "application/pdf")];
    let send = async |path: &str, more: &[(&str, &str)]| {
        let fields: Vec<_> = [("csrf", csrf.as_str())].iter().chain(&filter).chain(more).copied().collect();
        location(&ann.send(path, &fields).await)
    };
    let handed = send("/console/next", &[]).await;
    let (item, kept) = handed.split_once('?').expect(&handed);
    assert_eq!(kept, query);
    let page = ann.page(&handed).await;
    let (form, fence) = (page.split("id=\"decision\"").nth(1).unwrap(), field(&page, "fence"));
    for (name, value) in filter {
        assert_eq!(field(form, name), value);
    }
    let fenced = [("fence", fence.as_str())];
    let wanted = |said: &str| format!("?said={said}&{query}");
    let (left, skip) = (format!("{item}/leave"), format!("{item}/skip"));
    assert_eq!(send(&left, &fenced).await, format!("/console/queue{}", wanted("left")));
    assert!(send(&format!("{item}/take"), &[]).await.ends_with(query));
    let fence = field(&ann.page(&handed).await, "fence");
    let other = send(&skip, &[("fence", &fence), ("why", "language")]).await;
    assert!(other.ends_with(&wanted("skipped")) && !other.starts_with(item), "{other}");
    let item = other.split('?').next().unwrap();
    let fence = field(&ann.page(item).await, "fence");
    let rule = [("fence", fence.as_str()), ("choice", "quarantine:spam"), ("then", "stay")];
    assert_eq!(send(&format!("{item}/rule"), &rule).await, format!("{item}{}", wanted("ruled")));
    let id = item.rsplit('/').next().unwrap();
    let undone = send("/console/undo", &[("upload", id), ("number", "1")]).await;
    assert_eq!(undone, format!("{item}{}", wanted("undone")));
    // Of two skipped or decided ones nothing is left, and what is not within the filter is not handed out.
    let fence = field(&ann.page(item).await, "fence");
    let rule = [("fence", fence.as_str()), ("choice", "quarantine:spam"), ("then", "next")];
    assert_eq!(
        send(&format!("{item}/rule"), &rule).await,
        format!("/console/queue{}", wanted("none_matches"))
    );
    // Decided together they keep it as well.
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let token = bob.csrf(&queue).await;
    let first = handed.split(['/', '?']).nth(3).unwrap();
    let many = [("csrf", token.as_str()), ("item", first), ("choice", "quarantine:spam"), ("tenant", "acme")];
    let preview = bob.send("/console/bulk", &many).await.text().await.unwrap();
    assert_eq!(field(&preview, "tenant"), "acme");
    let to = location(&bob.send("/console/bulk/decide", &many).await);
    assert_eq!(to, "/console/queue?said=together&tenant=acme");
    // A reason of which there is nothing stays chosen.
    let page = ann.page("/console/queue?reason=antivirus.infected").await;
    assert!(page.contains("<option value=\"antivirus.infected\" selected>A virus (0)"), "{page}");
}
