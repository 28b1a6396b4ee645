//! With a hole made on purpose, the run must fail, and for that reason. The executable is built by `make faults`.

use crate::{
    after::Promise,
    files::Mix,
    run::{Plan, run, seed},
};

const UPLOADS: usize = 60;

async fn broken_by(sabotage: &'static str, mix: Mix) -> Vec<Promise> {
    let executable =
        std::env::var_os("FAULTS_SABOTAGED").expect("FAULTS_SABOTAGED; `make faults` sets it").into();
    let plan = Plan { uploads: UPLOADS, seed: seed(), mix, executable, sabotage: Some(sabotage) };
    let broken = run(plan).await;
    for one in &broken {
        println!("found, as it must be: {one}");
    }
    broken.into_iter().map(|broken| broken.promise).collect()
}

#[ignore = "needs an executable with the feature `sabotage`: make faults"]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_event_that_does_not_commit_with_its_verdict_is_missed() {
    let broken = broken_by("outbox", Mix::All).await;
    // By the broker, and by the webhook.
    assert_eq!(broken, [Promise::Told; 2]);
}

#[ignore = "needs an executable with the feature `sabotage`: make faults"]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_that_settles_after_its_lease_gives_a_second_verdict() {
    let broken = broken_by("fencing", Mix::Withheld).await;
    assert!(broken.contains(&Promise::OneVerdict), "{broken:?}");
}

#[ignore = "needs an executable with the feature `sabotage`: make faults"]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_acknowledged_before_the_commit_loses_its_upload() {
    let broken = broken_by("ack", Mix::All).await;
    assert!(broken.contains(&Promise::AllSettle), "{broken:?}");
}
