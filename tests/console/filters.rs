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
    // What she skipped comes round again, for nobody else is there; what is not within the filter is not handed out.
    let fence = field(&ann.page(item).await, "fence");
    let rule = [("fence", fence.as_str()), ("choice", "quarantine:spam"), ("then", "next")];
    let skipped = handed.split('?').next().unwrap();
    assert_eq!(send(&format!("{item}/rule"), &rule).await, format!("{skipped}{}", wanted("ruled")));
    let fence = field(&ann.page(skipped).await, "fence");
    let last = send(&skip, &[("fence", &fence), ("why", "language")]).await;
    assert_eq!(last, format!("/console/queue{}", wanted("skipped_last")));
    assert!(ann.page(&last).await.contains("In the whole queue 3 wait"), "which is offered");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_is_asked_for_by_any_of_its_reasons_and_kept_within_that() {
    let world = filled().await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let (gap, words) = ("coverage.image.partial", "The image check looked at only part of it");
    let whole = ann.page("/console/queue").await;
    for option in
        ["<option value=\"look\">look (4)".to_owned(), format!("<option value=\"{gap}\">{words} (2)")]
    {
        assert!(whole.contains(&option), "{whole}");
    }
    assert!(whole.contains("<dd data-of=\"open\">4</dd>") && !whole.contains("<td>look; "), "each once");
    let page = ann.page(&format!("/console/queue?reason={gap}")).await;
    let letters = listed(&page);
    assert!(letters.len() == 2 && page.contains("letter-0.pdf") && !page.contains("photo-"), "{page}");
    assert!(page.contains("<dd data-of=\"open\">2</dd>"), "{page}");
    assert_eq!(page.matches(&format!("<td>look; {words}")).count(), 2, "why they are here: {page}");
    let csrf = field(&page, "csrf");
    let mut at = location(&ann.send("/console/next", &[("csrf", csrf.as_str()), ("reason", gap)]).await);
    for n in 0..2 {
        let (item, query) = at.split_once('?').expect(&at);
        let id = item.rsplit('/').next().unwrap().to_owned();
        assert!(letters.contains(&id) && query.ends_with(&format!("reason={gap}")), "{at}");
        let fence = field(&ann.page(&at).await, "fence");
        let rule = [
            ("csrf", csrf.as_str()),
            ("fence", &fence),
            ("choice", "quarantine:spam"),
            ("then", "next"),
            ("reason", gap),
        ];
        at = location(&ann.send(&format!("{item}/rule"), &rule).await);
        assert_eq!(at.starts_with("/console/queue?said=none_matches"), n == 1, "{at}");
    }
}

/// The ids on a page of the queue, in order.
fn listed(page: &str) -> Vec<String> {
    page.split("href=\"/console/items/").skip(1).map(|rest| rest[..36].to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_is_read_to_its_end_page_by_page() {
    let world = World::start(LONG).await;
    world.letter("letter.pdf").await;
    world.filled(250).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    for (query, items) in [("", 251), ("?type=image%2F", 250)] {
        let (mut path, mut seen, mut pages) = (format!("/console/queue{query}"), Vec::new(), 0);
        loop {
            let page = ann.page(&path).await;
            assert!(page.contains(&format!("<dd data-of=\"open\">{items}</dd>")), "of all pages");
            assert_eq!(page.contains("First page"), pages > 0);
            let here = listed(&page);
            assert!(!here.is_empty() && here.len() <= 100, "{path}");
            (seen, pages) = ([seen, here].concat(), pages + 1);
            let Some((_, more)) = page.split_once("id=\"more\" href=\"") else { break };
            path = more.split('"').next().unwrap().replace("&#38;", "&");
        }
        assert_eq!((seen.len(), pages), (items, 3), "{query}");
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), items, "each once");
    }
    let last = "/console/queue?after=0.0.01a00000-0000-7000-8000-000000000001";
    assert!(ann.page(last).await.contains("Nothing comes after this"));
    assert_eq!(listed(&ann.page("/console/queue?after=x").await).len(), 100, "no place begins at the top");
    let browser = Browser::start().await;
    arrive(&browser, &world, "bob@example.org", "moderator").await;
    browser.go(&world.url("/console/queue")).await;
    browser.click("#more").await;
    browser.shows("First page").await;
    browser.shoot("queue-second-page").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_label_is_asked_for_and_kept_from_item_to_item() {
    let world = World::start(LONG).await;
    world.letter("letter.pdf").await;
    world.filled(9).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let whole = ann.page("/console/queue").await;
    assert!(whole.contains("<option value=\"m.porn\">m.porn (3)</option>"), "{whole}");
    assert_eq!(listed(&whole).len(), 10);
    let page = ann.page("/console/queue?label=m.porn").await;
    let labelled = listed(&page);
    assert_eq!(labelled.len(), 3);
    assert!(
        page.contains("<option selected value=\"m.porn\">") && page.contains("<dd data-of=\"open\">3</dd>")
    );
    let csrf = field(&page, "csrf");
    let kept = [("csrf", csrf.as_str()), ("label", &field(&page, "label"))];
    let mut at = location(&ann.send("/console/next", &kept).await);
    for n in 0..3 {
        let (item, query) = at.split_once('?').expect(&at);
        let id = item.rsplit('/').next().unwrap().to_owned();
        assert!(labelled.contains(&id) && query.ends_with("label=m.porn"), "{at}");
        let page = ann.page(&at).await;
        let fence = field(&page, "fence");
        let form = page.split("id=\"decision\"").nth(1).unwrap();
        let label = field(form, "label");
        let rule = [
            ("csrf", csrf.as_str()),
            ("fence", &fence),
            ("choice", "quarantine:spam"),
            ("then", "next"),
            ("label", &label),
        ];
        at = location(&ann.send(&format!("{item}/rule"), &rule).await);
        assert_eq!(at.starts_with("/console/queue?said=none_matches"), n == 2, "{at}");
    }
    assert!(
        ann.page("/console/queue?label=m.gone").await.contains("m.gone (0)"),
        "what is asked for stays chosen"
    );
}
