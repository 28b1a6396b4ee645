//! Films that take their time.

use crate::{
    films::{blue, colours, film},
    server::Server,
    upload::{coverage, has_reason},
    wait::until,
};
use rustix::process::Signal;
use serde_json::Value;
use std::time::Duration;

const EVERYTHING: &str = "[[rule]]\nname = \"all\"\nwhen = \"true\"\nverdict = \"publish\"\n";

/// Law 2: whatever the policy would have. No time at all is over before the first frame, on any machine.
#[tokio::test]
async fn law_2_a_film_that_takes_more_time_than_there_is_goes_to_people() {
    let site = colours("[video]\ntime = \"0s\"\n");
    site.write("policy.toml", EVERYTHING.as_bytes());
    let server = Server::ready(&site).await;
    let applied = site.run(&["policy", "apply", "policy.toml", "--tenant", "acme"]).await;
    assert_eq!(applied.code(), 0, "{applied:?}");
    let clip = blue(&site, "calm.mp4", 1, "green", (0.4, 0.6));
    let upload = server.verdict_on("calm.mp4", &clip).await;
    assert_eq!(upload["state"], "in_review", "{upload}");
    let detail = &upload["verdict_detail"];
    let (video, why) = coverage(detail, "video");
    assert!(video == "failed" && why.starts_with("limit.time"), "{detail}");
    assert!(has_reason(detail, "coverage.video.failed"), "{detail}");
    assert_eq!(coverage(detail, "structure"), ("complete", ""), "it is a whole film: {detail}");
    assert!(site.objects("published").is_empty());
    let id = upload["id"].as_str().unwrap();
    for rendition in ["original", "thumbnail"] {
        assert_eq!(server.mint(id, rendition).await.status(), 409, "{rendition}");
    }
}

#[tokio::test]
async fn how_far_a_copy_is_made_is_shown_until_it_is_done() {
    let site = colours("[watermark]\ntext = \"mine\"\n");
    site.write("policy.toml", EVERYTHING.as_bytes());
    let server = Server::ready(&site).await;
    let applied = site.run(&["policy", "apply", "policy.toml", "--tenant", "acme"]).await;
    assert_eq!(applied.code(), 0, "{applied:?}");
    let clip = film(
        &site,
        "clip.mp4",
        "-f lavfi -i testsrc2=size=640x360:rate=25:duration=10 -c:v libx264 -preset ultrafast -pix_fmt yuv420p",
    );
    let id = server.upload("clip.mp4", &clip).await;
    until("its contact sheet is kept, and then its copies are made", async || {
        let held = site.objects("held");
        if held.iter().any(|name| name.contains("sheet")) { Ok(()) } else { Err(held) }
    })
    .await;
    let decoders = |signal| {
        let all = server.processes().into_iter().filter(|process| process.name == "lazaret-video");
        all.for_each(|process| process.signal(signal));
    };
    // From here on it has a small share of a processor, so that none is too fast to be seen at work.
    let shown = until("it is told how far the copy is", async || {
        decoders(Signal::CONT);
        tokio::time::sleep(Duration::from_millis(10)).await;
        decoders(Signal::STOP);
        tokio::time::sleep(Duration::from_millis(25)).await;
        let upload = server.show(&id).await;
        assert!(upload["settled_at"].is_null(), "it was told of nothing: {upload}");
        let told = upload["waiting_for"].as_str().unwrap_or_default();
        if told.starts_with("the watermarked copy is made: ") { Ok(upload) } else { Err(upload) }
    })
    .await;
    assert_eq!(shown["state"], "scanning", "{shown}");
    let share =
        shown["waiting_for"].as_str().unwrap().strip_suffix(" %").and_then(|told| told.rsplit(' ').next());
    let share: u8 = share.unwrap().parse().unwrap();
    assert!(share <= 100, "{shown}");
    decoders(Signal::CONT);
    let upload = server.settled(&id).await;
    assert_eq!((&upload["state"], &upload["waiting_for"]), (&"published".into(), &Value::Null), "{upload}");
}
