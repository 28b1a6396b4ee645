//! Many machines, broken while they work: real processes of `lazaret` on real RabbitMQ, PostgreSQL, clamd and an S3
//! server, with trouble in random order from a printed seed. What must hold afterwards is in `after`.
//!
//! FAULTS_UPLOADS says how many files are sent, FAULTS_SEED repeats a run. FAULTS_SABOTAGED names an executable built with
//! the feature `sabotage`, for the tests that `make faults` runs beside: each of its holes must be found.

mod after;
mod clamd;
mod files;
mod hooks;
mod listener;
mod load;
mod mail;
mod node;
mod place;
#[path = "../servers/postgres.rs"]
mod postgres;
#[path = "../servers/proxy.rs"]
mod proxy;
#[path = "../servers/rabbitmq.rs"]
mod rabbitmq;
mod run;
#[path = "../servers/s3.rs"]
mod s3;
mod sabotage;
mod traces;
mod trouble;
#[path = "../service/wait.rs"]
mod wait;

use files::Mix;
use run::{Plan, run, seed};

// Servers and proxies do more than is asked of them here.
const _: proxy::Mode = proxy::Mode::FlipUp(0);
const _: [fn(&proxy::Proxy) -> u64; 3] = [proxy::Proxy::up, proxy::Proxy::down, proxy::Proxy::broken];

/// In `make test`; `make faults` sends more.
const UPLOADS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_doubled_or_let_out() {
    let uploads = std::env::var("FAULTS_UPLOADS").map_or(UPLOADS, |text| text.parse().expect("a number"));
    let plan =
        Plan { uploads, seed: seed(), mix: Mix::All, executable: node::LAZARET.into(), sabotage: None };
    let broken = run(plan).await;
    assert!(broken.is_empty(), "{}", broken.iter().map(|b| format!("\n{b}")).collect::<String>());
}
