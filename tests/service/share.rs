//! Fair share: a tenant with much to do does not hold up one with little.

use crate::{process::signal_to, samples, server::Server, site::Site, upload::accepted, wait::until};
use rustix::process::Signal;
use serde_json::Value;

const MANY: usize = 60;

#[tokio::test]
async fn one_tenants_backlog_does_not_hold_up_anothers_first() {
    let site = Site::new("[queue]\nshare = 5\n[pipeline]\nworkers = 1");
    let server = Server::ready(&site).await;
    let other = site.key("other").await;
    // Nothing is scanned before all of it is there.
    let clamd = site.clamd().unwrap();
    signal_to(clamd, Signal::STOP);
    let mut many = Vec::new();
    for n in 0..MANY {
        many.push(server.upload("a.txt", &samples::text(n)).await);
    }
    let url = format!("{}/v1/uploads", server.url);
    let sent = server.client.post(&url).bearer_auth(&other).body(samples::text(MANY)).send().await.unwrap();
    let single = accepted(sent).await;
    signal_to(clamd, Signal::CONT);

    let settled = until("the other tenant's upload is settled", async || {
        let answer =
            server.client.get(format!("{url}/{single}?wait=5s")).bearer_auth(&other).send().await.unwrap();
        let upload: Value = answer.json().await.unwrap();
        moment(&upload).ok_or(upload)
    })
    .await;
    let mut before = 0;
    for id in &many {
        let upload = server.settled(id).await;
        assert_eq!(upload["state"], "published", "{upload}");
        before += usize::from(moment(&upload).unwrap() < settled);
    }
    // Those in its share, those that were in hand, and one in four of the others meanwhile.
    assert!(before <= 15, "{before} of {MANY} were settled before it");
}

fn moment(upload: &Value) -> Option<jiff::Timestamp> {
    upload["settled_at"].as_str().map(|at| at.parse().unwrap())
}
