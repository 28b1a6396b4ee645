//! Playlists beyond the good path: those that go away, run back, lead in circles or inside, or never end.

use crate::{
    pulled::{PULLING, followed, pulled, show, site},
    server::Server,
    sources::{LIVE, Page, Web, film},
    troubled::troubled,
    wait::until,
};
use serde_json::Value;

const GREY: &str = "color=0x5a5a5a:s=320x180:r=10:d=2";
const RED: &str = "color=0xfa0505:s=320x180:r=10:d=2";

fn list(first: u64, segments: &[&str], is_over: bool) -> Page {
    let end = if is_over { "#EXT-X-ENDLIST\n" } else { "" };
    let named: String = segments.iter().map(|name| format!("#EXTINF:2,\n{name}\n")).collect();
    let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{first}\n{named}{end}");
    Page::Bytes(text.into())
}

async fn close(server: &Server, stream: &str) {
    let url = format!("{}/v1/streams/{stream}", server.url);
    let closed = server.client.delete(url).bearer_auth(&server.key).send().await.unwrap();
    assert_eq!(closed.status(), 204);
}

/// The best of up to 720 rows is looked at, and no other is asked for.
#[tokio::test]
async fn of_several_qualities_one_is_followed() {
    let (site, server) = site(PULLING).await;
    let (web, folder) = (Web::start().await, site.path(""));
    let (_, grey) = film(&folder, "grey.ts", GREY, &LIVE);
    let (_, red) = film(&folder, "red.ts", RED, &LIVE);
    web.put("/grey.ts", Page::Bytes(grey));
    web.put("/red.ts", Page::Bytes(red));
    web.put("/hd.m3u8", list(0, &["grey.ts"], true));
    web.put("/sd.m3u8", list(0, &["red.ts", "red.ts"], true));
    web.put("/small.m3u8", list(0, &["grey.ts"], true));
    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9000000,RESOLUTION=1920x1080\nhd.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=3000000,RESOLUTION=1280x720\nsd.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=300000,RESOLUTION=320x180\nsmall.m3u8\n";
    let stream = pulled(&server, &web.put("/master.m3u8", Page::Bytes(master.into()))).await;
    let (_, last) = followed(&server, &stream).await;
    assert_eq!((&last["decision"], &last["pull"]["state"]), (&"cut".into(), &"ended".into()), "{last}");
    let asked = web.asked.lock().unwrap().clone();
    assert_eq!(asked, ["/master.m3u8", "/sd.m3u8", "/red.ts", "/red.ts"]);
    server.kill().await;
}

/// An encoder that was started again: what comes is looked at, and what it may have left out is counted.
#[tokio::test]
async fn numbers_that_run_back_begin_anew() {
    let (site, server) = site(&PULLING.replace("\"3s\"", "\"60s\"").replace("\"7s\"", "\"60s\"")).await;
    let (web, folder) = (Web::start().await, site.path(""));
    let (_, grey) = film(&folder, "grey.ts", GREY, &LIVE);
    let (_, red) = film(&folder, "red.ts", RED, &LIVE);
    web.put("/grey.ts", Page::Bytes(grey));
    for name in ["/red0.ts", "/red1.ts", "/red2.ts", "/red3.ts"] {
        web.put(name, Page::Bytes(red.clone()));
    }
    let url = web.put("/live.m3u8", list(100, &["grey.ts", "grey.ts", "grey.ts"], false));
    let stream = pulled(&server, &url).await;
    until("it passes", async || {
        let view = show(&server, &stream).await;
        if view["decision"] == "pass" { Ok(()) } else { Err(view) }
    })
    .await;
    web.swap("/live.m3u8", list(0, &["red0.ts", "red1.ts", "red2.ts", "red3.ts"], true));
    let (all, last) = followed(&server, &stream).await;
    assert!(all.iter().any(|(decision, ..)| decision == "cut"), "{all:?} {last}");
    // It goes on with the newest three.
    assert_eq!((&last["pull"]["state"], &last["counts"]["lost"]), (&"ended".into(), &1.into()), "{last}");
    assert!(!web.asked.lock().unwrap().iter().any(|path| path == "/red0.ts"));
    server.kill().await;
}

