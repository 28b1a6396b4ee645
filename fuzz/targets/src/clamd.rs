//! What clamd answers. One spelling alone is clean.

use crate::choose;
use lazaret_antivirus::fuzzing::{Asked, Reply, parse, version};

pub fn run(data: &[u8]) {
    let Some((asked, reply)) = choose(&[Asked::Stream, Asked::Descriptor], data) else { return };
    match parse(*asked, reply) {
        Ok(Reply::Clean) => assert!(is_clean(*asked, reply), "{reply:?}"),
        Ok(Reply::Found(said) | Reply::Error(said)) => {
            assert!(!said.is_empty() && !said.contains('\0') && !is_clean(*asked, reply), "{said:?}");
        }
        Err(nonsense) => {
            let said = nonsense.to_string();
            assert!(
                !is_clean(*asked, reply) && said.len() < 700 && !said.contains(char::is_control),
                "{said}"
            );
        }
    }
    if let Some(version) = version(reply) {
        assert!(version.is_ascii() && version.contains('/'), "{version:?}");
    }
}

fn is_clean(asked: Asked, reply: &[u8]) -> bool {
    match asked {
        Asked::Stream => reply == b"stream: OK\0",
        Asked::Descriptor => {
            let number = reply.strip_prefix(b"fd[").and_then(|rest| rest.strip_suffix(b"]: OK\0"));
            number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
        }
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let replies: [&[u8]; 9] = [
        b"\0stream: OK\0",
        b"\0stream: Eicar-Test-Signature FOUND\0",
        b"\0stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0",
        b"\0INSTREAM size limit exceeded. ERROR\0",
        b"\x01fd[11]: OK\0",
        b"\x01fd[11]: Eicar-Test-Signature FOUND\0",
        b"\x01fd[11]: Can't allocate memory ERROR\0",
        b"\0ClamAV 1.4.6/27500/Fri Nov 20 07:30:12 2026\0",
        b"\0ClamAV 1.4.6\0",
    ];
    replies.iter().map(|reply| reply.to_vec()).collect()
}
