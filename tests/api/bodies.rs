//! What may be wrong with the bytes: nothing is kept of any of it.

use crate::common::{TestApp, assert_problem, id_of, json, raw};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::multipart::{Form, Part};
use sha2::{Digest, Sha256, Sha512};

fn sha256(bytes: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(bytes)))
}

fn sha512(bytes: &[u8]) -> String {
    format!("sha-512=:{}:", STANDARD.encode(Sha512::digest(bytes)))
}

/// A body without a Content-Length.
fn chunked(bytes: Vec<u8>) -> reqwest::Body {
    let pieces: Vec<_> = bytes.chunks(10_000).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
    reqwest::Body::wrap_stream(futures_util::stream::iter(pieces))
}

const MAX: usize = 1 << 20;

#[tokio::test]
async fn refused_bodies_leave_nothing_behind() {
    let app = TestApp::start().await;
    let post = |query: &str| app.post(&format!("/v1/uploads{query}"));
    let digest = |header: String| post("").header("content-digest", header);
    let twice = || Form::new().part("a", file("1")).part("b", file("2"));
    let cases = [
        ("empty", post("").body(""), 400, "upload.empty"),
        ("empty form file", post("").multipart(Form::new().part("f", file(""))), 400, "upload.empty"),
        ("too large", post("").body(vec![7; MAX + 1]), 413, "upload.too_large"),
        ("too large, no length", post("").body(chunked(vec![7; MAX + 1])), 413, "upload.too_large"),
        (
            "too large, in a form",
            post("").multipart(Form::new().part("f", file(&"x".repeat(MAX + 1)))),
            413,
            "upload.too_large",
        ),
        (
            "much beside the file",
            post("").multipart(Form::new().text("t", "x".repeat(MAX)).part("f", file("x"))),
            413,
            "upload.too_large",
        ),
        ("smaller than said", post("?size=5").body("1234"), 422, "size.mismatch"),
        ("larger than said", post("?size=5").body(chunked(b"123456".to_vec())), 422, "size.mismatch"),
        ("size is no number", post("?size=5k").body("1234"), 400, "query.malformed"),
        ("other bytes", digest(sha256(b"other")).body("body"), 422, "digest.mismatch"),
        ("other bytes, sha-512", digest(sha512(b"other")).body("body"), 422, "digest.mismatch"),
        (
            "one of two",
            digest(format!("{}, {}", sha256(b"body"), sha512(b"other"))).body("body"),
            422,
            "digest.mismatch",
        ),
        (
            "digest of a form's file at its head",
            digest(sha256(b"body")).multipart(Form::new().part("f", file("body"))),
            422,
            "digest.mismatch",
        ),
        ("malformed digest", digest("sha-256=abc".into()).body("body"), 400, "digest.malformed"),
        ("short digest", digest("sha-256=:AAAA:".into()).body("body"), 400, "digest.malformed"),
        ("no file in the form", post("").multipart(Form::new().text("a", "b")), 400, "body.malformed"),
        ("two files in the form", post("").multipart(twice()), 400, "body.malformed"),
        (
            "no boundary",
            post("").header("content-type", "multipart/form-data").body("x"),
            400,
            "body.malformed",
        ),
        (
            "no form",
            post("").header("content-type", "multipart/form-data; boundary=x").body("y"),
            400,
            "body.malformed",
        ),
        (
            "form without an end",
            post("")
                .header("content-type", "multipart/form-data; boundary=x")
                .body("--x\r\ncontent-disposition: form-data; name=f; filename=f\r\n\r\nabc"),
            400,
            "body.malformed",
        ),
        (
            "long content type",
            post("").header("content-type", "a/".to_owned() + &"b".repeat(300)).body("x"),
            400,
            "header.malformed",
        ),
    ];
    for (case, request, status, code) in cases {
        let response = request.send().await.unwrap();
        assert_problem(response, status, code, case).await;
        app.assert_nothing_kept(case).await;
    }
}

