//! Sources that are made to hurt, or just broken: each has a clear outcome, and none passes unseen.

use crate::{
    pulled::{PULLING, followed, pulled, pulling, show, site},
    red::open,
    sources::{LIVE, Page, Web, film},
    wait::until,
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

const GREY: &str = "color=0x5a5a5a:s=320x180:r=10:d=4";
const RED: &str = "color=0xfa0505:s=640x360:r=10:d=4";

pub async fn troubled(server: &crate::server::Server, stream: &str, code: &str) -> Value {
    until(code, async || {
        let view = show(server, stream).await;
        if view["pull"]["trouble"]["code"] == code { Ok(view) } else { Err(view.to_string()) }
    })
    .await
}

#[tokio::test]
async fn what_is_no_video_is_said_and_given_up() {
    let (site, server) = site(&pulling(5)).await;
    let web = Web::start().await;
    let folder = site.path("");
    let sound = folder.join("sound.ts");
    crate::sources::ffmpeg(&["-f", "lavfi", "-i", "sine=d=4", "-c:a", "aac", sound.to_str().unwrap()]);
    let (_, huge) = film(&folder, "huge.ts", "color=red:s=8200x4400:r=1:d=2", &["-c:v", "mpeg2video"]);
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("sound alone", std::fs::read(sound).unwrap(), "source.no_video"),
        ("no bytes", Vec::new(), "source.empty"),
        ("a web page", b"<html><body>Not found, but 200</body></html>".to_vec(), "source.format"),
        ("noise", [&[0x47][..], &[0x55; 400_000]].concat(), "source.corrupt"),
        ("more pixels than are decoded", huge, "source.pixels"),
    ];
    let cases = cases.into_iter().enumerate().map(|(n, (case, bytes, code))| {
        let (server, source) = (&server, web.put(&format!("/{n}"), Page::Bytes(bytes)));
        async move { (case, code, followed(server, &pulled(server, &source).await).await) }
    });
    for (case, code, (all, last)) in stream::iter(cases).buffered(3).collect::<Vec<_>>().await {
        assert_eq!(last["pull"]["trouble"]["code"], code, "{case}: {last}");
        assert_eq!(
            (&last["pull"]["state"], &last["counts"]["judged"]),
            (&"gave_up".into(), &0.into()),
            "{case}"
        );
        assert!(all.iter().all(|(decision, ..)| decision == "warn"), "{case}: {all:?}");
        assert!(last["pull"]["failures"].as_u64().unwrap() >= 2, "{case}: {last}");
    }
    server.kill().await;
}

#[tokio::test]
async fn changes_in_mid_stream_hide_nothing() {
    let (site, server) = site(&pulling(5)).await;
    let (web, folder) = (Web::start().await, site.path(""));
    let (_, grey) = film(&folder, "grey.ts", GREY, &LIVE);
    let (_, larger) = film(&folder, "larger.ts", RED, &LIVE);
    let (_, older) = film(&folder, "older.ts", RED, &["-c:v", "mpeg2video", "-g", "10"]);
    // Times that stand still, and that run backwards: such a frame counts for the shortest time there is.
    let long = RED.replace("d=4", "d=30");
    let still = ["-bsf:v", "setts=ts=9000"];
    let back = ["-bsf:v", "setts=ts=9000000-N*9000"];
    let (_, still) = film(&folder, "still.ts", &long, &[&LIVE[..], &still].concat());
    let (_, back) = film(&folder, "back.ts", &long, &[&LIVE[..], &back].concat());
    let list = "#EXTM3U\n#EXT-X-TARGETDURATION:4\ngrey.ts\n#EXT-X-DISCONTINUITY\nolder.ts\n#EXT-X-ENDLIST\n";
    web.put("/grey.ts", Page::Bytes(grey.clone()));
    web.put("/older.ts", Page::Bytes(older.clone()));
    let cases = [
        ("another size", Page::Bytes([&grey[..], &larger].concat())),
        ("another codec", Page::Bytes([&grey[..], &older].concat())),
        ("another codec, behind a mark", Page::Bytes(list.into())),
        ("times that stand still", Page::Bytes(still)),
        ("times that run backwards", Page::Bytes(back)),
    ]
    .map(|(case, page)| {
        let path = format!("/{}.m3u8", case.replace([' ', ','], "-"));
        let (server, source) = (&server, web.put(&path, page));
        async move { (case, followed(server, &pulled(server, &source).await).await) }
    });
    for (case, (all, last)) in stream::iter(cases).buffered(3).collect::<Vec<_>>().await {
        assert_eq!(last["pull"]["state"], "ended", "{case}: {last}");
        if case == "another codec" {
            // Without a mark no player that knows one codec sees it either; it is told.
            assert_eq!(last["pull"]["trouble"]["code"], "source.spoiled", "{case}: {last}");
            continue;
        }
        assert!(all.iter().any(|(decision, ..)| decision == "cut"), "{case}: {all:?} {last}");
        assert_eq!(last["decision"], "cut", "{case}: {last}");
    }
    server.kill().await;
}

