//! Connections that are lost in mid-upload: nothing is kept.

use crate::common::{TestApp, eventually};
use tokio::{io::AsyncWriteExt, net::TcpStream};

#[tokio::test]
async fn of_a_lost_connection_nothing_is_kept() {
    let app = TestApp::start().await;
    let part = "--x\r\ncontent-disposition: form-data; name=f; filename=f\r\n\r\n";
    let cases = [
        ("content-length: 900000".to_owned(), vec![7; 600_000]),
        ("content-length: 10".to_owned(), vec![]),
        ("transfer-encoding: chunked".to_owned(), b"5\r\nhello\r\n".to_vec()),
        ("transfer-encoding: chunked".to_owned(), b"5\r\nhel".to_vec()),
        ("content-length: 900000\r\ncontent-type: multipart/form-data; boundary=x".to_owned(), part.into()),
        // The file is whole; the form is not.
        (
            "content-length: 900000\r\ncontent-type: multipart/form-data; boundary=x".to_owned(),
            format!("{part}body\r\n--x\r\n").into(),
        ),
    ];
    for (n, (headers, sent)) in cases.into_iter().enumerate() {
        let mut stream = TcpStream::connect(app.address).await.unwrap();
        let head = format!(
            "POST /v1/uploads HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n{headers}\r\n\r\n",
            app.key
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&sent).await.unwrap();
        stream.flush().await.unwrap();
        drop(stream);
        // The server has noticed when it has answered, if into the void.
        eventually("the server gives the upload up", async || answered(&app).await == n as u64 + 1).await;
        app.assert_nothing_kept(&headers).await;
    }
}

async fn answered(app: &TestApp) -> u64 {
    let text = app.get("/metrics").send().await.unwrap().text().await.unwrap();
    let line = "lazaret_http_requests_total{method=\"POST\",route=\"/v1/uploads\",status=\"400\"} ";
    text.lines().find_map(|l| l.strip_prefix(line)).map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn a_sender_that_falls_silent_is_given_up() {
    let app = TestApp::start_with(|api| api.limits.body_idle = std::time::Duration::from_millis(50)).await;
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    let key = &app.key;
    let head = format!(
        "POST /v1/uploads HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-length: 9\r\n\r\nabc"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    eventually("the server gives the upload up", async || answered(&app).await == 1).await;
    app.assert_nothing_kept("silent").await;
}
