//! A child that does what its file's media type tells it to, for the tests of the pool.

use lazaret_sandbox::child::{self, FrameSink, Handler, MemberSink, RenditionSink, ShotSink};
use lazaret_sandbox::protocol::{FrameHead, FromChild, Header, ShotHead};
use lazaret_sandbox::{
    ChildSetup, Coverage, Film, FilmRequest, MemberHead, MemberTail, MembersRequest, MembersSummary, Picture,
    PictureRequest, Rendition, RenditionSpec, Report, Taken, Variant, Why,
};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

struct Misbehave {
    what: String,
    /// As they were when it was set up.
    descriptors: Vec<String>,
    bonds: String,
    heap: String,
    /// What it could do while it was set up.
    freedom: String,
    file: Option<File>,
}

fn main() -> ExitCode {
    if let Some(failed) = child::outpost::become_one() {
        return failed;
    }
    child::run("misbehave/1", |setup: &ChildSetup| match &setup.mark {
        Some(serde_json::Value::String(why)) => Err(why.clone()),
        _ => Ok(Misbehave {
            what: String::new(),
            descriptors: descriptors(),
            bonds: bonds(),
            heap: heap(),
            freedom: freedom(),
            file: None,
        }),
    })
}

fn freedom() -> String {
    let folder = format!("/tmp/misbehave-{}", std::process::id());
    let made = std::fs::create_dir(&folder).map_err(|error| error.kind());
    // It is empty, where it is there.
    let _removed = std::fs::remove_dir(folder);
    let read = std::fs::read_dir("/").map(|entries| entries.count() > 0).map_err(|error| error.kind());
    format!("read: {read:?}, make: {made:?}")
}

/// But for the one that lists them.
fn descriptors() -> Vec<String> {
    let listed = std::fs::read_dir("/proc/self/fd").unwrap();
    let mut names: Vec<String> =
        listed.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_by_key(|name| name.parse::<u32>().unwrap());
    names.pop();
    names
}

/// What ties it to its parent, and whether others may look into it.
fn bonds() -> String {
    use rustix::process::{Signal, dumpable_behavior, parent_process_death_signal};
    let dies = parent_process_death_signal().unwrap() == Some(Signal::KILL);
    format!("dies with it: {dies}, {:?}", dumpable_behavior().unwrap())
}

/// How large it is, and of which pages (proc_pid_smaps(5)).
fn heap() -> String {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let heap = maps.split_once("[heap]").unwrap();
    let size =
        heap.1.lines().find_map(|line| line.strip_prefix("Size:")?.trim().strip_suffix(" kB")).unwrap();
    let flags = heap.1.lines().find_map(|line| line.strip_prefix("VmFlags:")).unwrap();
    let pages = if flags.contains(" hg") { "huge pages where there are any" } else { "small pages" };
    format!("{} MiB, {pages}", size.parse::<u64>().unwrap() >> 10)
}

fn report(detail: &str) -> Report {
    let engine = lazaret_report::Engine::new("misbehave", "1");
    Report { engine, coverage: Coverage::partial("test", detail), findings: Vec::new() }
}

/// Writes to the socket past the protocol's own channel.
fn raw(bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = &rest[rustix::io::write(io::stdin(), rest).unwrap()..];
    }
}

fn answer(sequence: u64, message: &FromChild) -> Vec<u8> {
    let head = serde_json::to_vec(message).unwrap();
    let header = Header { sequence, head_length: head.len() as u32, blob_length: 0 };
    [&header.encode()[..], &head].concat()
}

/// Ways out that the self-test does not go. Says what it came to.
fn try_to(what: &str) -> io::Result<String> {
    use rustix::process::{Resource, Rlimit, Signal};
    match what {
        "start a thread" => {
            std::thread::Builder::new().spawn(|| ())?.join().unwrap();
            Ok("joined".into())
        }
        "make a socket" => UnixStream::pair().map(|_| "a pair".into()),
        "make a memory file" => {
            Ok(rustix::fs::memfd_create("x", rustix::fs::MemfdFlags::CLOEXEC).map(|_| "a file".into())?)
        }
        "remove a file" => match std::fs::remove_file("/nonexistent/file") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok("nothing there".into()),
            removed => removed.map(|()| "removed".into()),
        },
        "list a folder" => Ok(format!("{} entries", std::fs::read_dir("/")?.count())),
        "look at a path" => Ok(format!("{} bytes", std::fs::metadata("/etc/passwd")?.len())),
        "raise a limit" => {
            let none = Rlimit { current: Some(0), maximum: Some(0) };
            Ok(rustix::process::setrlimit(Resource::Core, none).map(|()| "set".into())?)
        }
        "name another user" => Ok(rustix::process::getuid().as_raw().to_string()),
        "signal itself" => {
            let own = rustix::process::getpid();
            Ok(rustix::process::kill_process(own, Signal::URG).map(|()| "sent".into())?)
        }
        other => Err(io::Error::other(format!("what is {other}?"))),
    }
}

