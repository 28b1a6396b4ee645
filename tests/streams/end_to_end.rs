//! The real executables, with a model that fires on red.

use crate::{
    red::{GREY, RED, SETTINGS, numbered, open, plain, prepare},
    server::Server,
    site::Site,
    wait::until,
    world::Socket,
};
use lazaret_fixtures::picture;
use serde_json::json;
use std::{fs, path::Path, time::Duration};

/// A site whose one model fires on red.
async fn site() -> (Site, Server) {
    let site = Site::new(SETTINGS);
    // Streams need no clamd.
    site.hold_clamd_down();
    let key = prepare(&site).await;
    let server = Server::start_with(&site, &key).await;
    (site, server)
}

async fn socket(server: &Server, (id, key): &(String, String)) -> Socket {
    let address = server.url.strip_prefix("http://").unwrap();
    Socket::to(address, &format!("/v1/streams/{id}/frames"), key).await
}

/// A clip of ten seconds, one frame a second, whose middle four trip the model.
#[tokio::test]
async fn a_clip_is_cut_within_the_deadline_and_cleared_after() {
    let (site, server) = site().await;
    let stream = open(&server, json!({})).await;
    let mut socket = socket(&server, &stream).await;
    let mut decisions = Vec::new();
    for second in 0..10_u64 {
        let colour = if (3..7).contains(&second) { RED } else { GREY };
        // Pictures of every kind, and raw pixels.
        let frame = match second % 3 {
            0 => numbered(0, second, (0, 0), &picture::jpeg(&plain(640, 360, colour), 85)),
            1 => numbered(0, second, (0, 0), &picture::png(&plain(640, 360, colour))),
            _ => numbered(1, second, (32, 18), plain(32, 18, colour).as_raw()),
        };
        socket.send(frame).await;
        let judged = socket.next_of("frame").await;
        assert_eq!((&judged["outcome"], &judged["sequence"]), (&"judged".into(), &second.into()), "{judged}");
        decisions.push(judged["decision"].as_str().unwrap().to_owned());
        assert!(judged["elapsed_ms"].as_f64().unwrap() < 5000.0, "{judged}");
    }
    let expected = ["pass", "pass", "pass", "pass", "cut", "cut", "cut", "cut", "cut", "pass"];
    assert_eq!(decisions, expected);
    // Frames that were kept lie where nothing is delivered from.
    until("its frames are kept", async || {
        let held = files(&site.data("blobs/held"));
        if held >= 3 { Ok(()) } else { Err(held) }
    })
    .await;
    assert_eq!(files(&site.data("blobs/published")), 0);
    evidence_shows_to_who_may_read(&site, &server, &stream).await;
    server.kill().await;
    // A second life: what was kept outlives the sweep at its start.
    let kept = files(&site.data("blobs/held"));
    let server = Server::start_with(&site, "").await;
    assert_eq!(files(&site.data("blobs/held")), kept);
    server.kill().await;
}

