//! A decoder that dies, hangs, or eats memory or time costs the one file that it was at work on.

use crate::{samples, server::Server, site::Site, upload::coverage, wait::until};
use lazaret_fixtures::picture;
use rustix::process::Signal;
use serde_json::Value;

/// Sends what keeps a decoder busy, and a signal to the child that is at it, until this file is told as `code`.
async fn struck(server: &Server, signal: Signal, code: &str) -> Value {
    let heavy = samples::heavy();
    until("a child is struck while at work", async || {
        let id = server.upload("heavy.gif", &heavy).await;
        let struck = until("a child is at work, or was", async || {
            if !server.show(&id).await["settled_at"].is_null() {
                return Ok(false);
            }
            let busy = server.children().into_iter().find(|child| child.is_busy());
            busy.map(|child| child.signal(signal)).map(|()| true).ok_or(())
        });
        let struck = struck.await;
        let upload = server.settled(&id).await;
        let told = upload["verdict_detail"].to_string().contains(code);
        if struck && told { Ok(upload) } else { Err(upload) }
    })
    .await
}

async fn assert_a_new_child_serves_the_next_file(server: &Server, n: usize) {
    let upload = server.verdict_on("next.jpg", &samples::photo(n)).await;
    assert_eq!(upload["state"], "published", "{upload}");
}

#[tokio::test]
async fn a_child_that_is_killed_or_hangs_costs_one_file() {
    let site = Site::new("[media]\nwall = \"6s\"\n[pipeline]\nattempts = 1");
    let server = Server::ready(&site).await;
    for (n, (signal, code)) in
        [(Signal::KILL, "child.crashed"), (Signal::STOP, "child.deadline")].into_iter().enumerate()
    {
        let upload = struck(&server, signal, code).await;
        assert_eq!(
            (&upload["state"], &upload["verdict_number"]),
            (&"in_review".into(), &1.into()),
            "{upload}"
        );
        assert!(coverage(&upload["verdict_detail"], "antivirus").0 == "complete", "{upload}");
        assert_a_new_child_serves_the_next_file(&server, n).await;
    }
}

#[tokio::test]
async fn a_child_that_takes_too_much_time_or_memory_costs_one_file() {
    let site = Site::new("[media]\ncpu = \"1s\"\nmemory = \"320MiB\"\n[pipeline]\nattempts = 1");
    let server = Server::ready(&site).await;
    let large = picture::long_animation(8_000, 8_000, 1);
    let cases = [("slow.gif", samples::heavy(), "child.deadline"), ("large.gif", large, "child.memory")];
    for (n, (name, bytes, code)) in cases.into_iter().enumerate() {
        let upload = server.verdict_on(name, &bytes).await;
        assert_eq!(upload["state"], "in_review", "{name}: {upload}");
        let detail = &upload["verdict_detail"];
        let (image, why) = coverage(detail, "image");
        assert!(image == "failed" && why.starts_with(code), "{name}: {upload}");
        assert!(crate::upload::has_reason(detail, "coverage.image.failed"), "{upload}");
        assert_a_new_child_serves_the_next_file(&server, n).await;
    }
}