impl Misbehave {
    fn act(&mut self) -> Result<String, Why> {
        match self.what.as_str() {
            "text" => {
                let mut text = String::new();
                self.file
                    .as_ref()
                    .unwrap()
                    .read_to_string(&mut text)
                    .map_err(|e| Why::new("io", e.to_string()))?;
                Ok(text)
            }
            "refuse" => Err(Why::new("media.undecodable", "no")),
            "c-memory" => Err(Why::new("child.memory", "malloc said no")),
            "exit" => std::process::exit(3),
            "panic" => panic!("a decoder's bug"),
            "abort" => std::process::abort(),
            "eat" => {
                let mut all = Vec::new();
                loop {
                    all.push(vec![1u8; 16 << 20]);
                    std::hint::black_box(&all);
                }
            }
            "spin" => loop {
                std::hint::black_box(0);
            },
            "sleep" => loop {
                std::thread::park();
            },
            "stderr" => {
                for _ in 0..1000 {
                    eprintln!("{}", "x".repeat(4096));
                }
                Ok("wrote".into())
            }
            "environment" => Ok(format!("{:?}", std::env::vars().collect::<Vec<_>>())),
            "write" => Ok(format!("{:?}", self.file.as_ref().unwrap().write(b"x").map_err(|e| e.kind()))),
            "descriptors" => Ok(self.descriptors.join(" ")),
            "bonds" => Ok(self.bonds.clone()),
            "heap" => Ok(self.heap.clone()),
            "freedom" => Ok(self.freedom.clone()),
            "drip" => {
                let answer = answer(3, &FromChild::Report(report("at last")));
                for byte in answer {
                    raw(&[byte]);
                    std::thread::park_timeout(Duration::from_secs(1));
                }
                Ok(String::new())
            }
            "padded" => {
                let padded = [&br#"{"type":"chunk"}"#[..], &[b' '; 1 << 20]].concat();
                let header = Header { sequence: 3, head_length: padded.len() as u32, blob_length: 1 };
                loop {
                    raw(&header.encode());
                    raw(&padded);
                    raw(b"x");
                }
            }
            other if other.starts_with("try ") => {
                try_to(&other[4..]).map_err(|e| Why::new("test", e.to_string()))
            }
            "nonsense" => {
                raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                Ok(String::new())
            }
            "huge-head" => {
                raw(&[&b"LZR1"[..], &3u64.to_be_bytes(), &u32::MAX.to_be_bytes(), &[0; 4]].concat());
                Ok(String::new())
            }
            "past" => {
                raw(&answer(1, &FromChild::Report(report("from the past"))));
                Ok(String::new())
            }
            "other" => {
                raw(&answer(3, &FromChild::Opened));
                Ok(String::new())
            }
            other => Err(Why::new("test", format!("what is {other}?"))),
        }
    }
}

impl Handler for Misbehave {
    fn open(&mut self, file: File, _size: u64, media_type: &str) {
        media_type.clone_into(&mut self.what);
        self.file = Some(file);
    }

    fn close(&mut self) {
        self.file = None;
    }

    fn walk(&mut self) -> Result<Report, Why> {
        self.act().map(|detail| report(&detail))
    }

    fn picture(&mut self, request: &PictureRequest, frames: &mut FrameSink<'_>) -> Result<Picture, Why> {
        let length = request.targets[0].values();
        let gone = |e: io::Error| Why::new("io", e.to_string());
        let head = |index| FrameHead { index, at_ms: 7, variant: Variant::AlphaDropped, target: 0 };
        match self.what.as_str() {
            "frames" => {
                for index in 0..request.max_frames {
                    frames(head(index), &vec![index as f32; length]).map_err(gone)?;
                }
            }
            "trickle" => {
                for index in 0..request.max_frames {
                    std::thread::park_timeout(Duration::from_millis(200));
                    frames(head(index), &vec![0.0; length]).map_err(gone)?;
                }
            }
            "frame-size" => frames(head(0), &vec![0.0; length + 1]).map_err(gone)?,
            "frame-many" => frames(head(request.max_frames), &vec![0.0; length]).map_err(gone)?,
            "frame-twice" => {
                frames(head(0), &vec![0.0; length]).map_err(gone)?;
                frames(head(0), &vec![0.0; length]).map_err(gone)?;
            }
            "frame-nan" => frames(head(0), &vec![f32::NAN; length]).map_err(gone)?,
            "frame-target" => {
                frames(FrameHead { target: 9, ..head(0) }, &vec![0.0; length]).map_err(gone)?;
            }
            _ => drop(self.act()?),
        }
        Ok(Picture {
            width: 1,
            height: 1,
            frames_seen: request.max_frames,
            frames_total: None,
            duration_ms: 0,
            has_alpha: false,
            orientation: 1,
            icc: false,
            other_colours: false,
            beside: false,
            coverage: Coverage::Complete,
            decoder: "misbehave".into(),
            metadata: lazaret_sandbox::Metadata::default(),
        })
    }

