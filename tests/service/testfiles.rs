//! ClamAV's own test files (Debian's `clamav-testfiles`): one harmless program in some forty wrappings, many of which
//! nothing here opens. clamd opens them, and its word alone holds.

use crate::{samples, server::Server, site::Site, upload::has_reason};
use std::{fs, path::Path};

const FOLDER: &str = "/usr/share/clamav-testfiles";

/// Every type is allowed, and every rule says publish.
const SETTINGS: &str = "[types]\nallow = [\"*/*\"]";
const POLICY: &str = "[[rule]]\nname = \"all\"\nwhen = 'true'\nverdict = \"publish\"\n";

#[tokio::test]
async fn none_of_clamavs_test_files_is_published_where_the_policy_would_publish_all() {
    let entries = fs::read_dir(Path::new(FOLDER));
    let entries = entries.unwrap_or_else(|error| panic!("{FOLDER}: {error}; run scripts/setup.sh"));
    let files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 40, "{} files in {FOLDER}", files.len());

    let site = Site::new(SETTINGS);
    site.write("all.toml", POLICY.as_bytes());
    let server = Server::ready(&site).await;
    let applied = site.run(&["policy", "apply", "all.toml", "--tenant", "acme"]).await;
    assert_eq!(applied.code(), 0, "{applied:?}");
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let upload = server.verdict_on(name, &fs::read(&file).unwrap()).await;
        assert_eq!(upload["state"], "quarantined", "{name}: {upload}");
        assert!(has_reason(&upload["verdict_detail"], "antivirus.infected"), "{name}: {upload}");
    }
    assert_eq!(site.objects("published"), Vec::<String>::new());
    // So it is not the settings that keep them.
    assert_eq!(server.verdict_on("a.txt", &samples::text(1)).await["state"], "published");
}
