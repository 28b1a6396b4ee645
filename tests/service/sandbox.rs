//! Hostile bytes are decoded in a sandbox or not at all, and what is decoded there reaches nothing else.

use crate::{
    samples,
    server::Running,
    site::{Ran, Site},
    wait::until,
};
use rustix::fs::inotify;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
use serde_json::Value;
use std::{mem::MaybeUninit, net::TcpListener};

/// Runs `work` as on a kernel without Landlock. What is started from there is on it too.
fn without_landlock<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let rules = [(libc::SYS_landlock_create_ruleset, Vec::new())].into_iter().collect();
    let nosys = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, nosys, arch).unwrap();
    let program: BpfProgram = filter.try_into().unwrap();
    std::thread::scope(|scope| {
        let there = scope.spawn(|| {
            apply_filter(&program).unwrap();
            work()
        });
        there.join().unwrap()
    })
}

fn run_without_landlock(site: &Site, arguments: &[&str]) -> Ran {
    let mut command = site.command();
    command.args(arguments);
    without_landlock(|| Ran::of(command.output().unwrap()))
}

fn serve_without_landlock(site: &Site) -> Running {
    let mut command = site.command();
    command.arg("serve");
    without_landlock(|| Running::spawn(command))
}

const BEST_EFFORT: &str = "[media]\nsandbox = \"best-effort\"";

#[tokio::test]
async fn a_kernel_that_cannot_confine_is_refused_unless_best_effort_is_written_down() {
    let site = Site::new("");
    site.write("photo.jpg", &samples::photo(1));

    let mut refused = serve_without_landlock(&site);
    let status =
        until("it is refused", async || refused.child.try_wait().unwrap().ok_or_else(|| refused.log())).await;
    assert_eq!(status.code(), Some(2));
    until("it says why in one line", async || {
        let words = ["the sandbox does not hold", "Landlock", "media.sandbox = \"best-effort\""];
        let told = |line: &String| words.iter().all(|word| line.contains(word));
        let log = refused.log();
        if log.iter().any(told) { Ok(()) } else { Err(log) }
    })
    .await;
    let scan = run_without_landlock(&site, &["scan", "--json", "photo.jpg"]);
    assert_eq!((scan.code(), &scan.json()[0]["verdict"]), (1, &"review".into()), "{scan:?}");
    let doctor = run_without_landlock(&site, &["doctor"]);
    assert!(doctor.code() == 1 && doctor.out().contains("does not enforce Landlock"), "{doctor:?}");

    site.configure(BEST_EFFORT);
    let scan = run_without_landlock(&site, &["scan", "--json", "photo.jpg"]);
    assert_eq!((scan.code(), &scan.json()[0]["verdict"]), (0, &"publish".into()), "{scan:?}");
    let doctor = run_without_landlock(&site, &["doctor", "--json"]);
    assert_eq!(doctor.code(), 0, "{doctor:?}");
    assert!(advice(&doctor, "sandbox landlock").contains("NOT ENFORCED"), "{doctor:?}");
    assert_eq!(advice(&doctor, "sandbox seccomp"), "", "{doctor:?}");
    let running = serve_without_landlock(&site);
    until("it serves, and says what it does without", async || {
        let log = running.log().join("\n");
        let told = log.contains("the sandbox does not hold") && log.contains("is listening");
        if told { Ok(()) } else { Err(log) }
    })
    .await;
}

fn advice(doctor: &Ran, part: &str) -> String {
    let lines = doctor.json();
    let line = lines.iter().find(|line| line["part"] == part).unwrap_or_else(|| panic!("{part}: {lines:?}"));
    line["advice"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn doctor_shows_which_layers_hold() {
    let doctor = Site::new("").run(&["doctor", "--json"]).await;
    let rows = doctor.json();
    for (part, found) in [
        ("sandbox landlock", "ABI "),
        ("sandbox seccomp", "any other one kills"),
        ("sandbox limits", "2GiB of memory, 30s of processor time a request"),
        ("sandbox self-test", "none did"),
    ] {
        let row = rows.iter().find(|row| row["part"] == part).unwrap_or_else(|| panic!("{part}: {rows:?}"));
        assert_eq!(row["healthy"], true, "{row}");
        assert!(row["found"].as_str().unwrap().contains(found), "{row}");
    }
}

#[tokio::test]
async fn texts_that_name_other_files_and_addresses_open_and_call_nothing() {
    let site = Site::new("");
    let canary = site.write("canary/canary.ts", b"tweet").display().to_string();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let texts = [
        format!("#EXTM3U\n#EXTINF:1,\nfile://{canary}\n#EXTINF:1,\nhttp://{address}/x.ts\n#EXT-X-ENDLIST\n"),
        format!("ffconcat version 1.0\nfile '{canary}'\nfile 'http://{address}/x.ts'\n"),
        format!(
            "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"><BaseURL>http://{address}/</BaseURL>\
             <Period><AdaptationSet><Representation><BaseURL>file://{canary}</BaseURL></Representation>\
             </AdaptationSet></Period></MPD>"
        ),
        format!(
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {} RTP/AVP 96\n",
            address.port()
        ),
        format!(
            "<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY x SYSTEM \"file://{canary}\">]>\
             <svg xmlns=\"http://www.w3.org/2000/svg\"><image href=\"http://{address}/x.png\"/>\
             <image href=\"file://{canary}\"/><text>&x;</text></svg>"
        ),
    ];
    for (n, text) in texts.iter().enumerate() {
        for end in ["mp4", "jpg", "svg", "m3u8"] {
            site.write(&format!("texts/{n}.{end}"), text.as_bytes());
        }
    }
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&watch, &canary, inotify::WatchFlags::OPEN | inotify::WatchFlags::ACCESS).unwrap();
    let sang = || {
        let mut space = [MaybeUninit::uninit(); 4096];
        let opened = inotify::Reader::new(&watch, &mut space).next().is_ok();
        (opened, listener.accept().is_ok())
    };

    let scan = site.run(&["scan", "--json", "texts"]).await;
    let lines = scan.json();
    assert_eq!(lines.len(), texts.len() * 4, "{scan:?}");
    assert_eq!(sang(), (false, false));
    let forbidden = |line: &&Value| line.to_string().contains("child.forbidden");
    assert_eq!(lines.iter().find(forbidden), None, "no child even tries");
    let pictures = |line: &&Value| {
        let path = line["path"].as_str().unwrap();
        line["verdict"] == "publish" && (path.ends_with(".mp4") || path.ends_with(".jpg"))
    };
    assert_eq!(lines.iter().find(pictures), None, "none is what its name says");

    // The canary does sing.
    std::fs::read(&canary).unwrap();
    std::net::TcpStream::connect(address).unwrap();
    assert_eq!(sang(), (true, true));
}
