//! The end of a server, and two at a time.

use crate::{
    process::descendants,
    samples,
    server::{Running, Server},
    site::Site,
    wait::until,
};

#[tokio::test]
async fn a_drained_server_ends_its_work_and_leaves_nothing_behind() {
    let site = Site::new("[pipeline]\nworkers = 2");
    let server = Server::ready(&site).await;
    let heavy = server.upload("heavy.gif", &samples::heavy()).await;
    let mut waiting = Vec::new();
    for n in 0..6 {
        waiting.push(server.upload("a.jpg", &samples::photo(n)).await);
    }
    until("the scan has begun", async || {
        let state = server.show(&heavy).await["state"].clone();
        if state == "scanning" { Ok(()) } else { Err(state) }
    })
    .await;
    let (key, pid) = (server.key.clone(), server.pid());
    server.terminate();
    let status = server.ended().await;
    assert!(status.success(), "{status}");
    assert_eq!(descendants(pid), []);
    assert!(!site.data("clamd/clamd.pid").exists());

    // What was in flight is settled; what was not begun waits for the next server.
    site.hold_clamd_down();
    let server = Server::start_with(&site, &key).await;
    let upload = server.show(&heavy).await;
    assert_eq!((&upload["state"], &upload["verdict_number"]), (&"published".into(), &1.into()), "{upload}");
    site.let_clamd_up();
    for id in &waiting {
        assert_eq!(server.settled(id).await["verdict_number"], 1);
    }
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused() {
    let site = Site::new("");
    let server = Server::ready(&site).await;
    let mut command = site.command();
    command.arg("serve");
    let mut second = Running::spawn(command);
    let status = until("the second server ends", async || second.child.try_wait().unwrap().ok_or(())).await;
    let said = until("it says why", async || second.log().last().cloned().ok_or(())).await;
    assert_eq!(status.code(), Some(2));
    assert!(
        said.contains("another `lazaret serve` uses the data folder") && said.contains("server.data"),
        "{said}"
    );
    // The first one never noticed.
    assert_eq!(server.verdict_on("a.txt", &samples::text(1)).await["state"], "published");
}
