//! Checks that cost nothing, and blobs without a disk.

use async_trait::async_trait;
use lazaret::{
    pipeline::{Engines, Examination, Examine, Subject},
    ports::{
        Blobs, Result,
        blobs::{Key, Zone, reader},
    },
    upload::{Check, CheckResult, Plan, verdict::Examined},
};
use lazaret_report::{Coverage, Engine, Report, Unavailable};
use std::{collections::BTreeMap, fs::File, io::Write};

/// Plain text that every check calls clean, unread.
pub struct Clean {
    /// Asked for nothing: there are no pictures.
    pub engines: Engines,
}

#[async_trait]
impl Examine for Clean {
    async fn examine(&self, subject: &Subject<'_>) -> std::result::Result<Examination, Unavailable> {
        let plan = Plan::new("text/plain", &[]);
        let mut results: Vec<_> = [Check::Type, Check::Structure, Check::Antivirus].map(clean).into();
        results.extend(plan.not_applicable());
        results.sort_by_key(|result| result.check);
        let examined = Examined {
            sha256: subject.sha256.to_owned(),
            size: subject.size,
            media_type: "text/plain".to_owned(),
            declared: subject.declared.map(str::to_owned),
            plan,
            results,
            labels: BTreeMap::new(),
            film: None,
            picture: None,
            perceptual_hash: None,
        };
        Ok(Examination { examined, times: Vec::new(), picture: None, film: None, sheet: None })
    }

    fn engines(&self) -> &Engines {
        &self.engines
    }
}

fn clean(check: Check) -> CheckResult {
    let engine = Engine::new("stub", "1");
    CheckResult::looked(check, Report { engine, coverage: Coverage::Complete, findings: Vec::new() })
}

/// The same few bytes under every key; what is published goes nowhere.
pub struct OneFile(File);

pub const BYTES: &[u8] = b"words of a passenger\n";

impl OneFile {
    pub fn new() -> anyhow::Result<Self> {
        let mut file = tempfile::tempfile()?;
        file.write_all(BYTES)?;
        Ok(Self(file))
    }
}

#[async_trait]
impl Blobs for OneFile {
    async fn spool(&self) -> Result<File> {
        Ok(tempfile::tempfile()?)
    }

    async fn put(&self, _: Zone, _: &Key, _: &File) -> Result<()> {
        Ok(())
    }

    async fn open(&self, _: Zone, _: &Key) -> Result<Option<File>> {
        Ok(Some(reader(&self.0)?))
    }

    async fn remove(&self, _: Zone, _: &Key) -> Result<()> {
        Ok(())
    }

    async fn list(&self, _: Zone, _: &str, _: usize) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    async fn free_bytes(&self) -> Result<Option<u64>> {
        Ok(None)
    }
}