/// A playlist or more segments than a few that are not there any more: it is said, and the stream does not pass on.
#[tokio::test]
async fn what_is_not_there_any_more_is_refused_and_unwatched() {
    let (site, server) = site(PULLING).await;
    let (web, folder) = (Web::start().await, site.path(""));
    let (_, grey) = film(&folder, "grey.ts", GREY, &LIVE);
    web.put("/grey.ts", Page::Bytes(grey));
    let stands = async |stream: &str, reason: &str| -> Value {
        until(reason, async || {
            let view = show(&server, stream).await;
            if view["reason"] == reason { Ok(view) } else { Err(view) }
        })
        .await
    };
    let nowhere = pulled(&server, &format!("http://{}/nowhere.m3u8", web.address)).await;
    let url = web.put("/live.m3u8", list(0, &["grey.ts", "grey.ts", "grey.ts"], false));
    let vanishes = pulled(&server, &url).await;
    stands(&vanishes, "clean").await;
    web.take("/live.m3u8");
    let view = troubled(&server, &vanishes, "source.refused").await;
    assert!(view["pull"]["trouble"]["detail"].as_str().unwrap().contains("404"), "{view}");
    let view = stands(&vanishes, "unwatched").await;
    assert_eq!(view["decision"], "warn", "{view}");
    let (all, last) = followed(&server, &nowhere).await;
    assert_eq!(last["pull"]["trouble"]["code"], "source.refused", "{last}");
    assert_eq!((&last["pull"]["state"], all.len()), (&"gave_up".into(), 1), "{all:?}");
    let holes = list(0, &["grey.ts", "a.ts", "b.ts", "c.ts", "d.ts", "grey.ts"], true);
    let holes = pulled(&server, &web.put("/holes.m3u8", holes)).await;
    let view = troubled(&server, &holes, "source.refused").await;
    assert!(view["counts"]["lost"].as_u64().unwrap() >= 3, "{view}");
    close(&server, &holes).await;
    server.kill().await;
}

/// Each leads nowhere, and none for ever.
#[tokio::test]
async fn what_leads_in_circles_or_inside_or_has_no_end_is_given_up() {
    let (_site, server) = site(PULLING).await;
    let private = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
    let inside = format!("http://{}", private.local_addr().unwrap());
    let web = Web::start().await;
    let master = |uri: &str| format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{uri}\n").into_bytes();
    web.put("/circle", Page::Redirect("/circle".to_owned()));
    web.put("/deep.m3u8", Page::Bytes(master("/master.m3u8")));
    web.put("/leads", Page::Redirect(format!("{inside}/b.m3u8")));
    // A packet of filling (ISO/IEC 13818-1, 2.4.3.3), again and again.
    let filling = [&[0x47, 0x1f, 0xff, 0x10][..], &[0xff; 184]].concat();
    web.put("/endless.ts", Page::Endless(filling));
    let large = [&b"#EXTM3U\n"[..], &b"#EXTINF:2,\na.ts\n".repeat(1 << 17)].concat();
    for (case, page, code) in [
        ("a redirection to itself", Page::Redirect("/circle".to_owned()), "source.protocol"),
        ("a segment that redirects to itself", list(0, &["/circle"], true), "source.protocol"),
        (
            "a playlist without an end",
            Page::Endless(b"#EXTM3U\n#EXTINF:2,\na.ts\n".to_vec()),
            "source.protocol",
        ),
        ("a playlist that is too long", Page::Bytes(large), "source.protocol"),
        ("a playlist of playlists of playlists", Page::Bytes(master("/deep.m3u8")), "source.protocol"),
        ("a quality that lies inside", Page::Bytes(master(&format!("{inside}/a.m3u8"))), "source.private"),
        ("a quality that leads inside", Page::Bytes(master("/leads")), "source.private"),
        ("a quality that is a file", Page::Bytes(master("file:///etc/passwd")), "source.forbidden"),
        ("a playlist of nothing that is there", Page::Bytes(master("/none.m3u8")), "source.refused"),
        ("a segment without an end", list(0, &["/endless.ts"], true), "source.no_frames"),
    ] {
        let path = format!("/{}.m3u8", case.replace(' ', "-"));
        let stream = pulled(&server, &web.put(&path, page)).await;
        let view = troubled(&server, &stream, code).await;
        assert_eq!(
            (&view["decision"], &view["counts"]["judged"]),
            (&"warn".into(), &0.into()),
            "{case}: {view}"
        );
        close(&server, &stream).await;
    }
    let came = tokio::time::timeout(std::time::Duration::from_millis(10), private.accept()).await;
    assert!(came.is_err(), "somebody came");
    server.kill().await;
}
