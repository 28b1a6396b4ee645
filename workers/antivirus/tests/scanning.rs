//! A managed clamd, a real one, on real files.

mod support;

use lazaret_report::{Coverage, Report};
use std::io::Seek;
use support::{
    files::{Member, eicar, file, locked, nested, plain, zeros, zip},
    limits, managed,
};

fn shape(report: &Report) -> (String, String) {
    let coverage = match &report.coverage {
        Coverage::Complete => "complete".to_owned(),
        Coverage::Partial(why) => format!("partial {}", why.code),
        Coverage::Failed(why) => format!("failed {}", why.code),
    };
    let findings: Vec<_> = report.findings.iter().map(|f| f.code.as_str()).collect();
    (coverage, findings.join(" "))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_clamd_did_not_look_at_is_never_complete() {
    let folder = tempfile::tempdir().unwrap();
    let antivirus = managed(&folder, limits()).await;
    let many: Vec<Member> = (0..150).map(|i| plain(&i.to_string(), i.to_string())).collect();
    let hidden = |before: usize| [zeros(before), eicar()].concat();
    let cases: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("clean", b"hello".to_vec(), "complete", ""),
        ("empty", vec![], "complete", ""),
        ("as large as may be", zeros(4), "complete", ""),
        ("the test file", eicar(), "complete", "antivirus.infected"),
        ("at the end", hidden(3), "complete", "antivirus.infected"),
        ("in a zip", zip(&[plain("e", eicar())]), "complete", "antivirus.infected"),
        ("in a zip in a zip", nested(3, eicar()), "complete", "antivirus.infected"),
        ("too large", hidden(4), "partial limit.size", ""),
        ("member too large", zip(&[plain("big", hidden(20))]), "partial limit.antivirus", "antivirus.limit"),
        (
            "member just at the limit",
            zip(&[plain("big", zeros(8))]),
            "partial limit.antivirus",
            "antivirus.limit",
        ),
        (
            "members too large together",
            zip(&[plain("1", zeros(3)), plain("2", [zeros(3), vec![1]].concat()), plain("3", hidden(3))]),
            "partial limit.antivirus",
            "antivirus.limit",
        ),
        ("nested too deep", nested(20, eicar()), "partial limit.antivirus", "antivirus.limit"),
        ("too many members", zip(&many), "partial limit.antivirus", "antivirus.limit"),
        ("encrypted", zip(&[locked("a")]), "partial encrypted", "antivirus.encrypted"),
        // clamd names one thing only: a signature must win, wherever it stands.
        ("encrypted, infected", zip(&[locked("a"), plain("e", eicar())]), "complete", "antivirus.infected"),
        ("infected, encrypted", zip(&[plain("e", eicar()), locked("a")]), "complete", "antivirus.infected"),
        (
            "infected, too large",
            zip(&[plain("e", eicar()), plain("b", zeros(20))]),
            "complete",
            "antivirus.infected",
        ),
    ];
    for (name, bytes, coverage, findings) in cases {
        let mut file = file(&bytes);
        let report = antivirus.scan(&file, bytes.len() as u64).await.unwrap();
        assert_eq!(shape(&report), (coverage.to_owned(), findings.to_owned()), "{name}: {report:?}");
        assert_eq!(report.engine.name, "clamav");
        assert!(report.engine.version.ends_with("/test-signatures"), "{}", report.engine.version);
        assert_eq!(file.stream_position().unwrap(), bytes.len() as u64, "{name}: its offset was moved");
    }
    antivirus.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_and_encryption_in_one_are_not_complete() {
    let folder = tempfile::tempdir().unwrap();
    let antivirus = managed(&folder, limits()).await;
    for members in [[locked("a"), plain("b", zeros(20))], [plain("b", zeros(20)), locked("a")]] {
        let bytes = zip(&members);
        let report = antivirus.scan(&file(&bytes), bytes.len() as u64).await.unwrap();
        assert!(matches!(report.coverage, Coverage::Partial(_)), "{report:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_that_was_named_is_the_file_that_is_scanned() {
    let folder = tempfile::tempdir().unwrap();
    let antivirus = managed(&folder, limits()).await;
    let report = antivirus.scan(&file(b"12345"), 4).await.unwrap();
    assert_eq!(shape(&report).0, "failed io.changed");
    let directory = std::fs::File::open(folder.path()).unwrap();
    let report = antivirus.scan(&directory, 0).await.unwrap();
    assert_eq!(shape(&report).0, "failed io.unreadable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let antivirus = managed(&folder, limits()).await;
    let scans: Vec<_> = (0..200)
        .map(|i| {
            let antivirus = antivirus.clone();
            tokio::spawn(async move {
                let bytes = if i % 3 == 0 { eicar() } else { format!("clean {i}").into_bytes() };
                let report = antivirus.scan(&file(&bytes), bytes.len() as u64).await.unwrap();
                assert_eq!(report.findings.len(), usize::from(i % 3 == 0), "{report:?}");
            })
        })
        .collect();
    for scan in scans {
        scan.await.unwrap();
    }
}