/// Frames with their scores, as copies, to a key of this tenant's that may read, and to nobody else.
async fn evidence_shows_to_who_may_read(site: &Site, server: &Server, (id, own): &(String, String)) {
    let key = async |tenant: &str, scopes: &str| {
        let made = site.run(&["key", "create", "--tenant", tenant, "--scopes", scopes, "--json"]).await;
        made.json()[0]["key"].as_str().unwrap().to_owned()
    };
    let (reader, stranger) = (key("acme", "read").await, key("globex", "read").await);
    let get = async |path: &str, key: &str| {
        server.client.get(format!("{}{path}", server.url)).bearer_auth(key).send().await.unwrap()
    };
    let list = format!("/v1/streams/{id}/episodes");
    let episode = until("the episode is over", async || {
        let all: serde_json::Value = get(&list, &reader).await.json().await.unwrap();
        let one = all["episodes"][0].clone();
        if one["state"] == "in_review" { Ok(one) } else { Err(all) }
    })
    .await;
    assert_eq!((&episode["worst"], &episode["reason"]), (&"cut".into(), &"bad".into()), "{episode}");
    let frames = episode["frames"].as_array().unwrap();
    assert!(frames.len() >= 3 && frames[0]["scores"]["tiny.red"].as_f64().unwrap() > 0.7, "{episode}");
    let is_raw = |frame: &serde_json::Value| frame["sequence"].as_u64().unwrap() % 3 == 2;
    assert!(frames.iter().any(is_raw), "raw pixels are among them: {episode}");
    for frame in frames {
        let url = frame["url"].as_str().unwrap();
        let picture = get(url, &reader).await;
        assert_eq!(picture.status(), 200, "{frame}");
        assert_eq!(picture.headers()["cache-control"], "no-store");
        let kind = picture.headers()["content-type"].to_str().unwrap().to_owned();
        assert!(["image/jpeg", "image/png", "image/webp"].contains(&kind.as_str()), "{kind}");
        assert!(picture.bytes().await.unwrap().len() > 50);
        assert_eq!(get(url, &stranger).await.status(), 404);
        assert_eq!(get(url, own).await.status(), 401, "a stream's key reads nothing");
        assert_eq!(get(url, &server.key).await.status(), 403, "nor does one that only streams");
    }
    assert_eq!(get(&list, &stranger).await.status(), 404);
    assert_eq!(get(&format!("{list}/1/frames/99"), &reader).await.status(), 404);
    assert_eq!(get(&format!("{list}/7/frames/0"), &reader).await.status(), 404);
}

fn files(folder: &Path) -> usize {
    let all = walkdir::WalkDir::new(folder).into_iter().flatten();
    all.filter(|entry| entry.file_type().is_file() && fs::metadata(entry.path()).is_ok()).count()
}

/// Pictures need no number, and WebP is one of their kinds.
#[tokio::test]
async fn a_webp_picture_is_judged() {
    let (_site, server) = site().await;
    let stream = open(&server, json!({})).await;
    let mut socket = socket(&server, &stream).await;
    for (colour, is_red, expected) in [(GREY, false, "pass"), (RED, true, "pass"), (RED, true, "cut")] {
        socket.send(picture::webp(&plain(640, 360, colour))).await;
        let judged = socket.next_of("frame").await;
        assert_eq!(
            (&judged["outcome"], &judged["decision"]),
            (&"judged".into(), &expected.into()),
            "{judged}"
        );
        assert_eq!(judged["scores"]["tiny.red"].as_f64().unwrap() > 0.7, is_red, "{judged}");
    }
    server.kill().await;
}

/// A tenant's own rules are those of its streams, and of no other's.
#[tokio::test]
async fn a_tenants_rules_decide_its_streams_alone() {
    let own = "[[streams.tenants]]\ntenant = \"globex\"\ntuning = { hits = 3 }\n";
    let site = Site::new(&format!("{SETTINGS}{own}"));
    site.hold_clamd_down();
    let key = prepare(&site).await;
    let made = site.run(&["key", "create", "--tenant", "globex", "--scopes", "stream", "--json"]).await;
    let globex = made.json()[0]["key"].as_str().unwrap().to_owned();
    let server = Server::start_with(&site, &key).await;
    for (key, expected) in
        [(&key, ["pass", "pass", "cut", "cut"]), (&globex, ["pass", "pass", "pass", "cut"])]
    {
        let opened = server.client.post(format!("{}/v1/streams", server.url)).bearer_auth(key);
        let opened: serde_json::Value = opened.json(&json!({})).send().await.unwrap().json().await.unwrap();
        let text = |name: &str| opened[name].as_str().unwrap().to_owned();
        let mut socket = socket(&server, &(text("id"), text("key"))).await;
        let mut decisions = Vec::new();
        for (sequence, colour) in (0..).zip([GREY, RED, RED, RED]) {
            let picture = picture::jpeg(&plain(640, 360, colour), 85);
            socket.send(numbered(0, sequence, (0, 0), &picture)).await;
            let judged = socket.next_of("frame").await;
            decisions.push(judged["decision"].as_str().unwrap().to_owned());
        }
        assert_eq!(decisions, expected);
    }
    server.kill().await;
}

