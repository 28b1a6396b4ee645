//! The audit log, by the names of people and to its end.

use crate::{people::Visitor, world::World};

const OPEN: &str = "[console]\ntotp = false\nundo = \"10m\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_asked_by_the_names_of_people() {
    let world = World::start(OPEN).await;
    let (one, two) = (world.letter("one.pdf").await, world.letter("two.pdf").await);
    let ann = Visitor::arrive(&world, "ann@example.org", "moderator", "*").await;
    let bob = Visitor::arrive(&world, "bob@example.org", "moderator", "*").await;
    let eve = Visitor::arrive(&world, "eve@example.org", "auditor", "*").await;
    ann.page(&format!("/console/items/{one}")).await;
    bob.page(&format!("/console/items/{two}")).await;
    for name in ["ann@example.org", "ANN", "an", " ann "] {
        let name = name.replace(' ', "+");
        let page = eve.page(&format!("/console/audit?actor={name}&action=item.viewed")).await;
        assert!(page.contains(&one) && !page.contains(&two), "{name}: {page}");
        assert!(page.contains(">ann@example.org</span>") && !page.contains(">bob@"), "{page}");
        let log = eve.page(&format!("/console/audit/export?format=jsonl&actor={name}")).await;
        assert!(log.lines().count() > 2, "{log}");
        for line in log.lines() {
            assert!(line.contains("\"person\":\"ann@example.org\""), "{line}");
        }
    }
    // Whom something is about, who is no person, and nobody.
    let about = eve.page("/console/audit/export?format=csv&subject=bob&action=user.added").await;
    assert_eq!(about.lines().count(), 2, "{about}");
    assert!(
        about.starts_with("sequence,at,actor,person,action,subject,detail,hash\r\n")
            && about.contains("\"cli\",\"\"")
    );
    assert!(eve.page("/console/audit/export?format=jsonl&actor=cli").await.contains("user.added"));
    assert_eq!(eve.page("/console/audit/export?format=jsonl&actor=nobody").await, "");
    // A line that somebody took away tells later whether the log up to it is what it was.
    let taken = eve.page("/console/audit/export?format=jsonl&subject=bob&action=user.added").await;
    let line: serde_json::Value = serde_json::from_str(&taken).unwrap();
    let (sequence, hash) = (line["sequence"].as_u64().unwrap(), line["hash"].as_str().unwrap());
    assert!(about.trim_end().ends_with(&format!(",\"{hash}\"")), "{about}");
    for (line, code) in [(sequence, 0), (sequence + 1, 1)] {
        let expected = format!("{line}:{hash}");
        let verified = world.site.run(&["audit", "verify", "--expect", &expected]).await;
        assert_eq!(verified.code(), code, "{verified:?}");
    }
    for n in 0..9 {
        world.invite(&format!("zoe{n}@example.org"), "moderator", "*").await;
    }
    assert!(eve.page("/console/audit?actor=zoe").await.contains("write more of it"));
    assert!(!eve.page("/console/audit?actor=zoe1").await.contains("write more of it"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_goes_on_to_the_first_line() {
    let world = World::start(OPEN).await;
    let eve = Visitor::arrive(&world, "eve@example.org", "auditor", "*").await;
    let lines = 60_000;
    world
        .stored(&format!(
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {lines}) \
             INSERT INTO audit (at, actor, action, subject, detail, hash) \
             SELECT n, 'system', 'test.line', 'x', '{{}}', zeroblob(32) FROM s"
        ))
        .await;
    for (format, head) in [("jsonl", 0), ("csv", 1)] {
        let log = eve.page(&format!("/console/audit/export?format={format}")).await;
        let of = log.lines().filter(|line| line.contains("\"test.line\"")).count();
        assert_eq!(of, lines, "{format}");
        let first = log.lines().last().unwrap();
        assert!(first.contains("\"sequence\":1,") || first.starts_with("1,\""), "{first}");
        let numbers: Vec<u64> = log
            .lines()
            .skip(head)
            .map(|line| match line.split_once("\"sequence\":") {
                Some((_, rest)) => rest.split(',').next().unwrap().parse().unwrap(),
                None => line.split(',').next().unwrap().parse().unwrap(),
            })
            .collect();
        assert!(numbers.windows(2).all(|pair| pair[0] == pair[1] + 1), "each line once, newest first");
        let some =
            eve.page(&format!("/console/audit/export?format={format}&action=test.line&before=1500")).await;
        assert!(some.lines().count() > 1000 && some.lines().count() < 1500, "within the filter");
    }
    // It goes on while the same person signs in elsewhere, by a code that is used.
    let mut answer = eve.get("/console/audit/export?format=jsonl").await;
    let mut log = answer.chunk().await.unwrap().expect("it begins").to_vec();
    world.stored("UPDATE people SET version = version + 1").await;
    while let Some(more) = answer.chunk().await.expect("it is not broken off") {
        log.extend(more);
    }
    assert!(log.iter().filter(|byte| **byte == b'\n').count() > lines);
    let told = eve.page("/console/audit/export?format=jsonl&action=audit.exported").await;
    assert!(told.contains("\"format\":\"csv\"") && told.contains("action=test.line"), "{told}");
}
