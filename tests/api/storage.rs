//! When the disk is full or out of reach: a clear answer, nothing kept, and work in flight unharmed.

use crate::common::{
    TestApp, assert_problem, eventually,
    faults::{Fault, FaultyBlobs},
};
use lazaret::ports::Kind;

#[tokio::test]
async fn each_trouble_has_its_answer_and_goes_by() {
    let mut blobs = None;
    let app = TestApp::start_with(|api| {
        api.limits.reserve_bytes = 1000;
        let faulty = FaultyBlobs::new(api.blobs.clone());
        blobs = Some(faulty.clone());
        api.blobs = faulty;
    })
    .await;
    let blobs = blobs.unwrap();
    let cases = [
        ("the spool's disk is full", Fault::SpoolFull, 507, "storage.full"),
        ("the zone is full", Fault::Put(Kind::Full), 507, "storage.full"),
        ("less is free than is said to come", Fault::Free(1099), 507, "storage.full"),
        ("out of reach for now", Fault::Put(Kind::Retry), 503, "service.unavailable"),
        ("broken", Fault::Put(Kind::Fail), 500, "service.internal"),
    ];
    for (case, fault, status, code) in cases {
        blobs.set(Some(fault));
        let response = app.post("/v1/uploads").body(vec![1; 100]).send().await.unwrap();
        assert_eq!(response.headers().contains_key("retry-after"), status == 503, "{case}");
        let problem = assert_problem(response, status, code, case).await;
        assert!(!problem.to_string().contains("secret detail"), "{case}");
        app.assert_nothing_kept(case).await;
    }
    blobs.set(Some(Fault::Free(1100)));
    let id = app.upload(&[1; 100]).await;
    blobs.set(Some(Fault::Put(Kind::Full)));
    let shown = app.get(&format!("/v1/uploads/{id}")).send().await.unwrap();
    assert_eq!(crate::common::json(shown).await["state"], "received");
}

#[tokio::test]
async fn a_sender_that_leaves_after_its_last_byte_has_its_upload_whole_or_not_at_all() {
    use tokio::{io::AsyncWriteExt, net::TcpStream};
    let app = TestApp::start().await;
    for _ in 0..10 {
        let mut stream = TcpStream::connect(app.address).await.unwrap();
        let key = &app.key;
        let head = format!(
            "POST /v1/uploads HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-length: 3\r\n\r\nabc"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        drop(stream);
    }
    app.upload(b"last").await;
    eventually("rows and bytes agree", async || app.count().await == app.files().len()).await;
}

/// The commit may have gone through, or go through yet, where only its answer is missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_stay_while_the_commit_of_their_row_is_in_doubt() {
    let app = TestApp::start().await;
    let row = rusqlite::Connection::open(app.folder.path().join("lazaret.db")).unwrap();
    let send = async || app.post("/v1/uploads").body("letters").send().await.unwrap();
    // Refused by the store, for good: nothing will ever name them.
    row.execute_batch("CREATE TRIGGER no BEFORE INSERT ON uploads BEGIN SELECT RAISE(ABORT, 'no'); END")
        .unwrap();
    assert_eq!(send().await.status(), 500);
    app.assert_nothing_kept("refused").await;
    // Not answered in time.
    row.execute_batch("DROP TRIGGER no; BEGIN IMMEDIATE").unwrap();
    assert_eq!(send().await.status(), 503);
    assert_eq!(app.files().len(), 1, "the sweeper judges");
    row.execute_batch("ROLLBACK").unwrap();
    assert_eq!(app.count().await, 0);
}
