//! A line a file, for people or as JSON, and a progress bar where a person watches.

use super::one::Scanned;
use crate::{
    cli::output::{Paint, printable},
    upload::verdict::VerdictDetail,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

pub(super) struct Printer {
    json: bool,
    paint: Paint,
    bar: ProgressBar,
    counts: [u64; 3],
}

#[derive(Serialize)]
struct Line<'a> {
    path: String,
    #[serde(flatten)]
    detail: &'a VerdictDetail,
    elapsed_ms: u64,
}

impl Printer {
    pub(super) fn new(json: bool, files: usize) -> Self {
        let watched = io::stderr().is_terminal() && files > 1;
        let target = if watched { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(u64::try_from(files).ok(), target);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} files, {elapsed}, {eta} left");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self { json, paint: Paint::stdout(), bar, counts: [0; 3] }
    }

    pub(super) fn print(&mut self, scanned: &Scanned) -> io::Result<()> {
        self.counts[scanned.detail.verdict as usize] += 1;
        let text = if self.json { self.as_json(scanned)? } else { self.as_text(scanned) };
        self.bar.suspend(|| writeln!(io::stdout().lock(), "{text}"))?;
        self.bar.inc(1);
        Ok(())
    }

    pub(super) fn finish(self) -> io::Result<()> {
        self.bar.finish_and_clear();
        let [publish, review, quarantine] = self.counts;
        if !self.json && publish + review + quarantine != 1 {
            let all = format!("{publish} to publish, {review} to review, {quarantine} to quarantine");
            writeln!(io::stdout().lock(), "{}", self.paint.faint(&all))?;
        }
        Ok(())
    }

    fn as_json(&self, scanned: &Scanned) -> io::Result<String> {
        let path = scanned.path.to_string_lossy().into_owned();
        let elapsed_ms = u64::try_from(scanned.took.as_millis()).unwrap_or(u64::MAX);
        Ok(serde_json::to_string(&Line { path, detail: &scanned.detail, elapsed_ms })?)
    }

    fn as_text(&self, scanned: &Scanned) -> String {
        let detail = &scanned.detail;
        let path = printable(&scanned.path.to_string_lossy());
        let mut line =
            format!("{} {:<28} {path}", self.paint.decision(detail.verdict), detail.r#type.media_type);
        if detail.verdict != crate::upload::Decision::Publish {
            line.push_str(&self.paint.faint(&format!("  {}", because(detail))));
        }
        line
    }
}

/// The reasons, each with what explains it best.
fn because(detail: &VerdictDetail) -> String {
    let explain = |reason: &String| {
        let finding = detail.findings.iter().find(|f| f.code == *reason).map(|f| f.detail.clone());
        let gap = || {
            let check = reason.strip_prefix("coverage.")?.split('.').next()?;
            detail.checks.iter().find(|c| c.check == check && c.coverage != "complete")?.why.clone()
        };
        match finding.or_else(gap) {
            Some(why) => format!("{reason} ({})", printable(&why)),
            None => reason.clone(),
        }
    };
    detail.reasons.iter().map(explain).collect::<Vec<_>>().join(", ")
}
