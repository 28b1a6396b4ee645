//! A wrong setting is one clear line at start.

use crate::{place::Place, proxy::Mode, server::SECRET_KEY};
use lazaret::{
    adapters::s3::{Options, S3},
    ports::{Direct, Kind},
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// The one line, and what it does not say.
async fn refused(options: Options) -> (Kind, String) {
    let error = S3::open(options).await.err().expect("it does not open");
    let line = error.to_string();
    assert!(!line.contains('\n') && line.len() < 600, "{line}");
    assert!(!line.contains(SECRET_KEY), "{line}");
    (error.kind, line)
}

#[tokio::test]
async fn a_bucket_that_is_not_there_and_credentials_that_are_not_good() {
    let place = Place::new().await;
    let (kind, line) = refused(Options { bucket: "no-such-bucket".into(), ..place.options() }).await;
    assert!(kind == Kind::Fail && line.contains("no-such-bucket") && line.contains("blobs.url"), "{line}");
    let (_, line) = refused(Options { secret_key: Some("wrong".to_owned().into()), ..place.options() }).await;
    assert!(line.contains("check blobs.secret_key") && line.contains("SignatureDoesNotMatch"), "{line}");
    let (_, line) = refused(Options { access_key: Some("nobody".into()), ..place.options() }).await;
    assert!(line.contains("blobs.access_key"), "{line}");
    let (_, line) = refused(Options { access_key: None, secret_key: None, ..place.options() }).await;
    assert!(line.contains("blobs.access_key") && line.contains("AWS_ACCESS_KEY_ID"), "{line}");
}

#[tokio::test]
async fn nobody_listens() {
    let place = Place::new().await;
    place.proxy.set(Mode::Refuse);
    let (kind, line) = refused(place.options()).await;
    assert!(kind == Kind::Retry && line.contains("blobs.url"), "{line}");
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let endpoint = Some(format!("http://{address}"));
    let (kind, line) = refused(Options { endpoint, ..place.options() }).await;
    assert!(kind == Kind::Retry && line.contains(&address.to_string()), "{line}");
    assert!(line.contains("blobs.url") && line.contains("refused"), "{line}");
}

/// The server of these tests has the clock of this machine, so this one answer is written down.
#[tokio::test]
async fn a_clock_that_is_wrong() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
    let server = tokio::spawn(async move {
        let body = "<?xml version=\"1.0\"?><Error><Code>RequestTimeTooSkewed</Code><Message>The difference between \
                    the request time and the current time is too large.</Message></Error>";
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.read(&mut [0; 8192]).await;
            let head =
                format!("HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
            let answer = format!("{head}content-type: application/xml\r\n\r\n{body}");
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    let place = Place::new().await;
    let (kind, line) = refused(Options { endpoint, ..place.options() }).await;
    assert!(kind == Kind::Fail && line.contains("clock"), "{line}");
    server.abort();
}

/// Bytes that a signed URL does not allow are refused by the server itself.
#[tokio::test]
async fn a_signed_url_takes_exactly_what_was_announced() {
    let place = Place::new().await;
    let id = "019a0000-0000-7000-8000-000000000001".parse().unwrap();
    let signed = place.s3().await.presign_put(id, 5, Duration::from_secs(60)).await.unwrap();
    assert!(signed.url.contains("content-length"), "the length is signed: {}", signed.url);
    assert!(!signed.url.contains(SECRET_KEY));
    let client = reqwest::Client::new();
    for (bytes, status) in [("123456", 403), ("1234", 403), ("12345", 200)] {
        let put = signed.headers.iter().fold(client.put(&signed.url), |put, (name, value)| {
            if name.eq_ignore_ascii_case("content-length") { put } else { put.header(name, value) }
        });
        let answer = put.body(bytes).send().await.unwrap();
        assert_eq!(answer.status(), status, "{bytes}");
    }
    assert_eq!(place.objects(), [(format!("incoming/{id}"), 5)]);
}
