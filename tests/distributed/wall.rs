//! The wall of live streams in a process that watches none of them.

use crate::{
    red::{GREY, RED, SETTINGS, jpeg, numbered, open, plain, prepare},
    server::Server,
    site::Site,
    streams::process,
    visitor::Visitor,
    wait::until,
};
use lazaret_fixtures::picture;
use serde_json::{Value, json};
use sqlx::Connection;

async fn send(watcher: &Server, (id, key): &(String, String), frame: Vec<u8>) -> Value {
    let url = format!("{}/v1/streams/{id}/frames", watcher.url);
    let answer = watcher.client.post(url).bearer_auth(key).body(frame).send().await.unwrap();
    answer.json().await.unwrap()
}

/// The address of a stream's frame on the wall, with its number, where there is one; and its labels.
fn tile(wall: &str) -> (Option<String>, String) {
    let frame =
        wall.split("<img src=\"").nth(1).map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"));
    let scores = wall.split("data-of=\"scores\">").nth(1).unwrap().split("</p>").next().unwrap();
    (frame, scores.to_owned())
}

/// Is most of it of this colour? The rest is the name of who looks.
async fn is_of(ann: &Visitor, frame: &str, colour: [u8; 3]) -> Result<bool, u16> {
    let answer = ann.get(frame).await;
    if answer.status() != 200 {
        return Err(answer.status().as_u16());
    }
    assert_eq!(answer.headers()["content-type"], "image/jpeg");
    let shown = picture::of_jpeg(&answer.bytes().await.unwrap());
    let near = |pixel: [u8; 3]| pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) < 30);
    let all = shown.pixels().count();
    Ok(shown.pixels().filter(|pixel| near(pixel.0)).count() * 2 > all)
}

#[tokio::test]
async fn the_wall_shows_the_newest_frames_of_streams_that_other_processes_watch_while_somebody_looks() {
    let site = Site::new(&format!("{SETTINGS}term = \"3s\"\n[console]\ntotp = false\n"));
    assert_eq!(site.run(&["migrate"]).await.code(), 0);
    let key = prepare(&site).await;
    let front = process(&site, &key, "api,events,console", "front").await;
    let watcher = process(&site, &key, "streams", "watcher").await;
    let stream = open(&front, json!({ "external_id": "camera 1" })).await;
    let words = ["user", "add", "ann@example.org", "--role", "moderator", "--json"];
    let made = site.run(&words).await;
    assert_eq!(made.code(), 0, "{made:?}");
    let link = made.json()[0]["link"].as_str().unwrap().to_owned();
    let ann = Visitor::by_link(&front.url, &link[link.find("/console").unwrap()..]).await;
    let newest = || {
        let objects = site.backing.objects(&site.path("front"), "held");
        objects.into_iter().map(|(name, _)| name).filter(|name| name.contains("newest")).collect::<Vec<_>>()
    };

    // Until somebody looks, no frame leaves the process that judges it.
    let mut number = 0;
    until("it is watched", async || {
        number += 1;
        let outcome = send(&watcher, &stream, jpeg(number, GREY)).await;
        if outcome["outcome"] == "judged" { Ok(()) } else { Err(outcome) }
    })
    .await;
    assert_eq!(tile(&ann.page("/console/streams").await), (None, String::new()));
    let shows =
        async |watcher: &Server, frame: &mut dyn FnMut() -> Vec<u8>, expected: [u8; 3], label: &str| {
            until("the newest frame is on the wall", async || {
                send(watcher, &stream, frame()).await;
                let (shown, scores) = tile(&ann.page("/console/streams").await);
                let Some(shown) = shown else { return Err("none".to_owned()) };
                match is_of(&ann, &shown, expected).await {
                    Ok(true) if scores.contains(label) => Ok(shown),
                    other => Err(format!("{other:?} {scores}")),
                }
            })
            .await
        };
    let mut next = |colour| {
        number += 1;
        jpeg(number, colour)
    };
    let first = shows(&watcher, &mut || next(GREY), GREY, "red 0.33").await;
    let second = shows(&watcher, &mut || next(RED), RED, "red 0.9").await;
    assert_ne!(first, second, "browsers see that it is another");
    let blue = [5, 5, 250];
    let mut raw = 1000;
    let mut pixels = || {
        raw += 1;
        numbered(1, raw, (64, 36), &plain(64, 36, blue).into_raw())
    };
    shows(&watcher, &mut pixels, blue, "red 0.0").await;
    let before = newest();
    assert_eq!(before.len(), 1, "one at a time: {before:?}");
    // Of the events, too.
    let mut events = ann.get("/console/streams/events").await;
    let said = String::from_utf8(events.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(said.contains("\"frame\":\"s") && said.contains("[[\"red\",\"0.0"), "{said}");
    drop(events);

    watcher.kill().await;
    let watcher = process(&site, &key, "streams", "next").await;
    let mut number = 2000;
    let mut grey = || {
        number += 1;
        jpeg(number, GREY)
    };
    shows(&watcher, &mut grey, GREY, "red 0.33").await;
    until("the dead one's frame is gone", async || {
        let now = newest();
        if now.len() == 1 && now != before { Ok(()) } else { Err(now) }
    })
    .await;
    // As if nobody had looked for a minute.
    let mut database = sqlx::PgConnection::connect(&site.backing.database).await.unwrap();
    let done = sqlx::query("UPDATE snapshots SET wanted_until = 1").execute(&mut database).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    until("no frame is left", async || {
        send(&watcher, &stream, grey()).await;
        let left = newest();
        if left.is_empty() { Ok(()) } else { Err(left) }
    })
    .await;
    until("nor a row", async || {
        let count = sqlx::query_scalar("SELECT count(*) FROM snapshots");
        let rows: i64 = count.fetch_one(&mut database).await.unwrap();
        if rows == 0 { Ok(()) } else { Err(rows) }
    })
    .await;
    watcher.kill().await;
}
