//! Sources over SRT: libsrt's own program publishes, and the service's outpost calls it.

use crate::{
    process::{Process, signal_to},
    pulled::{PULLING, assert_cut_with_failures, followed, pulled, show, site, site_with},
    server::Server,
    sources::{CLIP, LIVE, Publisher, film},
    troubled::troubled,
    wait::until,
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::path::Path;

/// The kernel keeps fifteen bytes of a name.
const PROGRAM: &str = "srt-live-transm";

/// A port that nobody receives datagrams on at this moment.
fn free_port() -> u16 {
    std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Listens, and plays the clip to the first who calls.
fn listens(clip: &Path, port: u16, more: &str) -> Publisher {
    let to = format!("srt://127.0.0.1:{port}?mode=listener{more}");
    Publisher::start(&["-re", "-i", clip.to_str().unwrap(), "-c", "copy", "-f", "mpegts", &to])
}

fn callers(server: &Server) -> Vec<Process> {
    server.processes().into_iter().filter(|process| process.name == PROGRAM).collect()
}

async fn close(server: &Server, stream: &str) {
    let url = format!("{}/v1/streams/{stream}", server.url);
    server.client.delete(url).bearer_auth(&server.key).send().await.unwrap();
}

async fn gone(callers: &[Process]) {
    until("the program is gone", async || {
        let left: Vec<_> = callers.iter().filter(|process| process.is_running()).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
}

async fn refused(server: &Server, source: String) -> (u16, Value) {
    let asked = server.client.post(format!("{}/v1/streams", server.url)).bearer_auth(&server.key);
    let answer = asked.json(&json!({ "source": source })).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_clip_published_over_srt_is_cut_and_cleared() {
    // A call that nobody answers takes three seconds: there are to be three of them before it is given up.
    let (site, server) = site(&PULLING.replace("7s", "8s")).await;
    let (clip, _) = film(&site.path(""), "clip.ts", CLIP, &LIVE);
    let port = free_port();
    let secrets = "passphrase=open-sesame-1&pbkeylen=32&streamid=%23!::r=the-cam,m=request";
    let stream = pulled(&server, &format!("srt://127.0.0.1:{port}?latency=200&{secrets}")).await;
    // Nobody is there yet.
    let view = troubled(&server, &stream, "source.unreachable").await;
    assert_eq!((&view["decision"], &view["counts"]["judged"]), (&"warn".into(), &0.into()), "{view}");
    let _publisher = listens(&clip, port, "&passphrase=open-sesame-1&pbkeylen=32");
    until("it is read", async || {
        let view = show(&server, &stream).await;
        if view["pull"]["state"] == "reading" { Ok(()) } else { Err(view) }
    })
    .await;
    let calling = callers(&server);
    assert_eq!(calling.len(), 1, "{calling:?}");
    assert_confined(&calling[0]);
    let followed = followed(&server, &stream).await;
    // What its publisher sent last may not come before its goodbye.
    assert_cut_with_failures(&followed, 2);
    gone(&calling).await;
    for secret in ["sesame", "the-cam"] {
        assert!(!followed.1.to_string().contains(secret), "{}", followed.1);
        assert!(!server.log().join("\n").contains(secret));
    }
    server.kill().await;
}

/// As the kernel tells of it: proc_pid_status(5), limits, environment, descriptors.
fn assert_confined(process: &Process) {
    let told = |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", process.pid)).unwrap();
    let status = told("status");
    let is = |line: &str| status.lines().any(|found| found.replace('\t', " ") == line);
    assert!(is("NoNewPrivs: 1") && is("Seccomp: 2") && is("CapEff: 0000000000000000"), "{status}");
    assert!(is("CapPrm: 0000000000000000"), "{status}");
    let limits = told("limits");
    let limited = |name: &str| limits.lines().any(|line| line.starts_with(name) && line.contains(" 0 "));
    assert!(limited("Max core file size") && limited("Max file size"), "{limits}");
    assert_eq!(told("environ").trim_end_matches('\0'), "MALLOC_ARENA_MAX=1");
    let held = std::fs::read_dir(format!("/proc/{}/fd", process.pid)).unwrap().flatten();
    let held: Vec<_> = held.filter_map(|entry| std::fs::read_link(entry.path()).ok()).collect();
    // Nothing in, pictures and complaints out; its own socket and what it waits with.
    let foreign = |path: &Path| {
        let path = path.to_string_lossy();
        !["/dev/null", "pipe:", "socket:", "anon_inode:"].iter().any(|own| path.starts_with(own))
    };
    assert!(held.len() <= 6 && !held.iter().any(|path| foreign(path)), "{held:?}");
}

#[tokio::test]
async fn troubles_over_srt_are_told_apart() {
    // A call that nobody answers takes three seconds: the third is at seven.
    let (site, server) = site(&PULLING.replace("7s", "9s")).await;
    let (clip, _) = film(&site.path(""), "clip.ts", CLIP, &LIVE);
    let sound = site.path("sound.ts");
    crate::sources::ffmpeg(&["-f", "lavfi", "-i", "sine=d=60", "-c:a", "aac", sound.to_str().unwrap()]);
    let none = String::new();
    let locked = "&passphrase=open-sesame-1".to_owned();
    for (case, file, theirs, ours, code) in [
        ("another passphrase", &clip, &locked, "?passphrase=open-sesame-2", "source.refused"),
        ("no passphrase", &clip, &locked, "", "source.refused"),
        ("a passphrase that nobody wants", &clip, &none, "?passphrase=open-sesame-1", "source.refused"),
        ("sound alone", &sound, &none, "", "source.no_frames"),
    ] {
        let port = free_port();
        let _publisher = listens(file, port, theirs);
        let stream = pulled(&server, &format!("srt://127.0.0.1:{port}{ours}")).await;
        let view = troubled(&server, &stream, code).await;
        assert_eq!(
            (&view["decision"], &view["counts"]["judged"]),
            (&"warn".into(), &0.into()),
            "{case}: {view}"
        );
        assert!(!view.to_string().contains("sesame"), "{case}: {view}");
        close(&server, &stream).await;
    }
    assert!(!server.log().join("\n").contains("sesame"));
    server.kill().await;
}

/// It is asked again when its publisher has gone, and stalls when they only stop to send.
#[tokio::test]
async fn publishers_that_go_or_stop_are_waited_for() {
    let (site, server) = site(&PULLING.replace("7s", "60s")).await;
    let (clip, _) = film(&site.path(""), "grey.ts", "color=0x5a5a5a:s=320x180:r=10:d=60", &LIVE);
    let port = free_port();
    let stream = pulled(&server, &format!("srt://127.0.0.1:{port}")).await;
    let passes = async |what: &str| {
        until(what, async || {
            let view = show(&server, &stream).await;
            if view["decision"] == "pass" && view["pull"]["state"] == "reading" { Ok(()) } else { Err(view) }
        })
        .await;
    };
    let publisher = listens(&clip, port, "");
    passes("it passes").await;
    drop(publisher);
    let view = until("it is waited for", async || {
        let view = show(&server, &stream).await;
        if view["pull"]["state"] == "waiting" { Ok(view) } else { Err(view) }
    })
    .await;
    assert!(view["pull"]["failures"].as_u64().unwrap() > 0, "{view}");
    until("it does not pass", async || {
        let view = show(&server, &stream).await;
        if view["reason"] == "unwatched" { Ok(()) } else { Err(view) }
    })
    .await;
    let publisher = listens(&clip, port, "");
    passes("it passes again").await;
    publisher.stop();
    troubled(&server, &stream, "source.stalled").await;
    server.kill().await;
}

#[tokio::test]
async fn no_program_outlives_its_stream_or_the_service() {
    let (site, server) = site(&PULLING.replace("7s", "9s")).await;
    let (clip, _) = film(&site.path(""), "grey.ts", "color=0x5a5a5a:s=320x180:r=10:d=60", &LIVE);
    let mut publishers = Vec::new();
    let mut streams = Vec::new();
    for _ in 0..2 {
        let port = free_port();
        publishers.push(listens(&clip, port, ""));
        streams.push(pulled(&server, &format!("srt://127.0.0.1:{port}")).await);
    }
    for stream in &streams {
        until("it passes", async || {
            let view = show(&server, stream).await;
            if view["decision"] == "pass" { Ok(()) } else { Err(view) }
        })
        .await;
    }
    let calling = callers(&server);
    assert_eq!(calling.len(), 2, "{calling:?}");
    close(&server, &streams[0]).await;
    until("one is gone, and buried", async || {
        let left = callers(&server);
        if left.len() == 1 { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
    // It is not asked, and says goodbye to nobody.
    signal_to(server.pid(), Signal::KILL);
    gone(&calling).await;
    drop(site);
}

#[tokio::test]
async fn where_srt_may_lead_and_what_it_may_say() {
    let (_site, server) = site("pull_patience = \"3s\"\npull_stall = \"2s\"").await;
    let ear = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = ear.local_addr().unwrap().port();
    for address in ["127.0.0.1", "127.1", "[::1]", "0.0.0.0", "169.254.169.254", "2130706433"] {
        let (status, problem) = refused(&server, format!("srt://{address}:{port}?streamid=x")).await;
        let told = (status, problem["code"].as_str().unwrap_or_default());
        assert_eq!(told, (403, "stream.source_forbidden"), "{address}");
    }
    for (query, why) in [
        ("?mode=listener", "mode"),
        ("?passphrase=short", "passphrase"),
        ("?adapter=127.0.0.1", "streamid"),
        ("?streamid=a%26mode%3Dlistener", "streamid"),
        ("/path", "path"),
    ] {
        let (status, problem) = refused(&server, format!("srt://example.com:{port}{query}")).await;
        assert_eq!(
            (status, problem["code"].as_str().unwrap()),
            (400, "body.malformed"),
            "{query}: {problem}"
        );
        assert!(problem["detail"].as_str().unwrap().contains(why), "{query}: {problem}");
    }
    // A name is judged when it is called.
    let stream = pulled(&server, &format!("srt://localhost:{port}")).await;
    let (all, last) = followed(&server, &stream).await;
    assert_eq!(last["pull"]["trouble"]["code"], "source.private", "{last}");
    assert!(all.iter().all(|(decision, ..)| decision == "warn"), "{all:?}");
    let came = tokio::time::timeout(std::time::Duration::from_millis(10), ear.recv(&mut [0; 16])).await;
    assert!(came.is_err(), "somebody called");
    server.kill().await;
}

#[tokio::test]
async fn without_the_program_it_is_said_what_to_install() {
    let (site, server) = site_with(&format!("{PULLING}srt = \"no-such-program\""), |_| {}).await;
    let (status, problem) = refused(&server, "srt://127.0.0.1:9000".to_owned()).await;
    assert_eq!((status, problem["code"].as_str().unwrap()), (501, "stream.no_source"), "{problem}");
    let told = problem["detail"].as_str().unwrap();
    assert!(told.contains("srt-tools") && told.contains("streams.srt"), "{told}");
    let doctor = site.run(&["doctor", "--json"]).await;
    let lines = doctor.json();
    let line = lines.iter().find(|line| line["part"] == "srt").unwrap();
    assert!(line["advice"].as_str().unwrap().contains("srt-tools"), "{line}");
    site.configure(&format!("{}{PULLING}", crate::red::SETTINGS));
    let lines = site.run(&["doctor", "--json"]).await.json();
    let line = lines.iter().find(|line| line["part"] == "srt").unwrap();
    assert!(line["found"].as_str().unwrap().contains("srt-live-transmit"), "{line}");
    server.kill().await;
}
