//! The door of this half: one file in, one media type and its report out.

use super::magic::{HEAD, Magic};
use super::model::{ContentModel, ModelAnswer};
use super::reconcile::{Content, reconcile};
use super::{UNKNOWN, claim, executable, extension, filename, magic, text};
use crate::quote::quoted;
use lazaret_report::{Coverage, Engine, Finding, Report};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// What others say the file is. Neither is believed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Declared<'a> {
    /// As the sender wrote it, such as a `Content-Type` with parameters.
    pub media_type: Option<&'a str>,
    /// As the sender wrote it; only what follows its last dot counts.
    pub filename: Option<&'a str>,
}

/// What the file is.
#[derive(Debug, Clone, PartialEq)]
pub struct Identified {
    /// Canonical, such as `image/jpeg`; `application/octet-stream` when nobody knows.
    pub media_type: String,
    /// Findings `type.conflict`, `type.mismatch`, `type.extension`, `type.extension.hidden`, `type.extension.double`,
    /// `type.executable`, `type.executable.name`, `type.unknown`, `type.empty`.
    pub report: Report,
}

/// Identifies a file by its magic bytes and the content model together. Reads its first 8 KiB and what the model
/// wants, by position.
///
/// # Errors
/// What reading the file or running the model gives; the caller must take either as failed coverage.
pub fn identify(model: &mut ContentModel, file: &File, declared: Declared<'_>) -> io::Result<Identified> {
    let head = read_head(file)?;
    if head.is_empty() {
        return Ok(empty());
    }
    let answer = model.answer(file)?;
    let version = format!("{}/{}", env!("CARGO_PKG_VERSION"), ContentModel::version());
    Ok(judge(&head, Some(&answer), declared, version))
}

/// What firm magic bytes say of a picture, without the model, whose run costs more than all else here. It stands where
/// the walk of the container ([`crate::walk`]) then finds every byte in its place: the model sees but the first and the
/// last 2 KiB of a file, which hold nothing then that the walk did not name. Where the walk finds anything, or does not
/// reach the end, ask [`identify`]. `None`: ask it at once.
pub fn identify_picture(file: &File, declared: Declared<'_>) -> io::Result<Option<Identified>> {
    const WALKED: [&str; 5] = ["image/jpeg", "image/png", "image/apng", "image/gif", "image/webp"];
    let head = read_head(file)?;
    let seen = magic::read(&head).filter(|seen| seen.firm && WALKED.contains(&seen.media_type.as_str()));
    Ok(seen.map(|_| judge(&head, None, declared, env!("CARGO_PKG_VERSION").to_owned())))
}

/// Identifies by the magic bytes alone, without the model: for renditions that we made ourselves. `head` is the
/// beginning of the file, up to 8 KiB of it.
pub fn identify_by_magic(head: &[u8], declared: Declared<'_>) -> Identified {
    if head.is_empty() {
        return empty();
    }
    judge(&head[..head.len().min(HEAD)], None, declared, env!("CARGO_PKG_VERSION").to_owned())
}

fn read_head(file: &File) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD];
    let mut filled = 0;
    while filled < head.len() {
        let offset = u64::try_from(filled).map_err(io::Error::other)?;
        match file.read_at(&mut head[filled..], offset) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    head.truncate(filled);
    Ok(head)
}

fn empty() -> Identified {
    let findings = vec![Finding::new("type.empty", "the file has no bytes")];
    report(UNKNOWN.to_owned(), findings, env!("CARGO_PKG_VERSION").to_owned())
}

fn judge(head: &[u8], answer: Option<&ModelAnswer>, declared: Declared<'_>, version: String) -> Identified {
    let seen = magic::read(head);
    let content = reconcile(seen.as_ref(), answer, text::is_text(head));
    let mut findings = Vec::new();
    findings.extend(conflict(&content, seen.as_ref(), answer));
    findings.extend(against_declared(&content, declared.media_type));
    findings.extend(against_name(&content, declared.filename));
    findings.extend(program(&content));
    findings.extend(declared.filename.iter().flat_map(|name| filename::judge(name, &content.media_type)));
    if content.media_type == UNKNOWN {
        findings
            .push(Finding::new("type.unknown", "neither magic bytes nor content model know this content"));
    }
    report(content.media_type, findings, version)
}

fn report(media_type: String, findings: Vec<Finding>, version: String) -> Identified {
    let engine = Engine::new(crate::ENGINE, version);
    Identified { media_type, report: Report { engine, coverage: Coverage::Complete, findings } }
}

fn conflict(content: &Content, seen: Option<&Magic>, answer: Option<&ModelAnswer>) -> Option<Finding> {
    let (says, seen, answer) = (content.conflict.as_ref()?, seen?, answer?);
    let detail = format!("magic bytes say {}, the content model says {says}", seen.media_type);
    Some(Finding::new("type.conflict", detail).scored(answer.score))
}

fn against_declared(content: &Content, declared: Option<&str>) -> Option<Finding> {
    let claimed = claim::declared(declared).filter(|c| !claim::agrees(&content.media_type, c))?;
    let detail = format!("declared as {}, the content is {}", quoted(&claimed), content.media_type);
    Some(scored(Finding::new("type.mismatch", detail), content.score))
}

fn against_name(content: &Content, filename: Option<&str>) -> Option<Finding> {
    let name = filename?;
    let ext = extension::of(name).filter(|e| !claim::agrees_with_extension(&content.media_type, e))?;
    // The end of a long name is what matters.
    let shown: String = name.chars().skip(name.chars().count().saturating_sub(40)).collect();
    let detail = format!(
        "the name {} ends in {}, the content is {}",
        quoted(&shown),
        quoted(&ext),
        content.media_type
    );
    Some(scored(Finding::new("type.extension", detail), content.score))
}

fn program(content: &Content) -> Option<Finding> {
    let kind = executable::kind(&content.media_type)?;
    let finding = Finding::new("type.executable", format!("the content is {kind} ({})", content.media_type));
    Some(scored(finding, content.score))
}

fn scored(finding: Finding, score: Option<f32>) -> Finding {
    match score {
        Some(score) => finding.scored(score),
        None => finding,
    }
}
