//! A managed clamd in trouble.

mod support;

use lazaret_antivirus::{Antivirus, Limits, Managed, Signatures, Source, running};
use rustix::process::{Signal, kill_process};
use std::{
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};
use support::{SOON, alive, files::file, limits, managed, now, pid, signatures, unhealthy, until};

async fn scans_again(antivirus: &Antivirus) {
    let began = Instant::now();
    loop {
        match antivirus.scan(&file(b"clean"), 5).await {
            Ok(report) => return assert!(report.coverage.is_complete(), "{report:?}"),
            Err(error) => assert!(began.elapsed() < SOON, "{error}"),
        }
        antivirus.healthy(SOON).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_clamd_is_unavailable_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let antivirus = managed(&folder, limits()).await;
    let first = pid(folder.path()).unwrap();
    kill_process(first, Signal::KILL).unwrap();
    // Whichever notices first, the scan or the supervisor: none is clean by a dead daemon.
    match antivirus.scan(&file(b"clean"), 5).await {
        Err(error) => assert_eq!(error.engine, "clamav"),
        // On a busy machine the next daemon may already be there.
        Ok(_) => assert_ne!(pid(folder.path()), Some(first)),
    }
    assert!(antivirus.healthy(SOON).await);
    assert_ne!(pid(folder.path()).unwrap(), first);
    scans_again(&antivirus).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hung_clamd_is_unavailable_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let limits =
        Limits { deadline: Duration::from_secs(1), probe_deadline: Duration::from_millis(500), ..limits() };
    let antivirus = managed(&folder, limits).await;
    let first = pid(folder.path()).unwrap();
    kill_process(first, Signal::STOP).unwrap();
    let error = antivirus.scan(&file(b"clean"), 5).await.unwrap_err();
    assert!(error.why.contains("no answer"), "{error}");
    until("the hung daemon's end", || !alive(first)).await;
    scans_again(&antivirus).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_with_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let antivirus = managed(&folder, limits()).await;
    assert!(running(folder.path()).is_some());
    let first = pid(folder.path()).unwrap();
    antivirus.clone().shutdown().await;
    until("its end", || !alive(first)).await;
    assert_eq!(antivirus.scan(&file(b"clean"), 5).await.unwrap_err().why, "it was shut down");
    assert!(running(folder.path()).is_none());

    let antivirus = managed(&folder, limits()).await;
    let second = pid(folder.path()).unwrap();
    drop(antivirus);
    until("its end", || !alive(second)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_owner_at_a_time_and_a_daemon_left_behind_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let antivirus = managed(&folder, limits()).await;
    let other = Managed::new(folder.path(), Signatures::Test(signatures()));
    let other = Antivirus::start(Source::Managed(other), limits(), now).await;
    unhealthy(&other, "use another folder").await;
    other.shutdown().await;
    let config = folder.path().join("clamd.conf");
    antivirus.shutdown().await;

    // As a service that was killed without its safety catch would leave it.
    let mut orphan = std::process::Command::new("/usr/sbin/clamd")
        .arg("--config-file")
        .arg(&config)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::fs::create_dir_all(folder.path().join("tmp")).unwrap();
    until("the orphan's pid file", || pid(folder.path()).is_some()).await;
    let antivirus = managed(&folder, limits()).await;
    let mut ended = None;
    until("the orphan's end", || {
        ended = orphan.try_wait().unwrap();
        ended.is_some()
    })
    .await;
    scans_again(&antivirus).await;
}

const OWNED_FOLDER: &str = "LAZARET_TEST_OWNED_FOLDER";

/// Not a test by itself: the process that the next one kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owner_process() {
    let Some(folder) = std::env::var_os(OWNED_FOLDER) else { return };
    let source = Source::Managed(Managed::new(folder, Signatures::Test(signatures())));
    let _antivirus = Antivirus::start(source, limits(), now).await;
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_not_outlive_an_owner_that_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut owner = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "owner_process", "--nocapture"])
        .env(OWNED_FOLDER, folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let socket = folder.path().join("clamd.sock");
    until("the owned clamd", || socket.exists() && pid(folder.path()).is_some()).await;
    let clamd = pid(folder.path()).unwrap();
    assert!(alive(clamd));
    owner.kill().unwrap();
    owner.wait().unwrap();
    until("the owned clamd's end", || !alive(clamd)).await;

    let antivirus = managed(&folder, limits()).await;
    scans_again(&antivirus).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_paths_and_blanks() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a folder with blanks").join("x".repeat(120));
    let source = Source::Managed(Managed::new(&deep, Signatures::Test(signatures())));
    let antivirus = Antivirus::start(source, limits(), now).await;
    assert!(antivirus.healthy(SOON).await, "{}", antivirus.health());
    scans_again(&antivirus).await;
    antivirus.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_start_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let empty = tempfile::tempdir().unwrap();
    let dies = folder.path().join("dies");
    std::fs::write(&dies, "#!/bin/sh\necho 'ERROR: out of luck'\nexit 3\n").unwrap();
    std::fs::set_permissions(&dies, PermissionsExt::from_mode(0o755)).unwrap();
    let test = || Managed::new(folder.path().join("m"), Signatures::Test(signatures()));
    let system = || Signatures::System(empty.path().to_owned());
    let cases = [
        (Managed { clamd: "no-such-clamd".into(), ..test() }, "install clamav-daemon"),
        (Managed { clamd: dies.clone(), ..test() }, "out of luck"),
        (Managed { signatures: Signatures::Test(empty.path().to_owned()), ..test() }, "no test signatures"),
        (Managed { signatures: system(), freshclam: "no-such".into(), ..test() }, "install clamav-freshclam"),
        (Managed { signatures: system(), freshclam: dies, ..test() }, "freshclam failed"),
        (Managed { folder: "/proc/no".into(), ..test() }, "cannot use the folder"),
    ];
    for (managed, words) in cases {
        let antivirus = Antivirus::start(Source::Managed(managed), limits(), now).await;
        unhealthy(&antivirus, words).await;
        let error = antivirus.scan(&file(b"clean"), 5).await.unwrap_err();
        assert_eq!(error.engine, "clamav");
        antivirus.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_official_signatures_serve_where_test_ones_are_not_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let managed = Managed {
        freshclam: "no-such".into(),
        ..Managed::new(folder.path(), Signatures::System(signatures()))
    };
    let limits = Limits { test_signatures: true, ..limits() };
    let antivirus = Antivirus::start(Source::Managed(managed), limits, now).await;
    unhealthy(&antivirus, "there are no signatures in").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_starts_quickly() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let _antivirus = managed(&folder, Limits::default()).await;
    let took = began.elapsed();
    eprintln!("time to first healthy: {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}