    fn members(&mut self, request: &MembersRequest, out: &mut dyn MemberSink) -> Result<MembersSummary, Why> {
        let gone = |e: io::Error| Why::new("io", e.to_string());
        let mut seen = 0;
        match self.what.as_str() {
            "members" => {
                out.begin("a")
                    .and_then(|()| out.write_all(b"one"))
                    .and_then(|()| out.end(None))
                    .map_err(gone)?;
                let cut = Some(Why::new("encrypted", ""));
                out.begin("b").and_then(|()| out.end(cut)).map_err(gone)?;
                seen = 2;
            }
            "members-many" => {
                for _ in 0..=request.max_members {
                    out.begin("x").and_then(|()| out.end(None)).map_err(gone)?;
                }
            }
            "members-flood" => {
                out.begin("x").map_err(gone)?;
                loop {
                    out.write_all(&[7; 64 << 10]).map_err(gone)?;
                }
            }
            "members-lie" => {
                raw(&answer(3, &FromChild::Member(MemberHead { name: "x".into() })));
                raw(&answer(3, &FromChild::MemberEnd(MemberTail { bytes: 5, gap: None })));
            }
            "members-name" => {
                let name = "x".repeat(MembersRequest::MAX_NAME + 1);
                raw(&answer(3, &FromChild::Member(MemberHead { name })));
            }
            "members-open" => out.begin("x").map_err(gone)?,
            "members-stray" => raw(&answer(3, &FromChild::MemberEnd(MemberTail { bytes: 0, gap: None }))),
            _ => drop(self.act()?),
        }
        Ok(MembersSummary { listed: seen, seen, coverage: Coverage::Complete, findings: Vec::new() })
    }

    fn film(&mut self, request: &FilmRequest, shots: &mut ShotSink<'_>) -> Result<Film, Why> {
        let gone = |e: io::Error| Why::new("io", e.to_string());
        let length = request.targets[0].values();
        let head = |index, at_ms| ShotHead { index, at_ms, taken: Taken::Key, target: 0 };
        let plain = vec![0.0; length];
        let mut seen = 0;
        match self.what.as_str() {
            "shots" => {
                while seen < request.max_frames && shots(head(seen, u64::from(seen)), &plain).map_err(gone)? {
                    seen += 1;
                }
            }
            // Never looks whether anybody still wants them.
            "shots-deaf" => {
                for index in 0..request.max_frames {
                    shots(head(index, 0), &plain).map_err(gone)?;
                }
            }
            "shots-many" => {
                for index in 0..=request.max_frames {
                    shots(head(index, 0), &plain).map_err(gone)?;
                }
            }
            "shots-back" => {
                shots(head(0, 9), &plain).map_err(gone)?;
                shots(head(1, 8), &plain).map_err(gone)?;
            }
            "shots-twice" => {
                shots(head(0, 0), &plain).map_err(gone)?;
                shots(head(0, 0), &plain).map_err(gone)?;
            }
            "shots-size" => drop(shots(head(0, 0), &plain[1..]).map_err(gone)?),
            "shots-target" => drop(shots(ShotHead { target: 9, ..head(0, 0) }, &plain).map_err(gone)?),
            _ => drop(self.act()?),
        }
        Ok(Film {
            width: 1,
            height: 1,
            duration_ms: 1,
            frames_seen: seen,
            frames_total: 1,
            sound: false,
            coverage: Coverage::Complete,
            decoder: "misbehave".into(),
        })
    }

    fn render(&mut self, _spec: &RenditionSpec, out: &mut dyn RenditionSink) -> Result<Rendition, Why> {
        let mut bytes = 0;
        match self.what.as_str() {
            "flood" => loop {
                out.write_all(&[7; 64 << 10]).map_err(|e| Why::new("io", e.to_string()))?;
            },
            "lie" => bytes = 5,
            _ => {
                let text = self.act()?;
                out.write_all(text.as_bytes()).map_err(|e| Why::new("io", e.to_string()))?;
                bytes += text.len() as u64;
            }
        }
        let note = "re-encoded".into();
        Ok(Rendition { media_type: "text/plain".into(), width: 1, height: 1, frames: 1, bytes, note })
    }
}
