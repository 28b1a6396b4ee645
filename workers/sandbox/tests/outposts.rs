//! Programs of others, as the service runs them: what they may do, and when they end.

use lazaret_sandbox::{Confinement, Layer, Outpost, Posted};
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::time::{Duration, Instant};

fn example(name: &str) -> PathBuf {
    let deps = std::env::current_exe().unwrap();
    deps.parent().unwrap().parent().unwrap().join("examples").join(name)
}

fn outpost(confinement: Confinement) -> Outpost {
    Outpost::new(example("misbehave"), confinement)
}

async fn started(outpost: &Outpost, what: &str, to: &str) -> Posted {
    outpost.start(&example("outposted"), &[what.to_owned(), to.to_owned()]).await.unwrap()
}

/// All that it writes.
async fn said(posted: &mut Posted) -> String {
    let (mut all, mut piece) = (Vec::new(), [0; 1024]);
    while let read @ 1.. = posted.more(&mut piece).await.unwrap() {
        all.extend_from_slice(&piece[..read]);
    }
    String::from_utf8(all).unwrap()
}

/// What it may do, and all else that the example tries.
const MAY: [&str; 2] = ["starts a thread", "sends datagrams"];

#[tokio::test]
async fn it_may_send_datagrams_and_next_to_nothing_else() {
    // A place for both ways of connecting.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let ear = UdpSocket::bind(to).unwrap();
    ear.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let free = Confinement::Without(vec![Layer::Landlock, Layer::Seccomp]);
    for (confinement, is_free) in [(Confinement::Enforced, false), (free, true)] {
        let mut posted = started(&outpost(confinement), "tries", &to.to_string()).await;
        let told = said(&mut posted).await;
        let (status, complaints) = posted.ended().await;
        assert!(status.is_some_and(|status| status.success()), "{status:?} {complaints}");
        assert_eq!(told.lines().count(), 12, "{told}");
        for line in told.lines() {
            let (what, came) = line.split_once(": ").unwrap();
            // The empty environment is no layer: it holds either way.
            let may = MAY.contains(&what) || is_free && what != "has an environment";
            // What its parent holds is shut to it by the rights that it gave up, where it is not the same user's anyway.
            if what != "reads what its parent holds" || !is_free {
                assert_eq!(came == "true", may, "{what}, {is_free}: {told}");
            }
        }
        let mut heard = [0; 16];
        let (length, _) = ear.recv_from(&mut heard).unwrap();
        assert_eq!(&heard[..length], b"heard");
    }
}

fn is_running(pid: &str) -> bool {
    // One that nobody has buried is none.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

async fn until_gone(pid: &str) {
    let began = Instant::now();
    while is_running(pid) {
        assert!(began.elapsed() < Duration::from_secs(30), "{pid} lives on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn it_is_gone_once_nobody_holds_it() {
    let outpost = outpost(Confinement::Enforced);
    let (posted, pid) = waiting(&outpost).await;
    assert!(is_running(&pid), "{pid}");
    drop(posted);
    until_gone(&pid).await;
    // Of one that has not ended the words are those that it said so far.
    let (posted, pid) = waiting(&outpost).await;
    let (status, words) = posted.ended().await;
    assert!(status.is_some_and(|status| !status.success()), "{status:?}");
    assert_eq!(words, "waiting");
    assert!(!is_running(&pid));
}

async fn waiting(outpost: &Outpost) -> (Posted, String) {
    let mut posted = started(outpost, "waits", "-").await;
    let mut pid = [0; 16];
    let length = posted.more(&mut pid).await.unwrap();
    (posted, std::str::from_utf8(&pid[..length]).unwrap().trim().to_owned())
}

/// However much it writes, no more is held than a pipe takes.
#[tokio::test]
async fn one_that_nobody_reads_waits() {
    let mut posted = started(&outpost(Confinement::Enforced), "floods", "-").await;
    let mut piece = [0; 64 << 10];
    for _ in 0..100 {
        assert!(posted.more(&mut piece).await.unwrap() > 0);
    }
}

#[tokio::test]
async fn what_cannot_be_started_is_told() {
    let outpost = outpost(Confinement::Enforced);
    let mut posted = outpost.start(&example("no-such-program"), &[]).await.unwrap();
    assert_eq!(said(&mut posted).await, "");
    let (status, words) = posted.ended().await;
    assert!(status.is_some_and(|status| !status.success()), "{status:?}");
    assert!(words.contains("no-such-program"), "{words}");
    let missing = Outpost::new(example("no-such-child"), Confinement::Enforced);
    assert!(missing.start(&example("outposted"), &[]).await.is_err());
}
