//! The exact grammar of clamd's replies to `zINSTREAM` and `zFILDES`.
//!
//! ```text
//! reply  = clean / found / error
//! clean  = source ": OK" NUL
//! found  = source ": " name " FOUND" NUL
//! error  = [source ": "] text " ERROR" NUL
//! source = "stream" / "fd[" 1*DIGIT "]"
//! ```
//! `name` and `text` are not empty and hold no control byte. Anything else, two replies in one included, is nonsense.
//! Source: clamd(8) and clamd/session.c, clamd/scanner.c of ClamAV 1.4.

/// What was asked, which says how the reply begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Stream,
    Descriptor,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Clean,
    /// The name of the signature or heuristic. Not UTF-8 is shown with replacement characters.
    Found(String),
    Error(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("clamd answered nonsense: {0}")]
pub struct Nonsense(pub String);

pub fn parse(asked: Asked, bytes: &[u8]) -> Result<Reply, Nonsense> {
    let nonsense = || Nonsense(shown(bytes));
    let line = bytes.strip_suffix(b"\0").ok_or_else(nonsense)?;
    if line.iter().any(u8::is_ascii_control) {
        return Err(nonsense());
    }
    let body = after_source(asked, line);
    let text = |words: &[u8]| {
        let ok = !words.is_empty() && !words.starts_with(b" ") && !words.ends_with(b" ");
        ok.then(|| String::from_utf8_lossy(words).into_owned()).ok_or_else(nonsense)
    };
    match body {
        Some(b"OK") => Ok(Reply::Clean),
        Some(body) if body.ends_with(b" FOUND") => text(&body[..body.len() - 6]).map(Reply::Found),
        _ => {
            let words = body.unwrap_or(line).strip_suffix(b" ERROR").ok_or_else(nonsense)?;
            text(words).map(Reply::Error)
        }
    }
}

fn after_source(asked: Asked, line: &[u8]) -> Option<&[u8]> {
    match asked {
        Asked::Stream => line.strip_prefix(b"stream: "),
        Asked::Descriptor => {
            let rest = line.strip_prefix(b"fd[")?;
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 {
                return None;
            }
            rest[digits..].strip_prefix(b"]: ")
        }
    }
}

/// At most 120 bytes, escaped.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let end = bytes.len().min(120);
    let more = if bytes.len() > end { "…" } else { "" };
    format!("\"{}{more}\"", bytes[..end].escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn replies() {
        use Asked::{Descriptor as D, Stream as S};
        let found = |n: &str| Some(Reply::Found(n.to_owned()));
        let error = |n: &str| Some(Reply::Error(n.to_owned()));
        let cases: &[(Asked, &str, Option<Reply>)] = &[
            (S, "stream: OK\0", Some(Reply::Clean)),
            (D, "fd[9]: OK\0", Some(Reply::Clean)),
            (S, "stream: Eicar-Test.UNOFFICIAL FOUND\0", found("Eicar-Test.UNOFFICIAL")),
            (D, "fd[12]: Heuristics.Encrypted.Zip FOUND\0", found("Heuristics.Encrypted.Zip")),
            (S, "INSTREAM size limit exceeded. ERROR\0", error("INSTREAM size limit exceeded.")),
            (D, "fd[9]: Not a regular file ERROR\0", error("Not a regular file")),
            (S, "stream: OK FOUND\0", found("OK")),
            (S, "stream: OK", None),
            (S, "stream: OK\n", None),
            (S, "stream: OK\0\0", None),
            (S, "stream: OK\nstream: X FOUND\0", None),
            (S, "stream: OK\0stream: X FOUND\0", None),
            (S, "stream: ok\0", None),
            (S, "stream:OK\0", None),
            (S, "stream: OK \0", None),
            (S, "OK\0", None),
            (S, "fd[9]: OK\0", None),
            (D, "stream: OK\0", None),
            (D, "fd[]: OK\0", None),
            (D, "fd[9: OK\0", None),
            (S, "stream:  FOUND\0", None),
            (S, "stream: FOUND\0", None),
            (S, " ERROR\0", None),
            (S, "UNKNOWN COMMAND\0", None),
            (S, "", None),
        ];
        for (asked, given, want) in cases {
            assert_eq!(parse(*asked, given.as_bytes()).ok(), *want, "{given:?}");
        }
    }

    proptest! {
        #[test]
        fn only_one_spelling_is_clean(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(parse(Asked::Stream, &bytes) == Ok(Reply::Clean), bytes == b"stream: OK\0");
        }

        #[test]
        fn a_clean_reply_with_anything_changed_is_not_clean(at in 0_usize..11, byte in any::<u8>()) {
            let mut bytes = *b"stream: OK\0";
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            prop_assert_ne!(parse(Asked::Stream, &bytes), Ok(Reply::Clean));
        }

        #[test]
        fn names_come_through(name in "[!-~]([ -~]{0,30}[!-~])?", fd in any::<u32>()) {
            let reply = format!("fd[{fd}]: {name} FOUND\0");
            prop_assert_eq!(parse(Asked::Descriptor, reply.as_bytes()), Ok(Reply::Found(name)));
        }

        #[test]
        fn nothing_panics_and_errors_stay_short(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Err(Nonsense(text)) = parse(Asked::Descriptor, &bytes) {
                prop_assert!(text.len() < 600 && text.is_ascii() || text.contains('…'));
            }
        }
    }
}
