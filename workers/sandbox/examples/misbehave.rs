//! A child that does what its file's media type tells it to, for the tests of the pool.

use lazaret_sandbox::child::{self, FrameSink, Handler};
use lazaret_sandbox::protocol::{FrameHead, FromChild};
use lazaret_sandbox::{
    ChildSetup, Coverage, Picture, PictureRequest, Rendition, RenditionSpec, Report, Variant, Why,
};
use std::fs::File;
use std::io::{self, Read, Write};
use std::process::ExitCode;

struct Misbehave {
    what: String,
    file: Option<File>,
}

fn main() -> ExitCode {
    child::run("misbehave/1", |setup: &ChildSetup| match &setup.mark {
        Some(serde_json::Value::String(why)) => Err(why.clone()),
        _ => Ok(Misbehave { what: String::new(), file: None }),
    })
}

fn report(detail: &str) -> Report {
    let engine = lazaret_report::Engine::new("misbehave", "1");
    Report { engine, coverage: Coverage::partial("test", detail), findings: Vec::new() }
}

/// Writes to the socket past the protocol's own channel.
fn raw(bytes: &[u8]) {
    use std::os::fd::AsFd;
    let fd = io::stdin().as_fd().try_clone_to_owned().unwrap();
    File::from(fd).write_all(bytes).unwrap();
}

fn answer(sequence: u64, message: &FromChild) -> Vec<u8> {
    let head = serde_json::to_vec(message).unwrap();
    let header =
        lazaret_sandbox::protocol::Header { sequence, head_length: head.len() as u32, blob_length: 0 };
    [&header.encode()[..], &head].concat()
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
            "limits" => Ok(std::fs::read_to_string("/proc/self/limits").unwrap_or_default()),
            "status" => Ok(std::fs::read_to_string("/proc/self/status").unwrap_or_default()),
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
        let head = |index| FrameHead { index, delay_ms: 7, variant: Variant::AlphaDropped, target: 0 };
        match self.what.as_str() {
            "frames" => {
                for index in 0..request.max_frames {
                    frames(head(index), &vec![index as f32; length]).map_err(gone)?;
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
            has_alpha: false,
            orientation: 1,
            icc: false,
            coverage: Coverage::Complete,
            decoder: "misbehave".into(),
        })
    }

    fn render(&mut self, _spec: &RenditionSpec, out: &mut dyn Write) -> Result<Rendition, Why> {
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
