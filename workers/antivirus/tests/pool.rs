//! Daemons that somebody else runs: real ones set up wrongly, and listeners that lie.

mod support;

use lazaret_antivirus::{Health, Limits};
use lazaret_report::Coverage;
use std::time::Duration;
use support::{
    SOON,
    files::{eicar, file},
    limits, pool,
    servers::{Plays, RealClamd, fake, free_port},
    signatures, unhealthy,
};

const GOOD: &str =
    "AlertExceedsMax yes\nAlertEncrypted yes\nMaxFileSize 8M\nMaxScanSize 8M\nStreamMaxLength 8M";
const FRESH: &str = "ClamAV 1.4.6/27500/Fri Nov 20 07:30:12 2026";

fn lenient() -> Limits {
    Limits { test_signatures: true, ..limits() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tcp() {
    let clamd = RealClamd::start(GOOD, Some(&signatures()), Some(free_port().await)).await;
    // More is declared than it takes: what it refuses is never complete.
    let antivirus =
        pool(&[&clamd.address], Limits { max_file_bytes: 12 << 20, max_scan_bytes: 12 << 20, ..lenient() })
            .await;
    assert!(antivirus.healthy(SOON).await, "{}", antivirus.health());
    let clean = antivirus.scan(&file(&vec![7; 5 << 20]), 5 << 20).await.unwrap();
    assert_eq!(clean.coverage, Coverage::Complete);
    assert!(clean.findings.is_empty());
    let infected = antivirus.scan(&file(&eicar()), 68).await.unwrap();
    assert_eq!(infected.findings[0].code, "antivirus.infected");
    let large = antivirus.scan(&file(&vec![7; 10 << 20]), 10 << 20).await;
    assert!(!large.as_ref().is_ok_and(|r| r.coverage.is_complete()), "{large:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_would_say_ok_unseen_is_unhealthy() {
    let test = signatures();
    let no_alerts = GOOD.replace("AlertExceedsMax yes", "");
    let cuts = GOOD.replace("MaxScanSize 8M", "MaxScanSize 32M");
    for (config, signatures, words) in [
        (no_alerts.as_str(), Some(test.as_path()), "AlertExceedsMax"),
        (cuts.as_str(), Some(test.as_path()), "MaxScanSize"),
        (GOOD, None, "EICAR"),
    ] {
        let clamd = RealClamd::start(config, signatures, None).await;
        let antivirus = pool(&[&clamd.address], lenient()).await;
        unhealthy(&antivirus, words).await;
        antivirus.scan(&file(b"clean"), 5).await.unwrap_err();
    }
    let clamd = RealClamd::start(GOOD, Some(&test), None).await;
    let antivirus = pool(&[&clamd.address], limits()).await;
    unhealthy(&antivirus, "no official signatures").await;
    let antivirus = pool(&[&clamd.address], lenient()).await;
    assert!(antivirus.healthy(SOON).await, "{}", antivirus.health());
}

#[tokio::test]
async fn the_date_of_the_signatures_counts() {
    for (version, words) in [
        ("ClamAV 1.4.6/27490/Thu Nov 12 07:30:12 2026", "8 days old"),
        ("ClamAV 1.4.6/27510/Mon Nov 30 07:30:12 2026", "future"),
        ("ClamAV 1.4.6", "no official signatures"),
        ("ClamAV 1.4.6/27490", "nonsense"),
        ("hello", "nonsense"),
    ] {
        let antivirus = pool(&[&fake(version, Plays::Says(b"stream: OK\0")).await], limits()).await;
        unhealthy(&antivirus, words).await;
        antivirus.scan(&file(b"clean"), 5).await.unwrap_err();
    }
    let antivirus = pool(&[&fake(FRESH, Plays::Says(b"stream: OK\0")).await], limits()).await;
    assert!(antivirus.healthy(SOON).await, "{}", antivirus.health());
    let Health::Healthy { version, signatures_date, proven_bytes } = antivirus.health() else { panic!() };
    assert_eq!((version.as_str(), proven_bytes), ("1.4.6/27500/2026-11-20", 4 << 20));
    assert_eq!(signatures_date.unwrap().to_string(), "2026-11-20T07:30:12Z");
    let report = antivirus.scan(&file(b"clean"), 5).await.unwrap();
    assert_eq!(report.engine.version, "1.4.6/27500/2026-11-20");
}

#[tokio::test]
async fn signatures_that_grow_old_between_two_proofs() {
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    };
    let later = Arc::new(AtomicI64::new(0));
    let clock = {
        let later = Arc::clone(&later);
        move || support::now() + jiff::SignedDuration::from_hours(later.load(Ordering::SeqCst))
    };
    let address = fake(FRESH, Plays::Says(b"stream: OK\0")).await.parse().unwrap();
    let antivirus =
        lazaret_antivirus::Antivirus::start(lazaret_antivirus::Source::Pool(vec![address]), limits(), clock)
            .await;
    assert!(antivirus.healthy(SOON).await);
    antivirus.scan(&file(b"clean"), 5).await.unwrap();
    later.store(24 * 8, Ordering::SeqCst);
    antivirus.scan(&file(b"clean"), 5).await.unwrap_err();
    unhealthy(&antivirus, "8 days old").await;
}

#[tokio::test]
async fn nonsense_is_never_clean_and_one_file_cannot_go_on_for_ever() {
    let short = Limits { deadline: Duration::from_millis(300), ..limits() };
    for (plays, words) in [
        (Plays::Says(b"stream: OK\nstream: X FOUND\0"), "nonsense"),
        (Plays::Says(b"stream: OK\0stream: OK\0"), "nonsense"),
        (Plays::Says(b"stream: OK"), "nonsense"),
        (Plays::Says(b"garbage"), "nonsense"),
        (Plays::Floods, "too long"),
        (Plays::Closes, "closed without an answer"),
    ] {
        let antivirus = pool(&[&fake(FRESH, plays).await], short.clone()).await;
        let file = file(b"clean");
        for _ in 0..2 {
            assert!(antivirus.healthy(SOON).await, "{}", antivirus.health());
            let error = antivirus.scan(&file, 5).await.unwrap_err();
            assert!(error.why.contains(words), "{plays:?}: {error}");
        }
        assert!(antivirus.healthy(SOON).await, "{}", antivirus.health());
        let report = antivirus.scan(&file, 5).await.unwrap();
        let Coverage::Failed(why) = report.coverage else { panic!("{plays:?}: {report:?}") };
        assert_eq!(why.code, "antivirus.crashed", "{plays:?}");
    }
}

#[tokio::test]
async fn one_slow_file_is_that_files_trouble() {
    let short = Limits { deadline: Duration::from_millis(300), ..limits() };
    let antivirus = pool(&[&fake(FRESH, Plays::Hangs).await], short).await;
    assert!(antivirus.healthy(SOON).await, "{}", antivirus.health());
    let report = antivirus.scan(&file(b"slow"), 4).await.unwrap();
    let Coverage::Failed(why) = report.coverage else { panic!("{report:?}") };
    assert_eq!(why.code, "antivirus.deadline");
    assert!(antivirus.health().is_healthy());
}

#[tokio::test]
async fn the_healthy_ones_of_a_pool_do_the_work() {
    let nobody = format!("127.0.0.1:{}", free_port().await);
    let old = fake("ClamAV 1.4.6/1/Thu Jan  1 07:30:12 2026", Plays::Says(b"stream: OK\0")).await;
    let good = fake(FRESH, Plays::Says(b"stream: OK\0")).await;
    let antivirus = pool(&[&nobody, &old, &good], limits()).await;
    assert!(antivirus.healthy(SOON).await, "{}", antivirus.health());
    for _ in 0..6 {
        assert!(antivirus.scan(&file(b"clean"), 5).await.unwrap().coverage.is_complete());
    }
    let antivirus = pool(&[&nobody, &old], limits()).await;
    unhealthy(&antivirus, "cannot connect").await;
    unhealthy(&antivirus, "days old").await;
    let error = antivirus.scan(&file(b"clean"), 5).await.unwrap_err();
    assert!(error.why.contains(&nobody) && error.why.contains(&old), "{error}");
}
