//! A full disk, of what is kept or of what passes through: a clear 507, and uploads in flight are not lost.

use crate::{backing::ALONE, samples, server::Server, site::Site, wait::until};
use rustix::process::Signal;
use serde_json::Value;
use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

/// A disk of 24 MB over a folder, where this user may mount one.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "lazaret-test"])
            .arg(folder)
            .output();
        mount.is_ok_and(|done| done.status.success()).then(|| Self(folder.to_owned()))
    }

    /// Leaves room for `bytes` at most, to be freed by removing the file.
    fn fill(&self, leave: u64) -> PathBuf {
        let ballast = self.0.join("ballast");
        let mut file = File::create(&ballast).unwrap();
        let free = || {
            let stat = rustix::fs::statvfs(&self.0).unwrap();
            stat.f_bavail * stat.f_frsize
        };
        while free() > leave {
            let chunk = usize::try_from((free() - leave).min(1 << 20)).unwrap();
            if file.write_all(&vec![0; chunk]).is_err() {
                break;
            }
        }
        ballast
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _gone_with_the_machine = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

async fn assert_full(server: &Server, name: &str, bytes: &[u8]) {
    let refused = server.post(name, bytes).send().await.unwrap();
    assert_eq!(refused.status(), 507);
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    let problem: Value = refused.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["status"]), (&"storage.full".into(), &507.into()));
}

#[tokio::test]
async fn on_a_full_disk_nothing_more_is_accepted_and_nothing_is_lost() {
    let site = Site::new(
        "[pipeline]\nattempts = 2\nretry = \"100ms\"\nlease = \"5s\"\n[intake]\nmax_upload = \"8MiB\"",
    );
    let Some(disk) = Disk::mount(&site.data("")) else {
        return without_a_mount(site).await;
    };
    let server = Server::ready(&site).await;
    // In flight: accepted, and their scan cannot end.
    let clamd = site.clamd().unwrap();
    crate::process::signal_to(clamd, Signal::STOP);
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(server.upload("a.jpg", &samples::photo(n)).await);
    }
    let held = site.objects("held");
    // Less than is to be left free (intake.reserve).
    let ballast = disk.fill(600 << 10);
    assert_full(&server, "b.txt", &samples::text(1)).await;
    assert_eq!(site.objects("held"), held, "nothing is kept of what is refused");

    // Nothing left at all, while the scans go on.
    fs::remove_file(ballast).unwrap();
    let ballast = disk.fill(0);
    assert_full(&server, "c.txt", &samples::text(2)).await;
    crate::process::signal_to(clamd, Signal::CONT);
    until("a scan met the full disk", async || {
        let log = server.log();
        let met = |line: &&String| {
            line.contains("no room") || line.contains("No space left") || line.contains("is full")
        };
        log.iter().find(met).map(|_| ()).ok_or(log.len())
    })
    .await;
    for id in &ids {
        let upload = server.show(id).await;
        assert!(upload["verdict"].is_null() || upload["state"] == "published", "{upload}");
    }

    fs::remove_file(ballast).unwrap();
    for id in &ids {
        let upload = server.settled(id).await;
        assert_eq!(
            (&upload["state"], &upload["verdict_number"]),
            (&"published".into(), &1.into()),
            "{upload}"
        );
    }
    assert_eq!(server.verdict_on("d.txt", &samples::text(3)).await["state"], "published");
    let (key, thumbnails) = (server.key.clone(), server.signed_url(&ids[0], "thumbnail").await);
    assert_eq!(server.fetch(&thumbnails).await.0, 200);
    server.kill().await;
    // The sweep finds nothing that a half-written publication left, or puts it away.
    let server = Server::start_with(&site, &key).await;
    assert_eq!(site.objects("held").len(), 7);
    until("nothing else is published", async || {
        let published = site.objects("published");
        // Alone, that is so from the start on.
        assert!(!ALONE || published.len() == 6 * 2 + 1, "{published:?}");
        if published.len() == 6 * 2 + 1 { Ok(()) } else { Err(published) }
    })
    .await;
    drop(server);
}

/// Who may mount nothing sees at least the reserve kept.
async fn without_a_mount(site: Site) {
    site.configure("[intake]\nreserve = \"1000000GiB\"");
    let server = Server::ready(&site).await;
    assert_full(&server, "a.txt", &samples::text(1)).await;
    assert!(site.objects("held").is_empty() && server.list().await.is_empty());
}
