//! The page of people, where there are many.

use crate::{
    people::{Visitor, location},
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
    Some(before.rsplit('"').next().unwrap().to_owned())
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
