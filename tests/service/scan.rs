//! `lazaret scan`: what it prints and how it ends.

use crate::{
    samples,
    site::Site,
    upload::{coverage, has_reason},
};
use lazaret_fixtures::eicar;
use serde_json::Value;
use std::os::unix::fs::symlink;

#[tokio::test]
async fn a_folder_is_walked_links_are_not_followed_and_the_exit_status_tells() {
    let site = Site::new("");
    site.write("clean/a.txt", &samples::text(1));
    site.write("clean/deep/er/b.jpg", &samples::photo(1));
    let virus = site.write("elsewhere/eicar.txt", &eicar());
    symlink(&virus, site.path("clean/link.txt")).unwrap();
    symlink(site.path("elsewhere"), site.path("clean/deep/link")).unwrap();

    let clean = site.run(&["scan", "--json", "clean"]).await;
    assert_eq!((clean.code(), clean.json().len()), (0, 2), "{clean:?}");

    let infected = site.run(&["scan", "--json", "clean/a.txt", "elsewhere"]).await;
    assert_eq!(infected.code(), 1, "{infected:?}");
    let verdicts: Vec<Value> = infected.json().iter().map(|line| line["verdict"].clone()).collect();
    assert_eq!(verdicts, ["publish", "quarantine"]);

    // A link that is named itself, and what is not there, are the caller's mistake.
    for named in ["clean/link.txt", "nowhere"] {
        let wrong = site.run(&["scan", "--json", "clean/a.txt", named]).await;
        assert_eq!((wrong.code(), wrong.json().len()), (2, 1), "{wrong:?}");
        assert!(wrong.err().contains(named), "{wrong:?}");
    }

    let people = site.run(&["scan", "clean", "elsewhere"]).await;
    let text = people.out();
    assert_eq!(people.code(), 1);
    assert!(text.contains("eicar.txt  antivirus.infected ("), "{text}");
    assert!(text.ends_with("2 to publish, 0 to review, 1 to quarantine\n"), "{text}");
}

#[tokio::test]
async fn every_line_has_every_member_and_an_unreadable_file_has_a_line() {
    let site = Site::new("");
    site.write("a.jpg", &samples::photo(2));
    // A regular file that nobody can read from its beginning, not even root.
    let scan = site.run(&["scan", "--json", "a.jpg", "/proc/self/mem"]).await;
    assert_eq!(scan.code(), 1, "{scan:?}");
    let lines = scan.json();
    assert_eq!(lines.len(), 2);
    let members = [
        "path",
        "verdict",
        "sha256",
        "size",
        "type",
        "reasons",
        "findings",
        "checks",
        "labels",
        "policy",
        "elapsed_ms",
    ];
    for line in &lines {
        // Of pictures alone.
        let keys: Vec<&String> = line
            .as_object()
            .unwrap()
            .keys()
            .filter(|m| !["perceptual_hash", "picture"].contains(&m.as_str()))
            .collect();
        assert!(keys.len() == members.len() && members.iter().all(|m| !line[m].is_null()), "{keys:?}");
        for check in line["checks"].as_array().unwrap() {
            let mut keys: Vec<&String> = check.as_object().unwrap().keys().collect();
            keys.sort();
            assert_eq!(keys, ["check", "coverage", "engine", "version", "why"], "{check}");
        }
    }
    let [photo, unreadable] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(photo["verdict"], "publish");
    assert_eq!(photo["type"]["media_type"], "image/jpeg");
    assert!(photo["labels"]["nsfw-mobilenet-v2.porn"].is_f64(), "{photo}");
    assert_eq!(coverage(photo, "image"), ("complete", ""));
    assert_eq!(coverage(photo, "video").0, "not_applicable");
    assert_eq!(photo["perceptual_hash"].as_str().map(str::len), Some(16), "{photo}");
    assert!(unreadable["perceptual_hash"].is_null());
    assert!(photo["picture"]["width"].is_u64() && unreadable["picture"].is_null(), "{photo}");
    assert_eq!(
        (unreadable["verdict"].as_str(), &unreadable["reasons"]),
        (Some("review"), &["io.unreadable"][..].into())
    );
    assert_eq!(coverage(unreadable, "antivirus").0, "failed");
}