#[tokio::test]
async fn good_digests_and_unknown_ones_pass() {
    let app = TestApp::start().await;
    let both = format!("{}, {}", sha256(b"body"), sha512(b"body"));
    for header in [sha256(b"body"), sha512(b"body"), both, "md5=:AAAA:".to_owned()] {
        let response =
            app.post("/v1/uploads").header("content-digest", &header).body("body").send().await.unwrap();
        assert_eq!(response.status(), 202, "{header}");
    }
    // Of a form, the head's digest is of the whole body, and a part's own of its bytes.
    let form = "--x\r\ncontent-disposition: form-data; name=f; filename=a.txt\r\ncontent-digest: ";
    let form = format!("{form}{}\r\n\r\nbody\r\n--x--\r\n", sha256(b"body"));
    for (body, status) in [(form.clone(), 202), (form.replace("\r\nbody\r\n", "\r\nbodi\r\n"), 422)] {
        let request = app.post("/v1/uploads").header("content-type", "multipart/form-data; boundary=x");
        let response =
            request.header("content-digest", sha256(body.as_bytes())).body(body).send().await.unwrap();
        assert_eq!(response.status(), status);
    }
    assert_eq!(app.count().await, 5);
}

fn file(bytes: &str) -> Part {
    Part::text(bytes.to_owned()).file_name("from-form.txt").mime_str("text/plain").unwrap()
}

#[tokio::test]
async fn the_largest_body_allowed_is_taken_raw_chunked_and_in_a_form() {
    let app = TestApp::start().await;
    let bytes: Vec<u8> = (0..MAX).map(|n| (n % 249) as u8).collect();
    let sum = lazaret::hex(&Sha256::digest(&bytes));
    let part = Part::bytes(bytes.clone()).file_name("f");
    let form = Form::new().text("before", "x".repeat(1000)).part("f", part).text("after", "y".repeat(1000));
    let requests = [
        app.post("/v1/uploads").body(bytes.clone()),
        app.post(&format!("/v1/uploads?size={MAX}")).body(chunked(bytes.clone())),
        app.post("/v1/uploads").multipart(form),
    ];
    for request in requests {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 202);
        let id = id_of(response).await;
        let shown = json(app.get(&format!("/v1/uploads/{id}")).send().await.unwrap()).await;
        assert_eq!((shown["size"].as_u64(), shown["sha256"].as_str()), (Some(MAX as u64), Some(&*sum)));
        let held = app.api.blobs.open(lazaret::ports::blobs::Zone::Held, &id).await.unwrap().unwrap();
        assert!(
            std::io::read_to_string(held).is_err()
                && app.files().iter().any(|f| std::fs::read(f).unwrap() == bytes)
        );
    }
}

#[tokio::test]
async fn a_length_that_is_too_large_is_refused_before_any_byte_is_sent() {
    let app = TestApp::start().await;
    let head = format!(
        "POST /v1/uploads HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        app.key,
        MAX + 1
    );
    // No byte of the body is ever sent: the answer does not wait for one.
    let answer = raw::send(app.address, head.as_bytes()).await;
    assert_eq!(answer.status, 413);
    app.assert_nothing_kept("head only").await;
}

#[tokio::test]
async fn a_form_names_and_types_its_file_and_the_query_names_it_better() {
    let app = TestApp::start().await;
    for (query, filename) in [("", "from-form.txt"), ("?filename=from-query.txt", "from-query.txt")] {
        let form = Form::new().text("csrf", "token").part("upload", file("body"));
        let response = app.post(&format!("/v1/uploads{query}")).multipart(form).send().await.unwrap();
        assert_eq!(response.status(), 202);
        let id = id_of(response).await;
        let upload =
            app.api.store.upload(&"acme".parse().unwrap(), id.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(upload.filename.as_deref(), Some(filename));
        assert_eq!(upload.declared.as_deref(), Some("text/plain"));
        assert_eq!(upload.size, 4);
    }
}

#[tokio::test]
async fn the_declared_type_is_kept_as_it_was_said() {
    let app = TestApp::start().await;
    let cases = [
        (Some("image/png"), Some("image/png")),
        (Some("Text/HTML; charset=x"), Some("Text/HTML; charset=x")),
        (Some("application/x-www-form-urlencoded"), None),
        (None, None),
    ];
    for (said, kept) in cases {
        let mut request = app.post("/v1/uploads").body("x");
        if let Some(said) = said {
            request = request.header("content-type", said);
        }
        let id = id_of(request.send().await.unwrap()).await;
        let upload =
            app.api.store.upload(&"acme".parse().unwrap(), id.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(upload.declared.as_deref(), kept);
    }
}