#[tokio::test]
async fn damage_is_counted_and_a_stall_is_unwatched() {
    let (site, server) = site(PULLING).await;
    let (web, folder) = (Web::start().await, site.path(""));
    // The model looks at one corner.
    let noisy = "testsrc2=s=320x180:r=10:d=8,drawbox=w=32:h=32:color=0x5a5a5a:t=fill";
    let (_, clean) = film(&folder, "clean.ts", noisy, &[&LIVE[..], &["-b:v", "2M"]].concat());
    let mut damaged = clean.clone();
    // One packet of ten is filled with something else, but for its head.
    for packet in damaged.chunks_exact_mut(188).skip(40).step_by(10) {
        packet[20..].fill(0xa5);
    }
    let stream = pulled(&server, &web.put("/damaged.ts", Page::Bytes(damaged))).await;
    let (_, last) = followed(&server, &stream).await;
    assert!(last["counts"]["failed"].as_u64().unwrap() > 5, "{last}");

    let half = clean[..clean.len() / 2].to_vec();
    let stream = pulled(&server, &web.put("/half.ts", Page::Stalls(half))).await;
    until("it passes", async || {
        let view = show(&server, &stream).await;
        if view["decision"] == "pass" { Ok(()) } else { Err(view.to_string()) }
    })
    .await;
    troubled(&server, &stream, "source.stalled").await;
    server
        .client
        .delete(format!("{}/v1/streams/{stream}", server.url))
        .bearer_auth(&server.key)
        .send()
        .await
        .unwrap();
    // Without the rest it is asked for once only, so that the deadline passes.
    let once = web.put("/once.ts", Page::Stalls(clean[..clean.len() / 2].to_vec()));
    let stream = pulled(&server, &once).await;
    until("it passes", async || {
        let view = show(&server, &stream).await;
        if view["decision"] == "pass" { Ok(()) } else { Err(view.to_string()) }
    })
    .await;
    web.take("/once.ts");
    until("nobody watches it", async || {
        let view = show(&server, &stream).await;
        if view["reason"] == "unwatched" { Ok(()) } else { Err(view.to_string()) }
    })
    .await;
    server.kill().await;
}

