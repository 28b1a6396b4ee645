//! clamd dead, hung, or talking nonsense: uploads wait at no cost, nothing is published, and all of them go through when
//! it is back.

use crate::{process::signal_to, samples, server::Server, site::Site, wait::until};
use lazaret_fixtures::eicar;
use rustix::process::Signal;
use serde_json::Value;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixStream},
};

/// Attempts are few, so that an outage that costs any shows.
const FEW_ATTEMPTS: &str = "[pipeline]\nattempts = 2\nretry = \"100ms\"\n";

/// How often the log says that this upload waits.
fn waits(server: &Server, id: &str) -> usize {
    let waits = |event: &&Value| event["upload.id"] == id && event["message"] == "an upload waits";
    server.events().iter().filter(waits).count()
}

/// Each waits for `engine`, was tried more often than attempts are allowed, and none is settled.
async fn assert_all_wait(server: &Server, ids: &[String], engine: &str) {
    for id in ids {
        server.waiting(id, engine).await;
    }
    until("each was tried more often than attempts are allowed", async || {
        let tried: Vec<usize> = ids.iter().map(|id| waits(server, id)).collect();
        if tried.iter().all(|times| *times > 3) { Ok(()) } else { Err(tried) }
    })
    .await;
    for upload in server.list().await.iter().filter(|upload| ids.iter().any(|id| upload["id"] == **id)) {
        assert!(matches!(upload["state"].as_str(), Some("received" | "scanning")), "{upload}");
    }
}

#[tokio::test]
async fn while_clamd_is_dead_uploads_wait_and_nothing_is_lost() {
    let site = Site::new(FEW_ATTEMPTS);
    let server = Server::ready(&site).await;
    let mut before = Vec::new();
    for n in 0..12 {
        before.push(server.upload("a.jpg", &samples::photo(n)).await);
    }
    // In the middle of its backlog.
    site.hold_clamd_down();
    signal_to(site.clamd().unwrap(), Signal::KILL);
    let trouble = until("readyz says that clamd is gone", async || server.trouble().await.ok_or(())).await;
    assert!(trouble.contains("clamav is unavailable"), "{trouble}");

    // The API takes what it can keep.
    let mut after = Vec::new();
    for n in 0..4 {
        after.push(server.upload("b.txt", &samples::text(n)).await);
    }
    after.push(server.upload("eicar.txt", &eicar()).await);
    assert_all_wait(&server, &after, "clamav is unavailable").await;
    let published = site.objects("published");
    assert!(
        published.iter().all(|name| before.iter().any(|id| name.starts_with(id.as_str()))),
        "{published:?}"
    );
    let open = server.list().await.iter().filter(|upload| upload["settled_at"].is_null()).count();
    assert!(open >= after.len());

    site.let_clamd_up();
    for id in before.iter().chain(&after) {
        let upload = server.settled(id).await;
        let expected = if upload["filename"] == "eicar.txt" { "quarantined" } else { "published" };
        assert_eq!((&upload["state"], &upload["verdict_number"]), (&expected.into(), &1.into()), "{upload}");
        assert!(upload["waiting_for"].is_null());
    }
    server.until_ready().await;
}

#[tokio::test]
async fn while_clamd_hangs_uploads_wait() {
    // Its own deadline is what shows that it hangs.
    let site = Site::new(&format!("{FEW_ATTEMPTS}[antivirus]\ndeadline = \"1s\"\ncanary_every = \"1s\""));
    let server = Server::ready(&site).await;
    let clamd = site.clamd().unwrap();
    signal_to(clamd, Signal::STOP);
    let id = server.upload("a.txt", &samples::text(1)).await;
    server.waiting(&id, "no answer").await;
    let trouble = server.trouble().await.unwrap();
    assert!(trouble.contains("clamav"), "{trouble}");
    let late = server.upload("b.txt", &samples::text(2)).await;
    assert_all_wait(&server, &[id.clone(), late.clone()], "clamav is unavailable").await;
    assert!(site.objects("published").is_empty());
    signal_to(clamd, Signal::CONT);
    for id in [&id, &late] {
        assert_eq!(server.settled(id).await["state"], "published");
    }
}

#[tokio::test]
async fn a_pool_that_talks_nonsense_publishes_nothing_until_a_real_clamd_stands_there() {
    let real = Site::new("");
    let helper = Server::ready(&real).await;
    let socket = std::fs::read_to_string(real.data("clamd/address")).unwrap();
    let socket = socket.trim().strip_prefix("unix:").unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let honest = Arc::new(AtomicBool::new(false));
    let pretender = tokio::spawn(pretend(listener, Arc::clone(&honest), socket));

    let site = Site::new(&format!(
        "{FEW_ATTEMPTS}[antivirus]\nclamd = [\"tcp:{address}\"]\ncanary_every = \"200ms\"\ndeadline = \"5s\""
    ));
    let server = Server::start(&site).await;
    let ids = [server.upload("a.txt", &samples::text(1)).await, server.upload("eicar.txt", &eicar()).await];
    assert_all_wait(&server, &ids, "clamav is unavailable").await;
    let trouble = server.trouble().await.unwrap();
    assert!(trouble.contains(&address.to_string()), "{trouble}");
    assert!(site.objects("published").is_empty());

    honest.store(true, Ordering::SeqCst);
    assert_eq!(server.settled(&ids[0]).await["state"], "published");
    assert_eq!(server.settled(&ids[1]).await["state"], "quarantined");
    pretender.abort();
    drop(helper);
}

/// Says that everything is fine, whatever it is asked; or passes on to a real clamd.
async fn pretend(listener: TcpListener, honest: Arc<AtomicBool>, socket: String) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (honest, socket) = (honest.load(Ordering::SeqCst), socket.clone());
        tokio::spawn(async move {
            if honest {
                let mut clamd = UnixStream::connect(socket).await.unwrap();
                let _either_side_may_leave = copy_bidirectional(&mut stream, &mut clamd).await;
            } else {
                let _it_may_have_left = babble(&mut stream).await;
            }
        });
    }
}

async fn babble(stream: &mut TcpStream) -> std::io::Result<()> {
    let _whatever_it_is = stream.read(&mut [0; 4096]).await?;
    stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nstream: OK\0").await
}
