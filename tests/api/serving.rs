//! How a good URL is answered.

use crate::common::{TestApp, raw, stage};
use lazaret::{ports::blobs::Zone, upload::rendition::RenditionName};
use sha2::{Digest, Sha256};

#[tokio::test]
async fn the_headers_of_an_answer() {
    let app = TestApp::start().await;
    let (_, target) = app.published("image/png", b"0123456789").await;
    let answer = raw::request(app.address, "GET", &target).await;
    assert_eq!(answer.body, b"0123456789");
    insta::assert_snapshot!(answer.headers.join("\n"));
    let head = raw::request(app.address, "HEAD", &target).await;
    assert_eq!((head.status, head.headers, head.body), (200, answer.headers, vec![]));
}

#[tokio::test]
async fn only_pictures_are_shown_in_place_and_names_cannot_break_out() {
    let app = TestApp::start().await;
    let cases = [
        ("image/jpeg", "a.jpg", "inline; filename=\"a.jpg\""),
        ("image/webp", "a.webp", "inline; filename=\"a.webp\""),
        ("image/svg+xml", "a.svg", "attachment; filename=\"a.svg\""),
        ("text/html", "a.html", "attachment; filename=\"a.html\""),
        ("application/pdf", "a.pdf", "attachment; filename=\"a.pdf\""),
        ("image/png", "x\"; a=\"b.png", "inline; filename=\"x_; a=_b.png\""),
        ("image/png", "a\r\nSet-Cookie: b", "inline; filename=\"aSet-Cookie_ b\""),
        ("image/png", "é.png", "inline; filename=\"_.png\"; filename*=UTF-8''%C3%A9.png"),
    ];
    for (media_type, sent, disposition) in cases {
        let query: String = url::form_urlencoded::byte_serialize(sent.as_bytes()).collect();
        let response = app.post(&format!("/v1/uploads?filename={query}")).body("x").send().await.unwrap();
        let id = crate::common::id_of(response).await;
        app.publish(&id, &[stage::original(media_type, b"bytes")]).await;
        let response = app.client.get(app.url(&app.mint(&id, "original").await)).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], media_type);
        assert_eq!(response.headers()["content-disposition"], disposition);
        assert!(!response.headers().contains_key("set-cookie"));
    }
}

#[tokio::test]
async fn ranges_and_conditions() {
    let app = TestApp::start().await;
    let bytes: Vec<u8> = (0..1000u32).map(|n| (n % 251) as u8).collect();
    let (_, target) = app.published("image/png", &bytes).await;
    let etag = format!("\"{}\"", lazaret::hex(&Sha256::digest(&bytes)));
    type Case<'a> = (&'a [(&'a str, &'a str)], u16, std::ops::Range<usize>, Option<&'a str>);
    let cases: &[Case] = &[
        (&[], 200, 0..1000, None),
        (&[("range", "bytes=0-99")], 206, 0..100, Some("bytes 0-99/1000")),
        (&[("range", "bytes=900-")], 206, 900..1000, Some("bytes 900-999/1000")),
        (&[("range", "bytes=-1")], 206, 999..1000, Some("bytes 999-999/1000")),
        (&[("range", "bytes=0-4000")], 206, 0..1000, Some("bytes 0-999/1000")),
        (&[("range", "bytes=0-1,3-4")], 200, 0..1000, None),
        (&[("range", "lines=0-1")], 200, 0..1000, None),
        (&[("range", "bytes=1000-")], 416, 0..0, Some("bytes */1000")),
        (&[("range", "bytes=-0")], 416, 0..0, Some("bytes */1000")),
        (&[("if-none-match", &etag)], 304, 0..0, None),
        (&[("if-none-match", "*")], 304, 0..0, None),
        (&[("if-none-match", "\"x\"")], 200, 0..1000, None),
        (&[("if-none-match", &etag), ("range", "bytes=0-1")], 304, 0..0, None),
        (&[("if-range", &etag), ("range", "bytes=0-1")], 206, 0..2, Some("bytes 0-1/1000")),
        (&[("if-range", "\"x\""), ("range", "bytes=0-1")], 200, 0..1000, None),
    ];
    for (headers, status, part, content_range) in cases {
        for method in [reqwest::Method::GET, reqwest::Method::HEAD] {
            let case = format!("{method} {headers:?}");
            let mut request = app.client.request(method.clone(), app.url(&target));
            for (name, value) in *headers {
                request = request.header(*name, *value);
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), *status, "{case}");
            assert_eq!(response.headers()["etag"], etag, "{case}");
            assert_eq!(response.headers()["accept-ranges"], "bytes", "{case}");
            assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{case}");
            let shown = response.headers().get("content-range").map(|v| v.to_str().unwrap().to_owned());
            assert_eq!(shown.as_deref(), *content_range, "{case}");
            if matches!(status, 200 | 206) {
                assert_eq!(response.headers()["content-length"], part.len().to_string(), "{case}");
            }
            let expected = if method == reqwest::Method::HEAD { &[][..] } else { &bytes[part.clone()] };
            assert_eq!(response.bytes().await.unwrap(), expected, "{case}");
        }
    }
}

#[tokio::test]
async fn large_objects_come_whole_and_in_parts() {
    let app = TestApp::start().await;
    let bytes: Vec<u8> = (0..3_000_001u32).map(|n| (n % 253) as u8).collect();
    let (_, target) = app.published("application/pdf", &bytes).await;
    let get = |range: Option<&'static str>| {
        let request = app.client.get(app.url(&target));
        range.map_or(app.client.get(app.url(&target)), |range| request.header("range", range)).send()
    };
    assert!(get(None).await.unwrap().bytes().await.unwrap() == bytes);
    assert!(get(Some("bytes=1-2999998")).await.unwrap().bytes().await.unwrap() == bytes[1..2_999_999]);
    assert!(get(Some("bytes=-300000")).await.unwrap().bytes().await.unwrap() == bytes[2_700_001..]);
}

