//! The page of people, where there are many.

use crate::{
    people::{Visitor, field, location},
    world::World,
};

/// The addresses on a page, in its order.
fn addresses(page: &str) -> Vec<String> {
    let cells = page.split("<td>").skip(1).map(|cell| cell.split('<').next().unwrap().to_owned());
    cells.filter(|cell| cell.contains('@')).collect()
}

/// Where a link leads.
fn link(page: &str, words: &str) -> Option<String> {
    let before = page.split_once(&format!("\">{words}</a>"))?.0;
    Some(before.rsplit('"').next().unwrap().replace("&#38;", "&"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_accounts_come_page_by_page() {
    let world = World::start("[console]\ntotp = false\n").await;
    let root = Visitor::arrive(&world, "root@example.org", "admin", "*").await;
    let csrf = root.csrf("/console/users").await;
    assert_eq!(link(&root.page("/console/users").await, "Next page"), None);
    let all: Vec<String> = (0..110).map(|n| format!("person-{n:03}@example.org")).collect();
    for email in &all {
        let fields = [
            ("csrf", csrf.as_str()),
            ("email", email),
            ("role", "moderator"),
            ("tenants", "acme,globex"),
            ("queues", "image,coverage.video"),
        ];
        assert_eq!(root.send("/console/users", &fields).await.status(), 200, "{email}");
    }
    let mut pages = Vec::new();
    let mut next = Some("/console/users".to_owned());
    while let Some(path) = next {
        let page = root.page(&path).await;
        assert!(page.len() < 100_000, "{path} is {} bytes", page.len());
        next = link(&page, "Next page");
        pages.push(page);
    }
    let shown: Vec<_> = pages.iter().map(|page| addresses(page)).collect();
    assert_eq!(shown.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 11]);
    assert_eq!(shown.concat(), [all, vec!["root@example.org".to_owned()]].concat());
    // Back, and from a change to the page that it was made on.
    let back = link(&pages[2], "Previous page").unwrap();
    assert_eq!(addresses(&root.page(&back).await), shown[1]);
    let id = pages[1].split("action=\"/console/users/").nth(1).unwrap().split('"').next().unwrap();
    let fields = [("csrf", csrf.as_str()), ("do", "disable")];
    let to = location(&root.send(&format!("/console/users/{id}"), &fields).await);
    let page = root.page(&to).await;
    assert_eq!((addresses(&page), page.matches(">disabled</span>").count()), (shown[1].clone(), 1));
    assert_eq!(addresses(&root.page("/console/users?at=nobody").await), shown[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_found_by_a_part_of_their_address_and_by_their_role() {
    let world = World::start("[console]\ntotp = false\n").await;
    let root = Visitor::arrive(&world, "root@example.org", "admin", "*").await;
    let csrf = root.csrf("/console/users").await;
    let many: Vec<String> = (0..60).map(|n| format!("person-{n:03}@example.org")).collect();
    let others =
        [("a_b@example.org", "senior"), ("axb@example.org", "senior"), ("100%@example.org", "auditor")];
    for (email, role) in many.iter().map(|email| (email.as_str(), "moderator")).chain(others) {
        let fields =
            [("csrf", csrf.as_str()), ("email", email), ("role", role), ("tenants", "*"), ("queues", "*")];
        assert_eq!(root.send("/console/users", &fields).await.status(), 200, "{email}");
    }
    let asked = async |query: &str| root.page(&format!("/console/users?{query}")).await;
    for (query, found) in [
        ("part=A_B", &["a_b@example.org"][..]),
        ("part=%25", &["100%@example.org"]),
        ("part=+XB%40example+", &["axb@example.org"]),
        ("only=senior", &["a_b@example.org", "axb@example.org"]),
        ("part=xb&only=senior", &["axb@example.org"]),
        ("part=xb&only=auditor", &[]),
    ] {
        assert_eq!(addresses(&asked(query).await), found, "{query}");
    }
    let all = addresses(&asked("part=&only=nobody").await);
    assert_eq!((all.len(), all[0].as_str()), (50, "100%@example.org"), "no role of ours asks for all");
    // It goes on page by page within what was asked for, which the fields keep.
    let first = asked("part=PERSON&only=moderator").await;
    let filter = first.split_once("aria-label=\"Filter\"").unwrap().1.split("</form>").next().unwrap();
    assert!(filter.contains("name=\"part\" value=\"PERSON\""), "{filter}");
    assert!(filter.contains("<option selected>moderator</option>"), "{filter}");
    assert_eq!(addresses(&first), many[..50]);
    let next = link(&first, "Next page").unwrap();
    let second = root.page(&next).await;
    assert_eq!(addresses(&second), many[50..]);
    assert_eq!(link(&second, "Next page"), None);
    assert_eq!(addresses(&root.page(&link(&second, "Previous page").unwrap()).await), many[..50]);
    // A change leads back to that page of it.
    let id = second.split("action=\"/console/users/").nth(1).unwrap().split('"').next().unwrap();
    let fields = [("csrf", csrf.as_str()), ("do", "disable"), ("part", "PERSON"), ("only", "moderator")];
    let to = location(&root.send(&format!("/console/users/{id}"), &fields).await);
    assert!(to.starts_with(&next) && to.ends_with("&said=saved"), "{to}");
    let form = second.split_once(&format!("/console/users/{id}\"")).unwrap().1;
    assert_eq!((field(form, "part"), field(form, "only")), ("PERSON".to_owned(), "moderator".to_owned()));
    let nobody = asked("part=%22%3E%3Cb%3E").await;
    assert!(nobody.contains("Nobody here matches") && nobody.contains("Show all people"), "{nobody}");
    assert!(nobody.contains("value=\"&#34;&#62;&#60;b&#62;\""), "{nobody}");
    // Who decides on some accounts finds no others.
    let lee = Visitor::arrive(&world, "lee@example.org", "admin", "globex").await;
    let page = lee.page("/console/users?part=root").await;
    assert!(page.contains("Nobody here matches") && !page.contains("root@example.org"), "{page}");
}
