//! A source over SRT. libsrt's own program speaks it, as an outpost: it calls the address that was checked here, and what it
//! hears comes through a pipe, a transport stream as any other.

pub mod asked;

use super::{
    piece::Out,
    place::{CONNECT, Rules},
    trouble::Trouble,
};
use asked::Asked;
use bytes::Bytes;
use lazaret_sandbox::{Outpost, Posted};
use std::{os::unix::process::ExitStatusExt, path::PathBuf, process::ExitStatus, time::Duration};
use tokio::time::{Instant, timeout};
use url::Url;

/// Bytes that are read at a time.
const SIP: usize = 64 << 10;
/// Addresses of one name that are called, one after another.
const ADDRESSES: usize = 4;
/// A connection is made or refused within this, and nothing comes before.
const CALLING: Duration = Duration::from_secs(5);
/// How often it is looked at while nothing comes.
const LOOK: Duration = Duration::from_millis(250);
/// For the program to say which version it is.
const VERSION: Duration = Duration::from_secs(10);

/// What speaks SRT for this process.
#[derive(Debug, Clone)]
pub struct Caller {
    outpost: Outpost,
    program: PathBuf,
}

impl Caller {
    /// `program` is a path, or a name that is looked up on `PATH`; an empty one is none.
    pub fn new(outpost: Outpost, program: PathBuf) -> Self {
        Self { outpost, program }
    }

    /// Where the program is. The error says what to do.
    pub fn program(&self) -> Result<PathBuf, String> {
        if self.program.as_os_str().is_empty() {
            return Err("streams.srt is empty, which switches SRT off".to_owned());
        }
        let missing = || {
            format!(
                "{} is not found: install srt-tools, or name its srt-live-transmit in streams.srt",
                self.program.display()
            )
        };
        let found = if self.program.components().count() > 1 {
            Some(self.program.clone())
        } else {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).map(|folder| folder.join(&self.program)).find(|path| path.is_file())
        };
        // As it is found from any folder, and behind any link, for nothing else may be opened.
        found.and_then(|path| path.canonicalize().ok()).filter(|path| path.is_file()).ok_or_else(missing)
    }

    /// Its version, as it says confined as it will be.
    pub async fn version(&self) -> Result<String, String> {
        let program = self.program()?;
        let asking = async {
            let mut posted = self.outpost.start(&program, &["-version".to_owned()]).await?;
            let (mut all, mut piece) = (Vec::new(), [0; 1024]);
            while let read @ 1.. = posted.more(&mut piece).await? {
                all.extend_from_slice(&piece[..read]);
                if all.len() > SIP {
                    break;
                }
            }
            let (status, words) = posted.ended().await;
            std::io::Result::Ok((status, String::from_utf8_lossy(&all).into_owned() + &words))
        };
        let asked = timeout(VERSION, asking).await;
        let (status, said) = match asked {
            Ok(Ok(said)) => said,
            Ok(Err(error)) => return Err(format!("{} cannot be started: {error}", program.display())),
            Err(_) => return Err(format!("{} does not say its version", program.display())),
        };
        let version = said
            .split_whitespace()
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'));
        version.map(|version| format!("{version} {}", program.display())).ok_or_else(|| {
            format!("{} cannot be used: {}: {}", program.display(), ended(status), said.trim())
        })
    }
}

fn ended(status: Option<ExitStatus>) -> String {
    status.map_or_else(|| "it lives on".to_owned(), |status| status.to_string())
}

/// Plays it until it is over.
pub async fn play(
    caller: &Caller,
    rules: &Rules,
    url: &Url,
    stall: Duration,
    out: &Out,
) -> Result<(), Trouble> {
    let asked = Asked::read(url).map_err(|why| Trouble::new("source.forbidden", why))?;
    let program = caller.program().map_err(|why| Trouble::new("source.child", why))?;
    let (host, port) = asked.place();
    let found = timeout(CONNECT, rules.resolve(host, port)).await;
    let found =
        found.unwrap_or_else(|_| Err(Trouble::unreachable(format!("{host} has no address in time"))))?;
    let mut last = Err(Trouble::private(host));
    for address in found.into_iter().take(ADDRESSES) {
        let words = ["-quiet", "-autoreconnect:no", &asked.told(address), "file://con"].map(str::to_owned);
        let posted = caller.outpost.start(&program, &words).await;
        let posted = posted.map_err(|e| Trouble::new("source.child", format!("it cannot be called: {e}")))?;
        last = heard(posted, &asked, stall, out).await;
        if !last.as_ref().is_err_and(|trouble| trouble.code == "source.unreachable") {
            break;
        }
    }
    last
}

