//! Bad files and good ones in flight together.

use lazaret_sandbox::{ChildSetup, Confinement, Coverage, Pool, PoolConfig};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const WALL: Duration = Duration::from_secs(4);
/// For a child to be killed, and for a machine that is busy with other tests.
const SLACK: Duration = Duration::from_secs(6);

fn pool() -> Pool {
    let deps = std::env::current_exe().unwrap();
    let target: PathBuf = deps.parent().unwrap().parent().unwrap().into();
    Pool::new(PoolConfig {
        child: target.join("examples/misbehave"),
        size: 8,
        wall: WALL,
        cpu: Duration::from_secs(2),
        memory_bytes: 256 << 20,
        max_output_bytes: 1 << 20,
        max_jobs_per_child: 100,
        confinement: Confinement::Enforced,
        setup: ChildSetup::default(),
    })
}

/// What became of a file, and how long that took once it had its child.
async fn one(pool: Pool, what: &'static str) -> (&'static str, String, Duration) {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"some text").unwrap();
    let mut session = pool.open(&file, 9, what).await.unwrap();
    let begun = Instant::now();
    let said = match session.walk().await {
        Ok(report) => match report.coverage {
            Coverage::Partial(why) => why.detail,
            other => panic!("{other:?}"),
        },
        Err(trouble) => trouble.code().to_owned(),
    };
    (what, said, begun.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_file_costs_itself_and_a_hundred_good_ones_beside_it_nothing() {
    let bad = [
        ("abort", "child.crashed"),
        ("panic", "child.crashed"),
        ("exit", "child.crashed"),
        ("sleep", "child.deadline"),
        ("spin", "child.deadline"),
        ("eat", "child.memory"),
        ("drip", "child.deadline"),
        ("nonsense", "child.protocol"),
        ("try make a socket", "child.forbidden"),
    ];
    let pool = pool();
    let mut files = JoinSet::new();
    let mut good = 0;
    for (what, _) in bad {
        files.spawn(one(pool.clone(), what));
        for _ in 0..12 {
            files.spawn(one(pool.clone(), "text"));
            good += 1;
        }
    }
    assert!(good >= 100);
    for (what, said, took) in files.join_all().await {
        let expected = bad.iter().find(|(bad, _)| *bad == what).map_or("some text", |(_, code)| code);
        assert_eq!(said, expected, "{what}");
        assert!(took < WALL + SLACK, "{what} took {took:?}");
    }
    assert!(pool.idle().len() <= 8);
}
