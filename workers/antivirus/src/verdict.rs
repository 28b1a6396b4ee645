//! From a reply to a report: whose trouble is it, and what was really looked at?
//!
//! clamd names one match a file. Without `HeuristicScanPrecedence` (off by default, and in our own configuration) it
//! holds heuristic ones back until the scan ends, so a signature wins over a limit or an encrypted member wherever in
//! the archive it stands; a limit or encryption is never hidden by `OK`. The tests hold 1.4.6 to it.

use crate::reply::Reply;
use lazaret_report::{Coverage, Engine, Finding, Report};

pub(crate) const LIMIT: &str = "Heuristics.Limits.Exceeded";
const ENCRYPTED: &str = "Heuristics.Encrypted";

/// `cl_strerror`'s words for limits, and clamd's own for `StreamMaxLength`.
const LIMIT_ERRORS: [&str; 5] =
    ["INSTREAM size limit exceeded", "CL_EMAXREC", "CL_EMAXSIZE", "CL_EMAXFILES", "CL_ETIMEOUT"];

/// `cl_strerror`'s words for a daemon or a machine in trouble, and clamd's own for a request that got lost.
const ENGINE_ERRORS: [&str; 16] = [
    "Can't allocate memory",
    "Can't create temporary",
    "Can't create new file",
    "Can't write to file",
    "Can't unlink file",
    "Can't duplicate file descriptor",
    "Can't map file into memory",
    "Mutex",
    "Null argument",
    "COMMAND READ TIMED OUT",
    "Error condition on fd",
    "No file descriptor received",
    "FILDES: didn't receive file descriptor",
    "Can't read file from stream",
    "Virus database",
    "Engine",
];

pub(crate) fn is_limit_error(text: &str) -> bool {
    LIMIT_ERRORS.iter().any(|known| text.starts_with(known)) || text.ends_with("Time limit reached")
}

/// `Err` is the engine's trouble, in words.
pub(crate) fn report(engine: Engine, reply: Reply) -> Result<Report, String> {
    let (coverage, findings) = match reply {
        Reply::Clean => (Coverage::Complete, vec![]),
        Reply::Found(name) => {
            let shown = escaped(&name);
            let (code, coverage) = if name.starts_with(LIMIT) {
                ("antivirus.limit", Coverage::partial("limit.antivirus", &shown))
            } else if name.starts_with(ENCRYPTED) {
                ("antivirus.encrypted", Coverage::partial("encrypted", &shown))
            } else {
                ("antivirus.infected", Coverage::Complete)
            };
            (coverage, vec![Finding::new(code, shown)])
        }
        Reply::Error(text) if is_limit_error(&text) => {
            let shown = escaped(&text);
            (Coverage::partial("limit.antivirus", &shown), vec![Finding::new("antivirus.limit", shown)])
        }
        Reply::Error(text) if ENGINE_ERRORS.iter().any(|known| text.starts_with(known)) => {
            return Err(format!("clamd answered {}", escaped(&text)));
        }
        Reply::Error(text) => (Coverage::failed("antivirus.error", escaped(&text)), vec![]),
    };
    Ok(Report { engine, coverage, findings })
}

fn escaped(text: &str) -> String {
    let mut shown: String = text.chars().take(200).flat_map(char::escape_debug).collect();
    if text.chars().count() > 200 {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_trouble_it_is() {
        let found = |n: &str| Reply::Found(n.to_owned());
        let error = |n: &str| Reply::Error(n.to_owned());
        for (reply, coverage, finding) in [
            (Reply::Clean, "complete", None),
            (found("Win.Test.EICAR_HDB-1"), "complete", Some("antivirus.infected")),
            (found("Heuristics.Phishing.Email.SpoofedDomain"), "complete", Some("antivirus.infected")),
            (found("Heuristics.Encrypted.Zip"), "encrypted", Some("antivirus.encrypted")),
            (found("Heuristics.Limits.Exceeded.MaxFiles"), "limit.antivirus", Some("antivirus.limit")),
            (error("INSTREAM size limit exceeded."), "limit.antivirus", Some("antivirus.limit")),
            (error("CL_ETIMEOUT: Time limit reached"), "limit.antivirus", Some("antivirus.limit")),
            (error("Can't parse data"), "antivirus.error", None),
            (error("something new"), "antivirus.error", None),
            (error("Can't allocate memory"), "engine", None),
            (error("Can't create temporary file"), "engine", None),
        ] {
            let shown = format!("{reply:?}");
            let (got, codes) = match report(Engine::new("clamav", "1"), reply) {
                Err(_) => ("engine".to_owned(), vec![]),
                Ok(report) => {
                    let coverage = match report.coverage {
                        Coverage::Complete => "complete".to_owned(),
                        Coverage::Partial(why) | Coverage::Failed(why) => why.code,
                    };
                    (coverage, report.findings.into_iter().map(|f| f.code).collect())
                }
            };
            assert_eq!((got.as_str(), codes.first().map(String::as_str)), (coverage, finding), "{shown}");
        }
    }

    #[test]
    fn names_are_escaped_and_cut() {
        let report =
            report(Engine::new("clamav", "1"), Reply::Found(format!("a\u{202e}{}", "x".repeat(300))))
                .unwrap();
        let detail = &report.findings[0].detail;
        assert!(detail.starts_with("a\\u{202e}xxx") && detail.ends_with('…'), "{detail}");
    }
}