#[tokio::test]
async fn each_rendition_has_its_own_url_bytes_and_name() {
    let app = TestApp::start().await;
    let id = app.upload(b"x").await;
    let thumbnail = stage::Copy { name: RenditionName::Thumbnail, media_type: "image/webp", bytes: b"small" };
    app.publish(&id, &[stage::original("image/jpeg", b"large"), thumbnail]).await;
    for (rendition, body, disposition) in [
        ("original", "large", "inline; filename=\"photo.jpg\""),
        ("thumbnail", "small", "inline; filename=\"photo-thumbnail.webp\""),
    ] {
        let response = app.client.get(app.url(&app.mint(&id, rendition).await)).send().await.unwrap();
        assert_eq!(response.headers()["content-disposition"], disposition);
        assert_eq!(response.bytes().await.unwrap(), body);
    }
}

async fn replace(app: &TestApp, key: &str, bytes: &[u8]) {
    let mut spool = app.api.blobs.spool().await.unwrap();
    std::io::Write::write_all(&mut spool, bytes).unwrap();
    app.api.blobs.put(Zone::Published, key, &spool).await.unwrap();
}

#[tokio::test]
async fn an_object_that_is_not_what_the_verdict_names_is_not_served() {
    let app = TestApp::start().await;
    for damaged in [&b"something else"[..], b"012345678", b"0123456780", b""] {
        let (id, target) = app.published("image/png", b"0123456789").await;
        let key = format!("{id}/original");
        replace(&app, &key, damaged).await;
        for method in [reqwest::Method::GET, reqwest::Method::HEAD, reqwest::Method::GET] {
            let response = app.client.request(method, app.url(&target)).send().await.unwrap();
            assert_eq!(response.status(), 500, "{damaged:?}");
            let body = response.text().await.unwrap();
            assert!(!body.contains(&key));
            assert_eq!(app.api.kept.bytes(), 0, "{damaged:?} is kept");
        }
        app.api.blobs.remove(Zone::Published, &key).await.unwrap();
        let response = app.client.get(app.url(&target)).send().await.unwrap();
        assert_eq!(response.status(), 500);
        assert!(response.text().await.unwrap().contains("service.internal"));
        replace(&app, &key, b"0123456789").await;
        assert_eq!(app.client.get(app.url(&target)).send().await.unwrap().status(), 200);
        app.delete(&format!("/v1/uploads/{id}")).send().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_kept_in_memory_is_answered_as_what_is_on_disk() {
    let app = TestApp::start().await;
    let bytes: Vec<u8> = (0..1000u32).map(|n| (n % 251) as u8).collect();
    let etag = format!("if-none-match: \"{}\"\r\n", lazaret::hex(&Sha256::digest(&bytes)));
    let (_, kept) = app.published("image/png", &bytes).await;
    app.client.get(app.url(&kept)).send().await.unwrap();
    for headers in ["", "range: bytes=10-19\r\n", "range: bytes=-1\r\n", "range: bytes=1000-\r\n", &etag] {
        for method in ["GET", "HEAD"] {
            let ask = async |target: &str| {
                let request =
                    format!("{method} {target} HTTP/1.1\r\nhost: x\r\n{headers}connection: close\r\n\r\n");
                raw::send(app.address, request.as_bytes()).await
            };
            let (_, fresh) = app.published("image/png", &bytes).await;
            let answer = ask(&fresh).await;
            assert_ne!(answer.status, 500);
            assert_eq!(ask(&kept).await, answer, "{method} {headers}");
        }
    }
}

#[tokio::test]
async fn only_small_objects_are_kept_and_those_need_no_file() {
    let app = TestApp::start().await;
    let largest = 64 * 1024;
    for (size, kept) in [(0, true), (1, true), (largest, true), (largest + 1, false)] {
        let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
        let (id, target) = app.published("image/png", &bytes).await;
        let before = app.api.kept.bytes();
        let first = app.client.get(app.url(&target)).send().await.unwrap();
        assert!(first.bytes().await.unwrap() == bytes, "{size}");
        let taken = app.api.kept.bytes() - before;
        assert_eq!(taken >= size.max(1), kept, "{taken} for {size}");
        app.api.blobs.remove(Zone::Published, &format!("{id}/original")).await.unwrap();
        let again = app.client.get(app.url(&target)).send().await.unwrap();
        assert_eq!(again.status(), if kept { 200 } else { 500 }, "{size}");
        assert_eq!(again.bytes().await.unwrap() == bytes, kept, "{size}");
    }
}

#[tokio::test]
async fn an_erased_upload_leaves_memory_too() {
    let app = TestApp::start().await;
    let now = lazaret::ports::Clock::now(&*app.clock);
    for by_another_process in [false, true] {
        let (id, target) = app.published("image/png", b"0123456789").await;
        let get = async || app.client.get(app.url(&target)).send().await.unwrap().status();
        assert_eq!(get().await, 200);
        assert!(app.api.kept.bytes() > 0);
        if by_another_process {
            let tenant = "acme".parse().unwrap();
            app.api.store.erase(&tenant, id.parse().unwrap(), "other", now).await.unwrap().unwrap();
            assert!(app.api.kept.bytes() > 0, "it cannot know yet");
            assert_eq!(get().await, 403);
        } else {
            app.delete(&format!("/v1/uploads/{id}")).send().await.unwrap();
        }
        assert_eq!(app.api.kept.bytes(), 0);
        assert_eq!(get().await, 403);
    }
}
