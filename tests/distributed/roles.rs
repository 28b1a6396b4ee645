//! Several processes of different roles, from one settings file.

use crate::{process::Process, samples, server::Server, site::Site, wait::until};
use lazaret_fixtures::eicar;

/// Each has a data folder of its own.
async fn process(site: &Site, key: &str, roles: &str, name: &str) -> Server {
    let data = site.path(name);
    Server::start_as(site, key, &["--no-migrate", "--roles", roles, "--data", data.to_str().unwrap()]).await
}

/// The key of a tenant, by a command that brings the schema up beforehand.
async fn prepared(site: &Site) -> String {
    let migrated = site.run(&["migrate"]).await;
    assert_eq!(migrated.code(), 0, "{migrated:?}");
    site.key("acme").await
}

#[tokio::test]
async fn what_one_process_takes_another_scans_and_a_third_delivers_until_a_fourth_erases_it() {
    let site = Site::new("");
    let key = prepared(&site).await;
    let front = process(&site, &key, "api,events", "front").await;
    let delivery = process(&site, &key, "delivery", "delivery").await;
    let other = process(&site, &key, "api", "other").await;
    let workers = [process(&site, &key, "worker", "w1").await, process(&site, &key, "worker", "w2").await];
    for worker in &workers {
        worker.until_ready().await;
    }
    let photo = front.upload("a.jpg", &samples::photo(1)).await;
    let virus = front.upload("eicar.txt", &eicar()).await;
    assert_eq!(other.settled(&photo).await["state"], "published");
    assert_eq!(other.settled(&virus).await["state"], "quarantined");

    let url = front.signed_url(&photo, "original").await;
    let there = url.replace(&front.url, &delivery.url);
    let expected = front.show(&photo).await["renditions"][0]["sha256"].clone();
    let (status, bytes) = delivery.fetch(&there).await;
    assert_eq!((status, expected.as_str().unwrap()), (200, crate::upload::sha256(&bytes).as_str()));
    // A process does what its roles say and no more.
    assert_eq!(front.fetch(&url).await.0, 404);
    assert_eq!(delivery.post("a.txt", b"a").send().await.unwrap().status(), 404);
    for worker in &workers {
        assert_eq!(worker.fetch(&url.replace(&front.url, &worker.url)).await.0, 404);
        assert_eq!(worker.post("a.txt", b"a").send().await.unwrap().status(), 404);
    }

    other.erase(&photo).await;
    assert_eq!(delivery.fetch(&there).await.0, 403, "erased in one process, out of reach in all");
    assert_eq!(front.show(&photo).await["state"], "erased");
    assert_eq!(front.mint(&photo, "original").await.status(), 409);
}

#[tokio::test]
async fn a_worker_that_is_killed_in_mid_scan_costs_nothing() {
    // One attempt more than the one that dies: nothing else may cost any.
    let site = Site::new("[pipeline]\nattempts = 2");
    let key = prepared(&site).await;
    let front = process(&site, &key, "api,delivery,events", "front").await;
    let mut workers =
        vec![process(&site, &key, "worker", "w1").await, process(&site, &key, "worker", "w2").await];
    for worker in &workers {
        worker.until_ready().await;
    }
    let heavy = front.upload("heavy.gif", &samples::heavy()).await;
    let busy = until("a worker is at it", async || {
        let at_it = |worker: &Server| worker.children().iter().any(Process::is_busy);
        workers.iter().position(at_it).ok_or(())
    })
    .await;
    let mut ids = vec![heavy];
    for n in 0..6 {
        ids.push(front.upload("a.jpg", &samples::photo(n)).await);
    }
    assert!(!front.show(&ids[0]).await["settled_at"].is_string(), "it is in mid-scan");
    workers.remove(busy).kill().await;
    for id in &ids {
        let upload = front.settled(id).await;
        assert_eq!(
            (&upload["state"], &upload["verdict_number"]),
            (&"published".into(), &1.into()),
            "{upload}"
        );
        assert_eq!(front.fetch(&front.signed_url(id, "original").await).await.0, 200);
    }
    for server in workers.into_iter().chain([front]) {
        server.terminate();
        assert!(server.ended().await.success());
    }
}

/// Its attempts are counted in the store: the broker's count of deliveries is everybody's in the same prefetch.
#[tokio::test]
async fn a_file_that_kills_its_workers_ends_in_review_and_its_neighbours_go_through() {
    let site = Site::new("[pipeline]\nattempts = 2");
    let key = prepared(&site).await;
    let front = process(&site, &key, "api,delivery,events", "front").await;
    let mut worker = process(&site, &key, "worker", "w1").await;
    worker.until_ready().await;
    let poison = front.upload("heavy.gif", &samples::heavy()).await;
    let busy = async |worker: &Server| {
        until("the worker is at it", async || {
            let upload = front.show(&poison).await;
            let at_it = upload["state"] == "scanning" && worker.children().iter().any(Process::is_busy);
            if at_it { Ok(()) } else { Err(upload) }
        })
        .await;
    };
    busy(&worker).await;
    let mut neighbours = Vec::new();
    for n in 0..6 {
        neighbours.push(front.upload("a.jpg", &samples::photo(n)).await);
    }
    worker.kill().await;
    worker = process(&site, &key, "worker", "w2").await;
    for id in &neighbours {
        let upload = front.settled(id).await;
        assert_eq!(
            (&upload["state"], &upload["verdict_number"]),
            (&"published".into(), &1.into()),
            "{upload}"
        );
    }
    // Nothing else is left to be busy with.
    busy(&worker).await;
    worker.kill().await;
    let worker = process(&site, &key, "worker", "w3").await;
    let upload = front.settled(&poison).await;
    assert_eq!(
        (&upload["state"], &upload["verdict_number"], &upload["verdict_detail"]["reasons"]),
        (&"in_review".into(), &1.into(), &serde_json::json!(["scan_failed"])),
        "{upload}"
    );
    let dead = site.run(&["dead", "list", "--json"]).await;
    assert_eq!((dead.code(), dead.out().as_str()), (0, ""), "no message died of it");
    for server in [worker, front] {
        server.terminate();
        assert!(server.ended().await.success());
    }
}
