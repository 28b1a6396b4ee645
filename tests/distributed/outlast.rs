//! Work that takes longer than the broker waits for an answer: its message is acknowledged, and the upload is settled
//! once all the same.

use crate::{clamd::Clamd, gate::Gate, rabbitmq::Rabbit, server::Server, site::Site, wait::until};

/// A worker whose clamd answers when the test says.
async fn worker(site: &Site, key: &str, name: &str) -> Server {
    let data = site.path(name);
    let worker = Server::start_as(site, key, &["--roles", "worker", "--data", data.to_str().unwrap()]).await;
    worker.until_ready().await;
    worker
}

/// Messages of work that the broker has, those that a worker has in hand as well.
async fn held(site: &Site) -> u64 {
    let vhost = site.backing.vhost.name.clone();
    let listed = tokio::task::spawn_blocking(move || {
        let columns = ["list_queues", "--vhost", &vhost, "--no-table-headers", "name", "messages"];
        Rabbit::shared().control(&columns)
    });
    let listed = listed.await.unwrap();
    let work =
        listed.lines().filter(|line| line.starts_with("lazaret.work") || line.starts_with("lazaret.retry"));
    work.map(|line| line.split_whitespace().last().unwrap().parse::<u64>().unwrap()).sum()
}

/// The upload is being scanned, and the broker has no message of it any more.
async fn without_message(site: &Site, front: &Server, id: &str) {
    until("its message is gone, and its scan goes on", async || {
        // Asked in this order, or its message may not have come yet.
        let upload = front.show(id).await;
        let held = held(site).await;
        if upload["state"] == "scanning" && held == 0 { Ok(()) } else { Err((held, upload)) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_outlasts_its_message_is_neither_lost_nor_done_twice() {
    let folder = tempfile::tempdir().unwrap();
    let clamd = Clamd::start(folder.path());
    let gate = Gate::before(clamd.address).await;
    let site = Site::new(&format!(
        "[queue]\nack_within = \"1s\"\n[pipeline]\nretry = \"1s\"\nlease = \"5s\"\n\
         [intake]\nmax_upload = \"4MiB\"\n\
         [antivirus]\nclamd = [\"tcp:{}\"]\nmax_file = \"8MiB\"\nmax_scan = \"8MiB\"\n\
         deadline = \"10m\"\ncanary_every = \"1h\"",
        gate.address
    ));
    assert_eq!(site.run(&["migrate"]).await.code(), 0);
    let key = site.key("acme").await;
    let data = site.path("front");
    let front =
        Server::start_as(&site, &key, &["--roles", "api,events", "--data", data.to_str().unwrap()]).await;
    let first = worker(&site, &key, "w1").await;
    let published = async |id: &str, what: &str| {
        let upload = front.settled(id).await;
        let said = (&upload["state"], &upload["verdict_number"]);
        assert_eq!(said, (&"published".into(), &1.into()), "{what}: {upload}");
    };

    gate.close();
    let settles = front.upload("a.txt", b"it settles").await;
    without_message(&site, &front, &settles).await;
    gate.may.add_permits(1);
    published(&settles, "the scan comes to its end").await;

    let waits = front.upload("b.txt", b"its scanner dies").await;
    without_message(&site, &front, &waits).await;
    clamd.kill();
    gate.may.add_permits(1);
    until("it waits for its scanner", async || {
        let upload = front.show(&waits).await;
        if upload["waiting_for"].is_string() { Ok(()) } else { Err(upload) }
    })
    .await;
    clamd.again();
    gate.may.add_permits(Gate::WIDE);
    published(&waits, "it is announced anew").await;

    gate.close();
    let loses = front.upload("c.txt", b"its worker dies").await;
    without_message(&site, &front, &loses).await;
    first.kill().await;
    gate.may.add_permits(Gate::WIDE);
    let second = worker(&site, &key, "w2").await;
    published(&loses, "its lease runs out").await;
    until("no message is left", async || {
        let held = held(&site).await;
        if held == 0 { Ok(()) } else { Err(held) }
    })
    .await;
    assert_eq!(second.log().iter().filter(|line| line.contains("panicked")).count(), 0);
}
