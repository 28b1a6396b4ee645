//! One decision on many items.

use crate::{
    browser::Browser,
    people::{Visitor, arrive, field, location},
    world::World,
};

const LONG: &str = "[console]\ntotp = false\nundo = \"10m\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_are_decided_with_one_preview_and_taken_back_with_one_undo() {
    let world = World::start(LONG).await;
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(world.letter(&format!("letter-{n}.pdf")).await);
    }
    ids.push(world.photo("photo.jpg", 3).await);
    let held = world.photo("held.jpg", 4).await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    bob.take(&held).await;
    let browser = Browser::start().await;
    arrive(&browser, &world, "ann@example.org", "moderator").await;
    browser.go(&world.url("/console/queue")).await;
    for id in ids.iter().chain([&held]) {
        browser.click(&format!("input[value='{id}']")).await;
    }
    browser.eval("document.querySelector('#bulk select').value = 'approve:harmless'").await;
    browser.click("#bulk button").await;
    browser.shows("What will happen to 1").await;
    browser.shows("Cannot be decided so: 4").await;
    browser.shows("Name the gaps that it overrides: coverage.image.partial").await;
    browser.shows("is looking at this item now").await;
    browser.shoot("bulk-gaps").await;
    assert_eq!(browser.axe().await, Vec::<String>::new());
    browser.click("input[value='coverage.image.partial']").await;
    browser.click("button[formaction='/console/bulk']").await;
    browser.shows("What will happen to 4").await;
    browser.shoot("bulk-preview").await;
    browser.click("main button.primary").await;
    browser.shows("Decided together").await;
    browser.shows("Approved: 4 items").await;
    browser.shoot("bulk-undo").await;
    for id in &ids {
        assert_eq!(world.server.show(id).await["state"], "in_review", "it can be undone still");
    }
    browser.click("form.undo button").await;
    browser.shows("All of it is taken back").await;
    for n in 0..3 {
        browser.shows(&format!("letter-{n}.pdf")).await;
    }
    assert!(!browser.has("form.undo").await);
    let page = bob.page("/console/queue").await;
    assert_eq!(page.matches("name=\"item\"").count(), 5, "all of them wait again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rules_for_one_hold_for_each_of_many() {
    let world = World::start("[console]\ntotp = false\nundo = \"1s\"\nsecond = [\"coverage.image\"]\n").await;
    let (letter, photo) = (world.letter("letter.pdf").await, world.photo("photo.jpg", 1).await);
    let virus = world.in_review("virus.txt", &lazaret_fixtures::eicar()).await;
    let sealed = world.photo("sealed.jpg", 2).await;
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    assert_eq!(ann.rule(&sealed, "quarantine:child_abuse", &[]).await.status(), 303);
    let csrf = ann.csrf("/console/queue").await;
    let chosen = |choice: &'static str, ids: &[&str]| {
        let mut fields = vec![("csrf".to_owned(), csrf.clone()), ("choice".into(), choice.into())];
        fields.push(("override".into(), "coverage.image.partial".into()));
        fields.extend(ids.iter().map(|id| ("item".to_owned(), (*id).to_owned())));
        fields
    };
    let send = async |who: &Visitor, path: &str, fields: &[(String, String)]| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        who.send(path, &fields).await
    };
    let all = [letter.as_str(), &photo, &virus, &sealed];
    let preview = send(&ann, "/console/bulk", &chosen("approve:harmless", &all)).await.text().await.unwrap();
    for words in
        ["What will happen to 2", "Waits for a second person", "never published", "There is no such item"]
    {
        assert!(preview.contains(words), "{words}: {preview}");
    }
    assert!(!preview.contains("sealed.jpg"), "what is sealed is not even named");
    assert_eq!(world.server.show(&photo).await["state"], "in_review", "a preview decides nothing");
    // Sent as it is, past the preview.
    let done = send(&ann, "/console/bulk/decide", &chosen("approve:harmless", &all)).await;
    assert_eq!(done.status(), 409);
    let done = done.text().await.unwrap();
    assert!(done.contains("never published") && done.contains("There is no such item"), "{done}");
    world.becomes(&photo, "published").await;
    for id in [&letter, &virus] {
        assert_eq!(world.server.show(id).await["state"], "in_review", "{id}");
    }
    // The virus is nobody's after the refusal.
    assert!(!ann.page("/console/queue").await.contains("yours"));
    // Somebody of another tenant sees nothing of it, and an auditor may not.
    let mallory = Visitor::arrive(&world, "mallory@example.org", "senior", "globex").await;
    let mut theirs = chosen("quarantine:spam", &[&letter, &virus]);
    theirs[0].1 = mallory.csrf("/console/queue").await;
    let page = send(&mallory, "/console/bulk", &theirs).await.text().await.unwrap();
    assert!(page.contains("Nothing of this can be decided so") && !page.contains("letter.pdf"), "{page}");
    assert_eq!(send(&mallory, "/console/bulk/decide", &theirs).await.status(), 409);
    let eve = Visitor::arrive(&world, "eve@example.org", "auditor", "*").await;
    theirs[0].1 = eve.csrf("/console/queue").await;
    for path in ["/console/bulk", "/console/bulk/decide"] {
        assert_eq!(send(&eve, path, &theirs).await.status(), 403, "{path}");
    }
    for id in [&letter, &virus] {
        assert_eq!(world.server.show(id).await["state"], "in_review", "{id}");
    }
    // Nobody undoes another's batch, and too many are too many.
    let nothing = [("csrf", csrf.as_str()), ("batch", "0011223344556677")];
    assert_eq!(location(&ann.send("/console/undo", &nothing).await), "/console/queue?said=late_together");
    let many: Vec<String> = (0..101).map(|n| format!("0199f3a0-0000-7000-8000-{n:012x}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(send(&ann, "/console/bulk", &chosen("quarantine:spam", &many)).await.status(), 422);
    assert_eq!(send(&ann, "/console/bulk", &chosen("quarantine:spam", &[])).await.status(), 422);
    assert_eq!(send(&ann, "/console/bulk", &chosen("note:note", &[&letter])).await.status(), 422);
    let forged = [("csrf", field(&page, "csrf").as_str()), ("item", &letter), ("choice", "quarantine:spam")]
        .map(|(a, b)| (a, b.to_owned()));
    let forged: Vec<_> = forged.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(ann.send("/console/bulk/decide", &forged).await.status(), 403, "another's form");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_for_many_is_kept_for_those_that_could_not_be_decided() {
    let world = World::start(LONG).await;
    let (photo, held) = (world.photo("photo.jpg", 1).await, world.photo("held.jpg", 2).await);
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let csrf = ann.csrf("/console/queue").await;
    let (theirs, fence) = bob.take(&held).await;
    let (note, shown) = ("it sells <ships>", "it sells &#60;ships&#62;");
    let base = [
        ("csrf", csrf.as_str()),
        ("type", "image/"),
        ("choice", "quarantine:spam"),
        ("note", note),
        ("item", &held),
    ];
    let offers = async || ann.page("/console/queue").await.matches("class=\"offer draft\"").count();
    // The form that the page of a conflict offers.
    let rest = async |more: (&str, &str)| {
        let fields = [&base[..], &[more]].concat();
        let answer = ann.send("/console/bulk/decide", &fields).await;
        assert_eq!(answer.status(), 409);
        let page = answer.text().await.unwrap();
        page.split_once("id=\"rest\"").expect("another try").1.split("</form>").next().unwrap().to_owned()
    };
    let first = rest(("item", &photo)).await;
    assert_eq!(["choice", "note", "item"].map(|name| field(&first, name)), ["quarantine:spam", shown, &held]);
    assert_eq!(first.matches("name=\"item\"").count(), 1, "what was decided is not decided again");
    let draft = field(&first, "draft");
    let kept = ann.page(&format!("/console/drafts/{draft}")).await;
    let form = kept.split_once("id=\"again\"").unwrap().1;
    assert_eq!(["choice", "note", "item"].map(|name| field(form, name)), ["quarantine:spam", shown, &held]);
    assert!(!form.contains(&photo), "{form}");
    assert_eq!(offers().await, 1);
    // In vain once more it is kept once, and for nobody else.
    let second = rest(("draft", &draft)).await;
    assert_eq!(ann.get(&format!("/console/drafts/{draft}")).await.status(), 404);
    assert_eq!(offers().await, 1);
    let draft = field(&second, "draft");
    assert_eq!(bob.get(&format!("/console/drafts/{draft}")).await.status(), 404);
    // Whoever tries again finds all of it filled in.
    bob.send(&format!("/console/items/{held}/leave"), &[("csrf", &theirs), ("fence", &fence)]).await;
    let again = [&base[..], &[("draft", draft.as_str())]].concat();
    let preview = ann.send("/console/bulk", &again).await.text().await.unwrap();
    assert!(preview.contains("What will happen to 1"), "{preview}");
    let filled = ["type", "choice", "note", "draft", "item"].map(|name| field(&preview, name));
    assert_eq!(filled, ["image/", "quarantine:spam", shown, &draft, &held]);
    let to = location(&ann.send("/console/bulk/decide", &again).await);
    assert_eq!(to, "/console/queue?said=together&type=image%2F");
    assert_eq!(offers().await, 0, "it was used");
}
