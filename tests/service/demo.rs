//! `make demo` and `make demo-live`, as whoever has just come runs them.

use crate::{site::LAZARET, verdicts::files, wait::until};
use reqwest::{Client, redirect::Policy};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

/// With all that it starts: one group, as in a terminal.
struct Demo {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Demo {
    /// The example of this name, which is to serve on this address.
    fn start(name: &str, listen: &str) -> Self {
        let demo = Path::new(LAZARET).with_file_name("examples").join(name);
        assert!(demo.is_file(), "{} is missing: run cargo build --workspace --all-targets", demo.display());
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(demo);
        // clamd lies where not everybody's PATH leads.
        command.env("PATH", format!("{path}:/usr/sbin:/usr/local/sbin:/sbin"));
        command.env("DEMO_LISTEN", listen).env_remove("DEMO_EXIT").env_remove("RUST_LOG");
        // A fifth of what people watch.
        command.env("DEMO_PAUSE", "100");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap();
        let (lines, said) = (BufReader::new(child.stdout.take().unwrap()), Arc::<Mutex<String>>::default());
        let into = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                *into.lock().unwrap() += &format!("{line}\n");
            }
        });
        Self { child, said }
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    fn signal(&self, signal: Signal) {
        let _gone_already = kill_process_group(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _buried_already = self.child.wait();
    }
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[tokio::test]
async fn the_demo_shows_what_became_of_its_files_and_a_link_that_signs_in_once() {
    let listen = free_address();
    let mut demo = Demo::start("demo", &listen);
    let said = until("it serves until Ctrl-C", async || {
        let said = demo.said();
        if said.contains("filename=FILE") { Ok(said) } else { Err(said) }
    })
    .await;
    let files = files::all();
    assert_eq!(files.len(), 10);
    for file in files {
        let mut rows = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let row = rows.find(|row| row.first() == Some(&file.name));
        let row = row.unwrap_or_else(|| panic!("no {} in {said}", file.name));
        assert!(file.expected.contains(&row[2]), "{row:?}");
    }
    assert!(!said.contains("NOT AS EXPECTED"), "{said}");

    assert!(said.contains(&format!("console, http://{listen}/console.")), "{said}");
    let begins = format!("http://{listen}/console/link/");
    let link = said.lines().map(str::trim).find(|line| line.starts_with(&begins)).expect("a link");
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let signed_in = client.post(link).send().await.unwrap();
    assert_eq!(signed_in.status(), 303);
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let account = format!("http://{listen}/console/account/password");
    assert_eq!(client.get(&account).send().await.unwrap().status(), 303, "to who is nobody");
    assert_eq!(client.get(&account).header("cookie", cookie).send().await.unwrap().status(), 200);
    assert_eq!(client.post(link).send().await.unwrap().status(), 422, "once");

    demo.signal(Signal::INT);
    let status = until("it ends", async || demo.child.try_wait().unwrap().ok_or("it runs")).await;
    assert!(status.success(), "{status}: {}", demo.said());
}

#[tokio::test]
async fn the_live_demo_shows_a_stream_that_is_cut_ended_and_cleared() {
    let listen = free_address();
    let mut demo = Demo::start("demo-live", &listen);
    let status = until("it ends by itself", async || {
        let ended = demo.child.try_wait().unwrap();
        ended.ok_or_else(|| demo.said())
    })
    .await;
    assert!(status.success(), "{status}: {}", demo.said());
    let last = format!("'http://{listen}/v1/streams/");
    let said = until("all that it said is here", async || {
        let said = demo.said();
        if said.contains(&last) { Ok(said) } else { Err(said) }
    })
    .await;
    let rows = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let rows: Vec<_> = rows.filter(|row| row.last() == Some(&"ms")).collect();
    let pictures: Vec<_> = rows.iter().map(|row| row[1]).collect();
    assert_eq!(pictures, [["landscape"; 8], ["red"; 8], ["landscape"; 8]].concat(), "{said}");
    let decisions: Vec<_> = rows.iter().map(|row| row[2]).collect();
    assert!(decisions[..8].iter().all(|decision| *decision == "pass"), "{said}");
    let cut = decisions.iter().position(|decision| *decision == "cut").unwrap_or_else(|| panic!("{said}"));
    assert!((9..16).contains(&cut), "{said}");
    assert_eq!(decisions.last(), Some(&"pass"), "{said}");
    assert!(said.contains("was called 1 time(s)"), "{said}");
    assert!(said.contains(r#""external_id":"publisher-1""#), "what a viewer's page is told: {said}");
}