/// Regression: what could be decoded of a source kept it passing, however much could not.
#[tokio::test]
async fn a_source_of_which_only_key_frames_are_whole_does_not_pass() {
    let (site, server) = site(PULLING).await;
    let (web, folder) = (Web::start().await, site.path(""));
    // The model looks at one corner.
    let noisy = "testsrc2=s=320x180:r=10:d=8,drawbox=w=32:h=32:color=0x5a5a5a:t=fill";
    let (_, clean) = film(&folder, "keys.ts", noisy, &[&LIVE[..], &["-b:v", "2M"]].concat());
    let mut damaged = clean.clone();
    let (mut is_key, mut spoiled) = (true, 0);
    for packet in damaged.chunks_exact_mut(188) {
        // The track of video (ISO/IEC 13818-1, 2.4.3.2); the first packet of a key frame says that it is one.
        if u16::from_be_bytes([packet[1] & 0x1f, packet[2]]) != 0x100 {
            continue;
        }
        if packet[1] & 0x40 != 0 {
            is_key = packet[3] & 0x20 != 0 && packet[4] > 0 && packet[5] & 0x40 != 0;
        } else if !is_key {
            packet[20..].fill(0xa5);
            spoiled += 1;
        }
    }
    assert!(spoiled > 100, "{spoiled}");
    let damaged = pulled(&server, &web.put("/keys.ts", Page::Bytes(damaged))).await;
    let whole = pulled(&server, &web.put("/whole.ts", Page::Bytes(clean))).await;
    let (damaged, whole) = tokio::join!(followed(&server, &damaged), followed(&server, &whole));
    let (all, last) = damaged;
    assert!(last["counts"]["judged"].as_u64().unwrap() > 5, "{last}");
    assert!(
        all.iter()
            .any(|(decision, reason, _)| (decision.as_str(), reason.as_str()) == ("warn", "undecodable")),
        "{all:?}"
    );
    // At most before the first damage came.
    let passes = all.iter().filter(|(decision, ..)| decision == "pass").count();
    let is_first = all.iter().position(|(decision, ..)| decision == "pass").is_none_or(|at| at <= 1);
    assert!(passes <= 1 && is_first, "{all:?} {last}");
    let (all, last) = whole;
    assert!(all.iter().any(|(decision, ..)| decision == "pass"), "{all:?} {last}");
    assert!(all.iter().all(|(_, reason, _)| reason != "undecodable"), "{all:?} {last}");
    server.kill().await;
}

/// Two tracks of one publisher: put up with for this stream, each is judged; what else is not seen keeps it from passing.
#[tokio::test]
async fn tracks_that_are_put_up_with_are_all_judged() {
    let (site, server) = site(&pulling(3)).await;
    let (web, folder) = (Web::start().await, site.path(""));
    let made = |name: &str, second: &str, more: &[&str]| {
        let path = folder.join(name);
        let inputs = ["-f", "lavfi", "-i", GREY, "-f", "lavfi", "-i", second];
        let maps = ["-map", "0", "-map", "1", "-pix_fmt", "yuv420p"];
        crate::sources::ffmpeg(&[&inputs[..], &maps, more, &LIVE, &[path.to_str().unwrap()]].concat());
        Page::Bytes(std::fs::read(path).unwrap())
    };
    let smaller = "color=0x5a5a6a:s=160x90:r=10:d=4";
    let hdr = ["-color_trc", "smpte2084", "-colorspace", "bt2020nc"];
    let cases = [
        ("two.ts", made("two.ts", smaller, &[]), "clean"),
        ("other.ts", made("other.ts", RED, &[]), "bad"),
        ("hdr.ts", made("hdr.ts", smaller, &hdr), "unseen"),
    ]
    .map(|(name, page, expected)| {
        let (server, source) = (&server, web.put(&format!("/{name}"), page));
        async move {
            let tuning =
                json!({ "fastest": "200ms", "slowest": "200ms", "tolerate": ["tracks"], "window": 6 });
            let (stream, _) = open(server, json!({ "source": source, "tuning": tuning })).await;
            until("it is told all the same", async || {
                let view = show(server, &stream).await;
                let told = view["pull"]["trouble"]["detail"].as_str().unwrap_or_default();
                if told.contains("tracks of video") { Ok(()) } else { Err(view.to_string()) }
            })
            .await;
            (name, expected, followed(server, &stream).await)
        }
    });
    for (name, expected, (all, last)) in stream::iter(cases).buffered(3).collect::<Vec<_>>().await {
        let reasons: Vec<_> = all.iter().map(|(_, reason, _)| reason.as_str()).collect();
        assert!(reasons.contains(&expected), "{name}: {all:?} {last}");
        assert_eq!(reasons.contains(&"unseen"), expected == "unseen", "{name}: {all:?} {last}");
    }
    let asked = server.client.post(format!("{}/v1/streams", server.url)).bearer_auth(&server.key);
    let wrong = json!({ "tuning": { "tolerate": ["all"] } });
    assert_eq!(asked.json(&wrong).send().await.unwrap().status(), 400);
    server.kill().await;
}

