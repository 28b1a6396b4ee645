//! What tools say of published files that Lazaret does not use: ImageMagick of pictures, and qpdf of PDF. Of both a warning
//! counts. And what FFmpeg's program, whose libraries Lazaret does use, says of films when it takes them apart.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

/// A file as it was served.
#[derive(Debug, Clone)]
pub struct Kept {
    pub path: PathBuf,
    pub media_type: String,
}

impl Kept {
    pub fn is_film(&self) -> bool {
        self.media_type.starts_with("video/")
    }
}

/// Pictures that ImageMagick gets at a time: it holds all of them decoded.
const BATCH: usize = 40;

/// A line for each file that is not a whole one of its type.
pub fn invalid<'k>(kept: impl Iterator<Item = &'k Kept>) -> Vec<String> {
    let (mut pictures, mut lines) = (Vec::new(), Vec::new());
    for kept in kept {
        match kept.media_type.as_str() {
            "application/pdf" => lines.extend(complaint("qpdf", &["--check".into(), path(kept)], &[0])),
            _ if kept.is_film() => lines.extend(played(&path(kept))),
            _ => pictures.extend(format_of(kept).map(|format| format!("{format}:{}", path(kept)))),
        }
    }
    for batch in pictures.chunks(BATCH) {
        if decoded(batch).is_some() {
            lines.extend(batch.iter().filter_map(|picture| decoded(std::slice::from_ref(picture))));
        }
    }
    lines
}

/// Every packet is taken out, and all sound is decoded; the first error ends it. Pictures between those that were looked at
/// may be damaged, as they are in films that a camera did not end.
fn played(path: &str) -> Option<String> {
    let played = |how: &str| {
        let arguments = format!("-nostdin -v error -xerror -i {path} {how} -f null -");
        complaint("ffmpeg", &arguments.split(' ').map(str::to_owned).collect::<Vec<_>>(), &[0])
    };
    played("-map 0 -c copy").or_else(|| played("-map 0:v -c:v copy -map 0:a?"))
}

/// ImageMagick's name of a format, by which it takes the file for nothing else.
fn format_of(kept: &Kept) -> Option<&'static str> {
    Some(match kept.media_type.as_str() {
        "image/jpeg" => "jpeg",
        "image/png" => "png",
        "image/gif" => "gif",
        "image/webp" => "webp",
        other if other.starts_with("image/") => {
            panic!("{}: nothing here checks {other}", kept.path.display())
        }
        _ => return None,
    })
}

fn path(kept: &Kept) -> String {
    kept.path.to_str().unwrap().to_owned()
}

/// Decodes every frame and throws it away.
fn decoded(pictures: &[String]) -> Option<String> {
    let mut arguments = vec!["-regard-warnings".to_owned()];
    arguments.extend_from_slice(pictures);
    arguments.push("null:".to_owned());
    complaint("convert", &arguments, &[0])
}

fn complaint(tool: &str, arguments: &[String], fine: &[i32]) -> Option<String> {
    let output = Command::new(tool).args(arguments).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{tool}: {error}; run scripts/setup.sh"));
    let said = String::from_utf8_lossy(&output.stderr);
    let is_fine = output.status.code().is_some_and(|code| fine.contains(&code));
    (!is_fine).then(|| format!("{tool} {}: {}", arguments.join(" "), said.trim()))
}
