//! A program of others, for the tests of outposts: it does what its first argument tells it to, and says what came of it.

use std::io::{self, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, to] = arguments.as_slice() else { panic!("what, and where to") };
    match what.as_str() {
        "tries" => {
            let mut out = io::stdout();
            for (what, came) in tries(to) {
                writeln!(out, "{what}: {came}").unwrap();
            }
        }
        "waits" => {
            eprintln!("waiting");
            println!("{}", std::process::id());
            std::thread::sleep(Duration::from_secs(3600));
        }
        "floods" => {
            let (mut out, line) = (io::stdout(), [b'x'; 4096]);
            while out.write_all(&line).is_ok() {}
        }
        other => panic!("{other}"),
    }
}

fn tries(to: &str) -> Vec<(&'static str, bool)> {
    let folder = format!("/tmp/outposted-{}", std::process::id());
    let made = std::fs::create_dir(&folder).is_ok();
    // It is empty, where it is there.
    let _removed = std::fs::remove_dir(folder);
    let parent = rustix::process::getppid().unwrap();
    vec![
        (
            "starts a thread",
            std::thread::Builder::new().spawn(|| ()).is_ok_and(|thread| thread.join().is_ok()),
        ),
        ("sends datagrams", UdpSocket::bind("127.0.0.1:0").and_then(|own| own.send_to(b"heard", to)).is_ok()),
        ("has an environment", std::env::vars_os().any(|(name, _)| name != "MALLOC_ARENA_MAX")),
        ("reads settings", std::fs::read("/etc/passwd").is_ok()),
        ("lists a folder", std::fs::read_dir("/").is_ok_and(|mut entries| entries.next().is_some())),
        ("makes a folder", made),
        ("makes a file", tempfile::tempfile().is_ok()),
        ("runs a program", Command::new("/bin/true").status().is_ok()),
        ("connects", TcpStream::connect(to).is_ok()),
        ("makes a local socket", UnixDatagram::unbound().is_ok()),
        ("signals its parent", rustix::process::test_kill_process(parent).is_ok()),
        ("reads what its parent holds", std::fs::read(format!("/proc/{parent}/environ")).is_ok()),
    ]
}
