//! One file: opened, hashed, examined, judged.

use super::walk::Entry;
use crate::{
    pipeline::{Examiner, Judge, Subject, digest},
    upload::{
        Check, CheckResult, Plan, Verdict,
        policy::Policy,
        verdict::{Examined, VerdictDetail},
    },
};
use rustix::fs::{Mode, OFlags};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

pub(super) struct Scanned {
    pub(super) path: PathBuf,
    pub(super) detail: VerdictDetail,
    pub(super) took: Duration,
}

pub(super) async fn scan(entry: Entry, examiner: &Examiner, policy: &Policy) -> Scanned {
    let began = Instant::now();
    let (path, verdict) = match entry {
        Entry::Unreadable(path, why) => (path, unreadable(policy, &why)),
        Entry::File(path) => match read(&path, examiner, policy).await {
            Ok(verdict) => (path, verdict),
            Err(error) => {
                let verdict = unreadable(policy, &error.to_string());
                (path, verdict)
            }
        },
    };
    Scanned { path, detail: verdict, took: began.elapsed() }
}

async fn read(path: &Path, examiner: &Examiner, policy: &Policy) -> io::Result<VerdictDetail> {
    let file = open(path)?;
    let (sha256, size) = digest(&file).await?;
    let filename = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let filename = filename.as_deref();
    let judge = Some(Judge { policy, tenant: "" });
    let subject = Subject { file: &file, size, sha256: &sha256, declared: None, filename, judge };
    // With Patience::GoOn no engine's trouble comes back as an error, but as failed coverage.
    let examination = examiner.examine(&subject).await.map_err(io::Error::other)?;
    let opinion = policy.judge(&examination.examined, filename, "");
    Ok(Verdict::reach(examination.examined, opinion, policy.version().clone()).detail())
}

/// Opens what was seen to be a regular file, and looks again: it may have been swapped for a link or a pipe.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file any more")) }
}

fn unreadable(policy: &Policy, why: &str) -> VerdictDetail {
    let media_type = "application/octet-stream".to_owned();
    let plan = Plan::new(&media_type, &[]);
    let failed = |check| CheckResult::failed(check, None, "io.unreadable", why);
    let mut results: Vec<CheckResult> =
        Check::ALL.into_iter().filter(|check| plan.requires(*check)).map(failed).collect();
    results.extend(plan.not_applicable());
    let examined = Examined {
        sha256: String::new(),
        size: 0,
        media_type,
        declared: None,
        plan,
        results,
        labels: Default::default(),
        film: None,
        picture: None,
        perceptual_hash: None,
    };
    Verdict::unreadable(examined, policy.version().clone()).detail()
}
