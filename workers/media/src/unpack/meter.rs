//! The limits of unpacking, held against what is declared and then against what comes.

use super::partial;
use lazaret_inspect::quoted;
use lazaret_report::Finding;
use lazaret_sandbox::child::MemberSink;
use lazaret_sandbox::{Coverage, MembersRequest, MembersSummary, Why};
use std::io::{self, Read};

const CHUNK: usize = 64 << 10;
/// Bytes of a member that [`Meter::file`] gives back to who asked for them.
const KEPT: usize = 16 << 20;

pub(super) struct Meter<'a> {
    sink: &'a mut dyn MemberSink,
    max_members: u64,
    /// Bytes that may still come, and the limit that says so.
    left: u64,
    limit: &'static str,
    pub(super) listed: u64,
    seen: u64,
    coverage: Coverage,
    findings: Vec<Finding>,
    full: bool,
}

/// What came of one member.
pub(super) enum Taken {
    /// All of it, and its first bytes where they were asked for.
    Whole(Vec<u8>),
    /// A part, and the reason is on record.
    Cut,
}

impl<'a> Meter<'a> {
    pub(super) fn new(sink: &'a mut dyn MemberSink, request: &MembersRequest, size: u64) -> Self {
        let (left, limit) = request.allowance(size);
        Self {
            sink,
            max_members: request.max_members.into(),
            left,
            limit,
            listed: 0,
            seen: 0,
            coverage: Coverage::Complete,
            findings: Vec::new(),
            full: false,
        }
    }

    /// Part of the archive stays unseen.
    pub(super) fn gap(&mut self, coverage: Coverage) {
        let had = std::mem::replace(&mut self.coverage, Coverage::Complete);
        self.coverage = had.and(coverage);
    }

    pub(super) fn find(&mut self, finding: Finding) {
        if self.findings.len() < 32 {
            self.findings.push(finding);
        } else {
            self.gap(Coverage::partial("limit.findings", "there is more to say of the members"));
        }
    }

    /// No more members are taken.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Looks at what is declared, before anything is unpacked: false where that is over a limit already.
    pub(super) fn allows(&mut self, members: u64, bytes: u64) -> bool {
        let over = if members > self.max_members {
            Some(Why::new("limit.members", format!("{members} members, and {} may be", self.max_members)))
        } else if bytes > self.left {
            Some(Why::new(self.limit, format!("it expands to {bytes} bytes, and {} may be", self.left)))
        } else {
            None
        };
        match over {
            Some(why) => {
                self.full = true;
                self.gap(partial(why));
                false
            }
            None => true,
        }
    }

    /// A member that cannot be taken out: it is handed on by its name, without its bytes.
    pub(super) fn refuse(&mut self, name: &str, code: &str, why: &str) -> io::Result<()> {
        if !self.begin(name)? {
            return Ok(());
        }
        let why = Why::new(code, format!("member {} {why}", quoted(name)));
        self.gap(partial(why.clone()));
        self.sink.end(Some(why))
    }

    /// Takes a member out of `content`. `expected` bytes must come, where that is known. Up to `keep` of the first bytes
    /// are given back.
    pub(super) fn file(
        &mut self,
        name: &str,
        content: &mut dyn Read,
        expected: Option<u64>,
        keep: usize,
    ) -> io::Result<Taken> {
        if !self.begin(name)? {
            return Ok(Taken::Cut);
        }
        let mut kept = Vec::new();
        let keep = keep.min(KEPT);
        let mut buffer = vec![0; CHUNK];
        let mut came = 0;
        let why = loop {
            // One byte more than may come shows that more would.
            let most = usize::try_from(self.left.saturating_add(1)).unwrap_or(CHUNK).min(CHUNK);
            let read = match content.read(&mut buffer[..most]) {
                Ok(0) => break None,
                Ok(read) => read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => break Some(Why::new("unreadable", format!("cannot be unpacked: {}", escape(&e)))),
            };
            let allowed = read.min(usize::try_from(self.left).unwrap_or(read));
            self.sink.write_all(&buffer[..allowed])?;
            kept.extend_from_slice(&buffer[..allowed.min(keep - kept.len())]);
            self.left -= allowed as u64;
            came += allowed as u64;
            if allowed < read {
                self.full = true;
                break Some(Why::new(self.limit, "expands to more than is allowed"));
            }
        };
        let short = expected.filter(|expected| *expected != came);
        let why = why.or_else(|| {
            short.map(|expected| {
                Why::new("unreadable", format!("was to hold {expected} bytes and held {came}"))
            })
        });
        let why = why.map(|why| Why::new(&why.code, format!("member {} {}", quoted(name), why.detail)));
        if let Some(why) = &why {
            self.gap(partial(why.clone()));
        }
        let whole = why.is_none();
        self.sink.end(why)?;
        Ok(if whole { Taken::Whole(kept) } else { Taken::Cut })
    }

    fn begin(&mut self, name: &str) -> io::Result<bool> {
        if self.full || self.seen >= self.max_members {
            self.full = true;
            let most = self.max_members;
            self.gap(Coverage::partial("limit.members", format!("more than {most} members, or than fit")));
            return Ok(false);
        }
        self.seen += 1;
        self.sink.begin(name)?;
        Ok(true)
    }

    /// What is left to say. Members that are listed and were not taken out are a gap, whatever the reason.
    pub(super) fn finish(mut self) -> MembersSummary {
        if self.seen < self.listed {
            let detail = format!("{} of {} members were taken out", self.seen, self.listed);
            self.gap(Coverage::partial("members.missing", detail));
        }
        let Self { listed, seen, coverage, findings, .. } = self;
        MembersSummary { listed, seen, coverage, findings }
    }
}

/// Decompressors quote bytes of the file in their messages.
pub(super) fn escape(error: &io::Error) -> String {
    error.to_string().chars().take(200).flat_map(char::escape_debug).collect()
}
