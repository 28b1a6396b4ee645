//! Members of an archive on the wire, with children that misbehave as `examples/misbehave.rs` can.

use lazaret_sandbox::{ChildSetup, Confinement, Members, MembersRequest, Pool, PoolConfig, Trouble};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

const LIMITS: MembersRequest =
    MembersRequest { max_members: 10, max_bytes: 1 << 20, max_ratio: 100, ratio_from: 1 << 20 };

fn pool() -> Pool {
    let deps = std::env::current_exe().unwrap();
    let target: PathBuf = deps.parent().unwrap().parent().unwrap().into();
    Pool::new(PoolConfig {
        child: target.join("examples/misbehave"),
        size: 1,
        wall: Duration::from_secs(20),
        cpu: Duration::from_secs(20),
        memory_bytes: 1 << 30,
        max_output_bytes: 1 << 20,
        max_jobs_per_child: 100,
        confinement: Confinement::Enforced,
        setup: ChildSetup::default(),
    })
}

async fn take(pool: &Pool, what: &str) -> Result<(Members, Vec<u8>), Trouble> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"some text").unwrap();
    let mut out = Vec::new();
    let members = pool.open(&file, 9, what).await.unwrap().members(&LIMITS, &mut out).await?;
    Ok((members, out))
}

#[tokio::test]
async fn members_come_with_their_places_and_their_gaps() {
    let (Members { members, summary }, out) = take(&pool(), "members").await.unwrap();
    assert_eq!((summary.listed, summary.seen, out.as_slice()), (2, 2, &b"one"[..]));
    let told: Vec<_> =
        members.iter().map(|m| (m.name.as_str(), m.offset, m.bytes, m.gap.is_some())).collect();
    assert_eq!(told, [("a", 0, 3, false), ("b", 3, 0, true)]);
}

#[tokio::test]
async fn a_child_cannot_hand_out_more_than_it_may_or_something_else() {
    let cases = [
        ("members-many", "child.output"),
        ("members-flood", "child.output"),
        ("members-name", "child.output"),
        ("members-lie", "child.protocol"),
        ("members-open", "child.protocol"),
        ("members-stray", "child.protocol"),
        ("exit", "child.crashed"),
        ("refuse", "media.undecodable"),
    ];
    for (what, code) in cases {
        let pool = pool();
        assert_eq!(take(&pool, what).await.unwrap_err().code(), code, "{what}");
        assert!(take(&pool, "members").await.is_ok(), "after {what}");
    }
}
