//! The same through the broker: references wait in its queue, and become uploads as fast as they are fetched.

use super::{
    CONNECTIONS, LINKS, TIMES, UPLOADS, WARM, assert_bounded, backlog, connections, file, peak, servers,
    settings,
};
use crate::{
    broker::Plain,
    clamd::Clamd,
    gate::Gate,
    senders::{Senders, figure, taken},
    wait::until,
};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// When all of it was submitted, as the events say, and the age that it has for sure.
const LONG_AGO: &str = "2020-01-01T00:00:00Z";
const AGE: u64 = 365 * 24 * 3600;
/// For all of it to be taken in, on a busy machine.
const TAKEN_IN: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_times_what_the_workers_can_do_submitted_through_the_queue() {
    let folder = tempfile::tempdir().unwrap();
    let clamd = Clamd::start(folder.path());
    let gate = Gate::before(clamd.address).await;
    let senders = Senders::with(&settings(&gate), &[("acme", "new/")]);
    let [front, worker] = servers(&senders.site).await;
    let plain = Plain::connect(&senders.site.backing.vhost.url).await;
    let submit = async |all: std::ops::Range<usize>| {
        for n in all {
            senders.put(&format!("new/{n}"), &file(n));
            let mut event = senders.event(&n.to_string(), &format!("new/{n}"), &format!("n-{n}"));
            event["time"] = LONG_AGO.into();
            plain.submit(&event).await;
        }
    };
    submit(0..WARM).await;
    taken(&worker, "done", WARM as u64).await;
    for upload in front.list().await {
        front.settled(upload["id"].as_str().unwrap()).await;
    }
    let warm = [peak(&front), peak(&worker)];

    gate.close();
    let all = (WARM + UPLOADS) as u64;
    let (mut most, mut oldest, mut may) = ((0, 0), 0, 0);
    let watch = async {
        let began = Instant::now();
        loop {
            let done = figure(&worker, "lazaret_submissions_total{outcome=\"done\"}").await;
            let ended = (done as usize - WARM) / TIMES;
            gate.may.add_permits(ended - may);
            may = ended;
            let (rows, links) = connections(&senders.site).await;
            most = (most.0.max(rows), most.1.max(links));
            let (_, body) = worker.readyz().await;
            let shown = body["backlog"]["oldest_submission_age_seconds"].as_u64().unwrap();
            oldest = oldest.max(shown);
            if shown > 0 {
                let told = figure(&worker, "lazaret_submissions_backlog_age_seconds").await;
                assert!(told == 0 || told >= shown, "it gets no younger: {told}, {shown}");
            }
            if done == all {
                break;
            }
            assert!(began.elapsed() < TAKEN_IN, "{done} of {all} after {TAKEN_IN:?}");
        }
    };
    tokio::join!(submit(WARM..WARM + UPLOADS), watch);
    println!("at most {most:?} connections, the oldest submission {oldest} s old");
    // The client of this test is one of them.
    assert!(most.0 <= 2 * CONNECTIONS && most.1 <= 2 * LINKS + 1, "{most:?} connections to store and broker");
    assert!(oldest > AGE, "what waits is as old as its senders say, not {oldest} s");
    let shown = backlog(&front).await.0;
    assert!(shown >= (UPLOADS - UPLOADS / TIMES) as u64, "{shown} wait for their scans");

    gate.may.add_permits(Gate::WIDE);
    let uploads = front.list().await;
    let ids: BTreeSet<_> = uploads.iter().map(|upload| upload["external_id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), uploads.len()), (WARM + UPLOADS, WARM + UPLOADS), "each is accepted, once");
    for upload in &uploads {
        let settled = front.settled(upload["id"].as_str().unwrap()).await;
        assert_eq!(settled["state"], "published", "{settled}");
    }
    until("nothing waits, and so nothing is old", async || {
        let (_, body) = worker.readyz().await;
        let backlog = &body["backlog"];
        let left = [&backlog["submissions"], &backlog["oldest_submission_age_seconds"]];
        if left == [&serde_json::json!(0), &serde_json::json!(0)] { Ok(()) } else { Err(body) }
    })
    .await;
    assert_bounded([&front, &worker], warm);
}
