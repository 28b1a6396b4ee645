//! Sources that are played over RTSP.

use crate::{
    pulled::{PULLING, assert_cut_and_cleared, followed, pulled, show, site},
    rtsp::{Manner, Rtsp},
    sources::{CLIP, LIVE, film},
    troubled::troubled,
    wait::until,
};

#[tokio::test]
async fn a_clip_played_over_rtsp_is_cut_and_cleared() {
    let (site, server) = site(PULLING).await;
    let (clip, _) = film(&site.path(""), "clip.mp4", CLIP, &LIVE);
    let camera = Rtsp::start(&site.path(""), Manner::Plays { clip, password: Some("a pass:word") }).await;
    let url = format!("rtsp://me:a%20pass%3Aword@{}/cam", camera.address);
    let stream = pulled(&server, &url).await;
    let followed = followed(&server, &stream).await;
    assert_cut_and_cleared(&followed);
    let asked = camera.asked.lock().unwrap().clone();
    assert!(
        asked
            .iter()
            .any(|line| line.starts_with(&format!("SETUP rtsp://{}/cam/streamid=0 ", camera.address)))
    );
    assert!(asked.iter().all(|line| !line.contains("word")), "the password is proved, not told: {asked:?}");
    assert!(camera.asked("GET_PARAMETER") > 2, "it hears that somebody is there: {asked:?}");
    assert!(!followed.1.to_string().contains("word"), "{}", followed.1);
    assert!(!server.log().join("\n").contains("word"));
}

#[tokio::test]
async fn h265_is_played_too() {
    let (site, server) = site(PULLING).await;
    let encoder =
        ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "keyint=10:bframes=0:log-level=none"];
    let (clip, _) = film(&site.path(""), "clip.mp4", CLIP, &encoder);
    let camera = Rtsp::start(&site.path(""), Manner::Plays { clip, password: None }).await;
    let stream = pulled(&server, &format!("rtsp://{}/cam", camera.address)).await;
    assert_cut_and_cleared(&followed(&server, &stream).await);
}

#[tokio::test]
async fn servers_that_do_not_play_are_told_apart() {
    let (site, server) = site(PULLING).await;
    let (clip, _) = film(&site.path(""), "clip.mp4", CLIP, &LIVE);
    let says = |text: &str| Manner::Says(text.as_bytes().to_vec());
    let describes = |sdp: &str| {
        says(&format!("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: {}\r\n\r\n{sdp}", sdp.len()))
    };
    let video = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
    let cases = [
        ("a web server", says("HTTP/1.1 400 Bad Request\r\n\r\n"), "source.protocol"),
        (
            "headers without an end",
            Manner::Says([&b"RTSP/1.0 200 OK\r\n"[..], &b"X: y\r\n".repeat(1 << 20)].concat()),
            "source.protocol",
        ),
        (
            "a body without an end",
            says("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 9999999999\r\n\r\n"),
            "source.protocol",
        ),
        ("nobody there", says("RTSP/1.0 404 Not Found\r\nCSeq: 1\r\n\r\n"), "source.refused"),
        (
            "elsewhere",
            says("RTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: rtsp://127.0.0.2/x\r\n\r\n"),
            "source.refused",
        ),
        ("nothing said", says(""), "source.stalled"),
        ("sound alone", describes("v=0\r\nm=audio 0 RTP/AVP 8\r\n"), "source.no_video"),
        ("another codec", describes(&video.replace("H264", "VP8")), "source.format"),
        ("two tracks", describes(&format!("{video}m=video 0 RTP/AVP 97\r\n")), "source.tracks"),
        (
            "a name and a password wanted",
            Manner::Plays { clip: clip.clone(), password: Some("other") },
            "source.refused",
        ),
        ("a stall in the middle", Manner::Stalls { clip, after: 20 }, "source.stalled"),
    ];
    for (case, manner, code) in cases {
        let camera = Rtsp::start(&site.path(""), manner).await;
        let stream = pulled(&server, &format!("rtsp://me:wrong@{}/cam", camera.address)).await;
        let view = troubled(&server, &stream, code).await;
        assert!(!view.to_string().contains("wrong@"), "{case}: {view}");
        let url = format!("{}/v1/streams/{stream}", server.url);
        server.client.delete(url).bearer_auth(&server.key).send().await.unwrap();
        until("it hangs up", async || {
            let view = show(&server, &stream).await;
            if view["open"] == false { Ok(()) } else { Err(view) }
        })
        .await;
        assert!(camera.asked("GET_PARAMETER") < 9 && camera.asked("DESCRIBE") < 9, "{case}");
    }
}