/// Regression: what of a stored film is called partial was called clean of a source.
#[tokio::test]
async fn what_frames_do_not_show_is_told_and_never_a_pass() {
    let (site, server) = site(&pulling(4)).await;
    let (web, folder) = (Web::start().await, site.path(""));
    let made = |name: &str, arguments: &[&str]| {
        let path = folder.join(name);
        let grey = ["-f", "lavfi", "-i", GREY];
        crate::sources::ffmpeg(&[&grey[..], arguments, &[path.to_str().unwrap()]].concat());
        Page::Bytes(std::fs::read(path).unwrap())
    };
    // Segments of a PGS subtitle that end a display set and show nothing.
    let drawn: Vec<u8> = (1..4_u32)
        .flat_map(|second| [&b"PG"[..], &(90_000 * second).to_be_bytes(), &[0, 0, 0, 0, 0x80, 0, 0]].concat())
        .collect();
    let subtitles = folder.join("drawn.sup");
    std::fs::write(&subtitles, drawn).unwrap();
    let subtitles = subtitles.to_str().unwrap();
    let vp8 = ["-c:v", "libvpx", "-deadline", "realtime"];
    let second = [
        "-f",
        "lavfi",
        "-i",
        "color=0x5a5a6a:s=320x180:r=10:d=4",
        "-map",
        "0",
        "-map",
        "1",
        "-pix_fmt",
        "yuv420p",
    ];
    let alpha = ["-vf", "format=yuva420p", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0"];
    let with_subtitles =
        ["-f", "sup", "-i", subtitles, "-map", "0", "-map", "1", "-c:s", "copy", "-pix_fmt", "yuv420p"];
    let colours = ["-pix_fmt", "yuv420p", "-color_trc", "smpte2084", "-colorspace", "bt2020nc"];
    let cases = [
        ("tracks of video", "two.ts", made("two.ts", &[&second[..], &LIVE].concat())),
        ("transparency", "alpha.webm", made("alpha.webm", &[&alpha[..], &vp8].concat())),
        ("subtitles", "drawn.mkv", made("drawn.mkv", &[&with_subtitles[..], &vp8].concat())),
        ("", "colours.ts", made("colours.ts", &[&colours[..], &LIVE].concat())),
    ]
    .map(|(case, name, page)| {
        let (server, source) = (&server, web.put(&format!("/{name}"), page));
        async move {
            let stream = pulled(server, &source).await;
            let trouble = troubled(server, &stream, "source.unseen").await;
            (case, name, trouble, followed(server, &stream).await)
        }
    });
    for (case, name, trouble, (all, last)) in stream::iter(cases).buffered(3).collect::<Vec<_>>().await {
        let pull = &trouble["pull"];
        assert!(pull["trouble"]["detail"].as_str().unwrap().contains(case), "{name}: {pull}");
        assert_eq!(pull["state"], "reading", "{name}: {pull}");
        let reasons: Vec<_> = all.iter().map(|(_, reason, _)| reason.as_str()).collect();
        assert!(reasons.contains(&"unseen"), "{name}: {all:?} {last}");
        // Tracks side by side show as such with the second packet of the first one.
        let most = usize::from(name == "two.ts");
        assert!(reasons.iter().filter(|reason| **reason == "clean").count() <= most, "{name}: {all:?}");
    }
    server.kill().await;
}