/// Each costs that frame, its outcome says why, and the next good frame is judged.
#[tokio::test]
async fn frames_that_are_made_to_hurt() {
    let (_site, server) = site().await;
    let stream = open(&server, json!({})).await;
    let mut socket = socket(&server, &stream).await;
    let good = picture::jpeg(&plain(640, 360, GREY), 85);
    let huge = picture::jpeg(&plain(10_000, 10_000, RED), 85);
    let mut lies = good.clone();
    // The size in the JPEG's frame header: 65,500 × 65,500.
    let sof = lies.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    lies[sof + 5..sof + 9].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
    let cut_short = good[..good.len() / 2].to_vec();
    let noise: Vec<u8> = [&[0xff, 0xd8, 0xff][..], &[0x55; 5000]].concat();
    let cases = [
        ("100 megapixels", huge, "pixels"),
        ("a header that lies", lies, "pixels"),
        ("cut short", cut_short, ""),
        ("noise", noise, ""),
    ];
    for (n, (case, bytes, why)) in cases.into_iter().enumerate() {
        for again in 0..3 {
            let sequence = 10 * (n as u64 + 1) + again;
            socket.send(numbered(0, sequence, (0, 0), &bytes)).await;
            let failed = socket.next_of("frame").await;
            assert_eq!(failed["outcome"], "failed", "{case}: {failed}");
            assert!(failed["why"].as_str().unwrap().contains(why), "{case}: {failed}");
            assert_ne!(failed["decision"], "pass", "{case}: {failed}");
        }
    }
    // A change of size and of format in mid-stream is nothing special. That most frames before could not be decoded is: it
    // takes some good ones until the stream is well.
    let sizes = [good, picture::png(&plain(1280, 720, GREY)), picture::jpeg(&plain(64, 48, GREY), 60)];
    let mut decisions = Vec::new();
    for (n, frame) in sizes.iter().cycle().take(60).enumerate() {
        socket.send(numbered(0, 100 + n as u64, (0, 0), frame)).await;
        let judged = socket.next_of("frame").await;
        assert_eq!(judged["outcome"], "judged", "{judged}");
        decisions.push(judged["decision"].clone());
        if decisions.ends_with(&["pass".into(), "pass".into(), "pass".into()]) {
            break;
        }
    }
    assert_eq!((&decisions[0], decisions.last().unwrap()), (&"warn".into(), &"pass".into()), "{decisions:?}");
    assert!(!decisions.contains(&"cut".into()), "{decisions:?}");
    // A picture of no pixels, and pixels that are not as many as said.
    socket.send(numbered(1, 200, (0, 0), b"")).await;
    socket.next_of("error").await;
    socket.send(numbered(1, 201, (3, 3), &[0; 26])).await;
    assert!(socket.next_of("error").await["why"].as_str().unwrap().contains("3 × 3"));
}

#[tokio::test]
async fn a_server_that_stops_sends_publishers_elsewhere() {
    let (_site, server) = site().await;
    let stream = open(&server, json!({})).await;
    let mut socket = socket(&server, &stream).await;
    socket.send(picture::jpeg(&plain(64, 48, GREY), 85)).await;
    assert_eq!(socket.next_of("frame").await["decision"], "pass");
    server.terminate();
    let closed = loop {
        if let Err(closed) = socket.next().await {
            break closed.expect("it says why");
        }
    };
    assert_eq!(u16::from(closed.code), 1012);
    drop(socket);
    let ended = tokio::time::timeout(Duration::from_secs(60), server.ended()).await.unwrap();
    assert!(ended.success(), "{ended:?}");
}
