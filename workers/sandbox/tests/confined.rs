//! Real children that try to get out: under the sandbox each attempt ends them, and without it each succeeds, which
//! shows that it is the sandbox that holds.

use lazaret_sandbox::{
    Act, ChildSetup, Confinement, Coverage, Layer, Outcome, Pool, PoolConfig, SelfTest, Trouble,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

fn pool(confinement: Confinement) -> Pool {
    let deps = std::env::current_exe().unwrap();
    let target: PathBuf = deps.parent().unwrap().parent().unwrap().into();
    Pool::new(PoolConfig {
        child: target.join("examples/misbehave"),
        size: 1,
        wall: Duration::from_secs(30),
        cpu: Duration::from_secs(30),
        memory_bytes: 1 << 30,
        max_output_bytes: 1 << 20,
        max_jobs_per_child: 100,
        confinement,
        setup: ChildSetup::default(),
    })
}

async fn tries(pool: &Pool, what: &str) -> Result<String, Trouble> {
    says(pool, &format!("try {what}")).await
}

async fn says(pool: &Pool, what: &str) -> Result<String, Trouble> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"text").unwrap();
    let mut session = pool.open(&file, 4, what).await.unwrap();
    match session.walk().await?.coverage {
        Coverage::Partial(why) => Ok(why.detail),
        other => panic!("{other:?}"),
    }
}

const WAYS: [&str; 8] = [
    "start a thread",
    "make a socket",
    "make a memory file",
    "remove a file",
    "list a folder",
    "raise a limit",
    "name another user",
    "signal itself",
];

#[tokio::test]
async fn a_call_that_is_not_on_the_list_ends_the_child() {
    let confined = pool(Confinement::Enforced);
    for way in WAYS {
        let trouble = tries(&confined, way).await.unwrap_err();
        assert_eq!((&trouble, trouble.code()), (&Trouble::Forbidden, "child.forbidden"), "{way}");
    }
    // The standard library may ask, and is told nothing.
    assert_eq!(tries(&confined, "look at a path").await.unwrap_err().code(), "test");

    let free = pool(Confinement::Without(vec![Layer::Landlock, Layer::Seccomp]));
    for way in WAYS.into_iter().chain(["look at a path"]) {
        // Other than root may start no thread either: that limit holds by itself.
        if way != "start a thread" || rustix::process::geteuid().is_root() {
            assert!(tries(&free, way).await.is_ok(), "{way}");
        }
    }
}

#[tokio::test]
async fn while_it_is_set_up_a_child_may_read_files_and_do_nothing_else_to_them() {
    let said = says(&pool(Confinement::Enforced), "freedom").await.unwrap();
    assert_eq!(said, "read: Ok(true), make: Err(PermissionDenied)");
    let free = says(&pool(Confinement::Without(vec![Layer::Landlock])), "freedom").await.unwrap();
    assert_eq!(free, "read: Ok(true), make: Ok(())");
}

fn outcome(test: &SelfTest, act: Act, without_seccomp: bool) -> &Outcome {
    let attempt = |a: &&lazaret_sandbox::Attempt| a.act == act && a.without_seccomp == without_seccomp;
    &test.attempts.iter().find(attempt).unwrap_or_else(|| panic!("{act:?}: {test:?}")).outcome
}

#[tokio::test]
async fn the_self_test_finds_no_hole_where_there_is_none() {
    let test = pool(Confinement::Enforced).self_test().await.unwrap();
    assert_eq!(test.holes(), Vec::<String>::new());
    assert!(test.layers.seccomp.is_ok() && test.layers.landlock.is_ok(), "{test:?}");
    for act in Act::ALL {
        assert_eq!(outcome(&test, act, false), &Outcome::Killed, "{act:?}");
    }
    // Each layer by itself: Landlock says no, the limit of file sizes kills.
    for act in [Act::OpenFile, Act::Exec] {
        assert!(matches!(outcome(&test, act, true), Outcome::Denied(_)), "{act:?}: {test:?}");
    }
    assert_eq!(outcome(&test, Act::WriteFile, true), &Outcome::Killed);
}

#[tokio::test]
async fn the_self_test_finds_every_hole_where_layers_are_left_out() {
    let none = pool(Confinement::Without(vec![Layer::Landlock, Layer::Seccomp]));
    let test = none.self_test().await.unwrap();
    for act in Act::ALL {
        let held = matches!(outcome(&test, act, false), Outcome::Killed);
        assert_eq!(
            held,
            act == Act::WriteFile,
            "{act:?}, which only the limit of file sizes stops: {test:?}"
        );
    }
    assert_eq!(test.holes().len(), Act::ALL.len() - 1, "{test:?}");
    // Without seccomp alone, files stay shut, and nothing is killed.
    let landlock = pool(Confinement::Without(vec![Layer::Seccomp])).self_test().await.unwrap();
    assert!(matches!(outcome(&landlock, Act::OpenFile, false), Outcome::Denied(_)), "{landlock:?}");
    assert!(landlock.holes().len() >= 7, "{landlock:?}");
}

/// Runs `work` as on a kernel that does not have these calls. What is started from there is on it too.
fn on_a_kernel_without<T: Send>(calls: &[i64], work: impl AsyncFnOnce() -> T + Send) -> T {
    let rules = calls.iter().map(|call| (*call, Vec::new())).collect();
    let nosys = SeccompAction::Errno(libc::ENOSYS as u32);
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, nosys, arch).unwrap();
    let program: BpfProgram = filter.try_into().unwrap();
    std::thread::scope(|scope| {
        let on_it = scope.spawn(|| {
            apply_filter(&program).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(work())
        });
        on_it.join().unwrap()
    })
}

#[test]
fn where_the_kernel_lacks_a_layer_no_child_comes_up_unless_best_effort_will_do() {
    for (call, layer) in [(libc::SYS_landlock_create_ruleset, "Landlock"), (libc::SYS_seccomp, "seccomp")] {
        on_a_kernel_without(&[call], async || {
            let why = pool(Confinement::Enforced).check().await.unwrap_err().to_string();
            let said = format!("does not enforce {layer}");
            assert!(why.contains(&said) && why.contains("media.sandbox = \"best-effort\""), "{why}");
            pool(Confinement::Enforced).self_test().await.unwrap_err();

            let test = pool(Confinement::BestEffort).self_test().await.unwrap();
            let (lacking, holes) = match layer {
                "Landlock" => (&test.layers.landlock, 0),
                _ => (&test.layers.seccomp, 7),
            };
            assert!(lacking.is_err(), "{test:?}");
            assert_eq!(test.holes().len(), holes, "{test:?}");
        });
    }
}

#[tokio::test]
async fn a_child_inherits_nothing() {
    let leak = File::open("/dev/null").unwrap();
    rustix::io::fcntl_setfd(leak.as_fd(), rustix::io::FdFlags::empty()).unwrap();
    let pool = pool(Confinement::Enforced);
    let mut session = pool.open(&tempfile::tempfile().unwrap(), 0, "descriptors").await.unwrap();
    match session.walk().await.unwrap().coverage {
        Coverage::Partial(why) => assert_eq!(why.detail, "0 1 2 3"),
        other => panic!("{other:?}"),
    }
}