async fn heard(mut posted: Posted, asked: &Asked, stall: Duration, out: &Out) -> Result<(), Trouble> {
    let mut buffer = vec![0; SIP];
    let (mut any, mut since) = (false, Instant::now());
    let lives = loop {
        match timeout(LOOK, posted.more(&mut buffer)).await {
            Ok(Ok(0)) => break false,
            Ok(Ok(read)) => {
                any = true;
                out.bytes(Bytes::copy_from_slice(&buffer[..read])).await?;
                since = Instant::now();
            }
            Ok(Err(error)) => return Err(Trouble::new("source.child", error.to_string())),
            // It may wait on where it was refused at once.
            Err(_) if !any && refused(&posted.complaints()).is_some() => break true,
            Err(_) if since.elapsed() >= if any { stall } else { stall + CALLING } => break true,
            Err(_) => {}
        }
    };
    let (status, words) = if lives { posted.end().await } else { posted.ended().await };
    let words = asked.hide(&words);
    if !words.is_empty() {
        let last: String = words.chars().skip(words.chars().count().saturating_sub(1000)).collect();
        tracing::debug!(srt.said = last, "what calls a source complains");
    }
    match refused(&words) {
        Some(why) if !any => Err(Trouble::new("source.refused", why)),
        _ if lives => Err(Trouble::stalled(stall.as_secs())),
        _ => outcome(any, status, &words),
    }
}

/// Why the call was refused, if it was, by what the program logs (srt_rejectreason_str); what a server says itself is not among
/// that.
fn refused(words: &str) -> Option<&'static str> {
    let is = |reason| words.contains(reason);
    match () {
        () if is("Incorrect passphrase") => Some("the passphrase is refused"),
        () if is("Password required") => Some("it wants a passphrase, or none"),
        () if is("REJECT") => Some("it refuses the call"),
        () => None,
    }
}

/// Of one that has ended: whether anything came, how it ended, and what it complained of.
fn outcome(any: bool, status: Option<ExitStatus>, words: &str) -> Result<(), Trouble> {
    let crashed = |how: String| Err(Trouble::new("source.child", format!("what calls it ended by {how}")));
    match status {
        None => return crashed("force".to_owned()),
        Some(status) if status.signal().is_some() => return crashed(status.to_string()),
        Some(_) if any => return Ok(()),
        Some(_) => {}
    }
    match status {
        Some(status) if !status.success() => {
            let line = words.lines().rev().find(|line| !line.is_empty()).unwrap_or_default();
            crashed(format!("{status}: {line}"))
        }
        _ => Err(Trouble::unreachable("nobody answers over SRT")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn how_it_ended_says_what_the_trouble_was() {
        let of = |any, status, words| {
            outcome(any, Some(ExitStatus::from_raw(status)), words).map_err(|trouble| trouble.code)
        };
        let refused = "13:20:36/SRT:RcvQ:w1!W:SRT.cn: processAsyncConnectRequest: REJECT reported from HS processing: \
            Incorrect passphrase - not processing further";
        assert_eq!(of(true, 0, ""), Ok(()));
        assert_eq!(of(true, 31, ""), Err("source.child"));
        assert_eq!(of(false, 0, ""), Err("source.unreachable"));
        assert_eq!(super::refused(refused), Some("the passphrase is refused"));
        assert!(super::refused("REJECT reported from HS processing: Peer").is_some());
        assert_eq!(super::refused("13:20:36/SRT:RcvQ:w1*E:SRT.qr: a packet that is late"), None);
        assert_eq!(of(false, 255 << 8, "ERROR: x"), Err("source.child"));
        assert_eq!(outcome(false, None, "").unwrap_err().code, "source.child");
    }

    fn caller(program: &Path) -> Caller {
        let outpost = Outpost::new("/nowhere".into(), lazaret_sandbox::Confinement::Enforced);
        Caller::new(outpost, program.to_owned())
    }

    #[test]
    fn a_program_that_is_not_there_is_told_with_what_to_do() {
        for missing in ["no-such-program", "/no/such/program", "/etc"] {
            let why = caller(Path::new(missing)).program().unwrap_err();
            assert!(why.contains("srt-tools") && why.contains("streams.srt"), "{why}");
        }
        assert!(caller(Path::new("")).program().unwrap_err().contains("streams.srt"));
        let own = std::env::current_exe().unwrap();
        assert_eq!(caller(&own).program().unwrap(), own.canonicalize().unwrap());
        assert!(caller(Path::new("sh")).program().unwrap().is_absolute());
    }
}