#[tokio::test]
async fn a_policy_from_a_file_judges_and_a_broken_one_is_refused_with_its_line() {
    let site = Site::new("");
    site.write("a.txt", &samples::text(3));
    site.write(
        "strict.toml",
        b"[[rule]]\nname = \"no.text\"\nwhen = 'file.media_type.startsWith(\"text/\")'\nverdict = \"quarantine\"\n",
    );
    let scan = site.run(&["scan", "--json", "--policy", "strict.toml", "a.txt"]).await;
    assert_eq!(scan.code(), 1, "{scan:?}");
    assert_eq!(scan.json()[0]["reasons"], Value::from(vec!["no.text"]));

    site.write("broken.toml", b"[[rule]]\nname = \"x\"\nwhen = 'file.size >'\nverdict = \"publish\"\n");
    for arguments in [&["scan", "--policy", "broken.toml", "a.txt"][..], &["policy", "check", "broken.toml"]]
    {
        let broken = site.run(arguments).await;
        assert_eq!((broken.code(), broken.out().as_str()), (2, ""), "{broken:?}");
        assert!(broken.err().contains("broken.toml") && broken.err().contains("line 3"), "{broken:?}");
    }
}

#[tokio::test]
async fn without_signatures_nothing_would_be_published() {
    let site = Site::new("");
    std::fs::create_dir(site.path("empty")).unwrap();
    site.configure("[antivirus]\nsignatures = \"system\"\nsignature_folder = \"empty\"");
    site.write("a.txt", &samples::text(4));
    let scan = site.run(&["scan", "--json", "a.txt"]).await;
    assert_eq!(scan.code(), 2, "{scan:?}");
    let line = &scan.json()[0];
    assert_eq!(line["verdict"], "review");
    assert!(has_reason(line, "coverage.antivirus.failed"), "{line}");
    assert!(
        scan.err().contains("there are no signatures in") && scan.err().contains("run freshclam"),
        "{scan:?}"
    );
}

#[tokio::test]
async fn without_models_or_their_runtime_pictures_are_for_review() {
    let site = Site::new("");
    site.write("a.jpg", &samples::photo(5));
    site.write("a.txt", &samples::text(5));
    let verdicts = |lines: &[Value]| -> Vec<String> {
        lines.iter().map(|line| line["verdict"].as_str().unwrap().to_owned()).collect()
    };

    site.configure("[models]\nfolder = \"none\"");
    let scan = site.run(&["scan", "--json", "a.jpg", "a.txt"]).await;
    let lines = scan.json();
    assert_eq!((scan.code(), verdicts(&lines)), (1, vec!["review".into(), "publish".into()]), "{scan:?}");
    let (image, why) = coverage(&lines[0], "image");
    assert!(image == "failed" && why.contains("models folder"), "{why}");

    site.configure("[models]\nruntime = \"none.so\"");
    let scan = site.run(&["scan", "--json", "a.jpg", "a.txt"]).await;
    let lines = scan.json();
    // Without the runtime nobody can be sure of a text's type either.
    assert_eq!((scan.code(), verdicts(&lines)), (1, vec!["review".into(), "review".into()]), "{scan:?}");
    for (line, check) in [(&lines[0], "image"), (&lines[1], "type")] {
        let (covered, why) = coverage(line, check);
        assert!(covered == "failed" && why.contains("scripts/setup.sh"), "{why}");
    }
}

/// The content model is asked about a picture where its walk leaves a doubt, and only there; seen by taking the model
/// away.
#[tokio::test]
async fn a_picture_with_more_behind_it_is_shown_to_the_content_model() {
    let site = Site::new("[models]\nruntime = \"none.so\"");
    site.write("a.jpg", &samples::photo(5));
    site.write("b.jpg", &[samples::photo(5), samples::text(5)].concat());
    let scan = site.run(&["scan", "--json", "a.jpg", "b.jpg"]).await;
    let lines = scan.json();
    assert_eq!(coverage(&lines[0], "type").0, "complete", "{}", lines[0]);
    assert_eq!(coverage(&lines[1], "type").0, "failed", "{}", lines[1]);
}

/// By its bytes alone, also within an archive.
#[tokio::test]
async fn what_is_known_to_be_bad_is_quarantined() {
    let site = Site::new("[hashes]\nknown_bad = [\"bad.txt\"]\n");
    let bad = samples::photo(4);
    site.write("bad.txt", format!("# ours\n{}  photo\n", crate::upload::sha256(&bad)).as_bytes());
    site.write("known/a.jpg", &bad);
    site.write("known/b.zip", &lazaret_fixtures::Zip::default().stored("inside.jpg", &bad).finish());
    site.write("known/c.jpg", &[&bad[..], b" "].concat());
    let scan = site.run(&["scan", "--json", "known"]).await;
    let lines = scan.json();
    for line in &lines[..2] {
        assert_eq!(line["verdict"], "quarantine", "{line}");
        assert!(has_reason(line, "hash.known_bad"), "{line}");
    }
    assert!(!has_reason(&lines[2], "hash.known_bad"), "one bit less or more is another file");
    site.write("bad.txt", b"nonsense");
    let refused = site.run(&["scan", "known"]).await;
    assert!(refused.code() == 2 && refused.err().contains("no SHA-256"), "{refused:?}");
}
