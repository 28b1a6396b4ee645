//! What is refused, or comes too late, loses nothing that somebody wrote.

use crate::{
    people::{Visitor, field, location, with_item},
    wait::until,
    world::World,
};

const LONG: &str = "[console]\ntotp = false\nundo = \"10m\"\n";
const WAITS: &str = "What you sent is not done yet";

/// Where the page of a refusal leads on to.
fn kept(page: &str) -> String {
    let at = page.find("/console/drafts/").unwrap_or_else(|| panic!("nothing is kept: {page}"));
    page[at..].split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_decide_at_once_the_second_still_has_what_they_wrote() {
    let world = World::start("[console]\ntotp = false\nundo = \"1s\"\n").await;
    let id = world.photo("photo.jpg", 1).await;
    let item = format!("/console/items/{id}");
    let zoe = Visitor::arrive(&world, "zoe@example.org", "senior", "*").await;
    let yan = Visitor::arrive(&world, "yan@example.org", "senior", "*").await;
    assert_eq!(zoe.rule(&id, "quarantine:spam", &[]).await.status(), 303);
    world.becomes(&id, "quarantined").await;
    // Both may reverse it, and neither holds it.
    let tokens = (zoe.csrf(&item).await, yan.csrf(&item).await);
    let send = async |who: &Visitor, csrf: &str, note: &str| {
        let fields = [("csrf", csrf), ("fence", "0"), ("choice", "approve:false_alarm"), ("note", note)];
        let answer = who.send(&format!("{item}/rule"), &fields).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (hers, his) = ("a <b>ship</b>, by zoe", "a <b>boat</b>, by yan");
    let (one, two) = tokio::join!(send(&zoe, &tokens.0, hers), send(&yan, &tokens.1, his));
    let mut statuses = [one.0, two.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409], "{one:?} {two:?}");
    let (second, first, page, note) =
        if one.0 == 409 { (&zoe, &yan, one.1, "ship") } else { (&yan, &zoe, two.1, "boat") };
    let shown = format!("a &#60;b&#62;{note}&#60;/b&#62;");
    assert!(page.contains("decided already: approve for") && page.contains(&shown), "{page}");
    assert!(page.contains("(approve: false alarm)"), "{page}");
    let draft = kept(&page);
    assert_eq!(first.get(&draft).await.status(), 404, "it is nobody else's");
    assert!(!first.page("/console/queue").await.contains(WAITS), "what is done is not kept");
    let place = location(&second.get(&draft).await);
    assert!(place.starts_with(&item) && second.page(&place).await.contains(&shown), "{place}");
    assert!(second.page("/console/queue").await.contains(WAITS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_kept_where_somebody_wrote_something_and_is_sent_again() {
    let world = World::start(LONG).await;
    let id = world.letter("letter.pdf").await;
    let item = format!("/console/items/{id}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let (csrf, fence) = ann.take(&id).await;
    ann.send(&format!("{item}/leave"), &[("csrf", &csrf), ("fence", &fence)]).await;
    let rule = async |fields: &[(&str, &str)]| {
        let all: Vec<_> = [("csrf", csrf.as_str()), ("then", "stay")].iter().chain(fields).copied().collect();
        let answer = ann.send(&format!("{item}/rule"), &all).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let nothing = rule(&[("fence", &fence), ("choice", "quarantine:spam")]).await;
    assert_eq!(nothing.0, 409);
    assert!(!nothing.1.contains("/console/drafts/"), "nothing was written: {}", nothing.1);
    let over = rule(&[("fence", &fence), ("choice", "quarantine:spam"), ("note", "it sells ships")]).await;
    assert_eq!(over.0, 409);
    assert!(
        over.1.contains("Your time with this item ran out") && over.1.contains("it sells ships"),
        "{}",
        over.1
    );
    // Back on the item's page it is taken again, with all of it.
    let place = location(&ann.get(&kept(&over.1)).await);
    let page = ann.page(&place).await;
    let draft = field(&page, "draft");
    assert!(page.contains("id=\"take\"") && page.contains("it sells ships"), "{page}");
    let place = location(&ann.send(&format!("{item}/take"), &[("csrf", &csrf), ("draft", &draft)]).await);
    let page = ann.page(&place).await;
    assert!(page.contains("it sells ships</textarea>"), "{page}");
    assert!(page.contains("value=\"quarantine:spam\" required checked"), "{page}");
    // Refused once more it is kept once, as it was written last.
    let fence = field(&page, "fence");
    let again = [("fence", fence.as_str()), ("draft", &draft), ("note", "it sells <boats>")];
    let refused = rule(&[again[0], again[1], again[2], ("choice", "approve:harmless")]).await;
    assert_eq!(refused.0, 422, "a gap was not named");
    assert_eq!(ann.get(&format!("/console/drafts/{draft}")).await.status(), 404);
    assert_eq!(ann.page("/console/queue").await.matches(WAITS).count(), 1);
    let draft = kept(&refused.1).rsplit('/').next().unwrap().to_owned();
    let again = [again[0], ("draft", draft.as_str()), again[2], ("choice", "quarantine:spam")];
    assert_eq!(rule(&again).await.0, 303);
    assert!(!ann.page("/console/queue").await.contains(WAITS), "it was used");
    // One decision on many is not lost either; nor is anything kept for who decides nothing.
    let many = [("csrf", csrf.as_str()), ("choice", "quarantine:spam"), ("note", "all of <them>")];
    let answer = ann.send("/console/bulk", &many).await;
    assert_eq!(answer.status(), 422);
    let page = answer.text().await.unwrap();
    assert!(page.contains("all of &#60;them&#62;"), "{page}");
    assert!(ann.page(&kept(&page)).await.contains("one decision on many items"));
    let eve = Visitor::arrive(&world, "eve@example.org", "auditor", "*").await;
    let theirs = eve.csrf("/console/queue").await;
    let note = [("csrf", theirs.as_str()), ("choice", "note:note"), ("note", "x"), ("fence", "0")];
    let page = eve.send(&format!("{item}/rule"), &note).await.text().await.unwrap();
    assert!(!page.contains("/console/drafts/"), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn take_it_again_keeps_a_long_note_and_its_address_holds_none_of_it() {
    let world = World::start(LONG).await;
    let id = world.letter("letter.pdf").await;
    let item = format!("/console/items/{id}");
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let (csrf, fence) = ann.take(&id).await;
    let note = "gröber ".repeat(572).chars().take(4_000).collect::<String>();
    assert_eq!(note.chars().count(), 4_000);
    let fields = [
        ("csrf", csrf.as_str()),
        ("fence", &fence),
        ("type", "application/pdf"),
        ("choice", "approve:harmless"),
        ("override", "coverage.image.partial"),
        ("note", &note),
    ];
    let to = location(&ann.send(&format!("{item}/take"), &fields).await);
    assert!(to.len() < 200 && !to.contains("gr") && to.contains("type=application%2Fpdf"), "{to}");
    let page = ann.page(&to).await;
    assert!(page.contains(&format!("{note}</textarea>")), "{page}");
    for chosen in ["value=\"approve:harmless\" required checked", "value=\"coverage.image.partial\" checked"]
    {
        assert!(page.contains(chosen), "{chosen}: {page}");
    }
    // Where nothing was written there is nothing to keep, and an address writes no note.
    let to = location(&ann.send(&format!("{item}/take"), &fields[..5]).await);
    assert!(to.contains("choice=approve%3Aharmless") && !to.contains("draft="), "{to}");
    assert!(!ann.page(&format!("{to}&note=planted")).await.contains("planted"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_told_that_their_time_ran_out_takes_the_item_again_and_goes_on_writing() {
    let world = World::start(&format!("{LONG}lease = \"6s\"\n")).await;
    let id = world.letter("letter.pdf").await;
    let browser = with_item(&world, "ann@example.org", &id).await;
    assert!(browser.has("#over[hidden]").await);
    browser.click("input[value='quarantine:spam']").await;
    let note = "it sells \"ships\" & <boats>";
    browser.write("#note", note).await;
    // As it is while a machine sleeps: nobody asked for more time.
    world.stored("UPDATE reviews SET holder = NULL, held_until = NULL, fence = fence + 1").await;
    browser.element("#over:not([hidden])").await;
    browser.shows("Your time with this item ran out").await;
    browser.shoot("item-over").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    browser.click("#over button").await;
    let value = "return [document.querySelector('#note')?.value, document.querySelector('input[name=choice]:checked')?.value, \
                 document.querySelector('#over')?.hidden]";
    let wanted = serde_json::json!([note, "quarantine:spam", true]);
    until("the form is back", async || {
        let place = browser.place().await;
        let shown = browser.eval(value).await;
        if place.contains("draft=") && shown == wanted { Ok(()) } else { Err((place, shown)) }
    })
    .await;
    assert!(!browser.place().await.contains("ships"));
    browser.click("#decision button[value=stay]").await;
    browser.shows("Your decision is stored").await;
    browser.shows(note).await;
    assert!(!browser.text("body").await.contains(WAITS), "it was used");
}
