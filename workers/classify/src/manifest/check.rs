//! What the types cannot say of a manifest.

use super::{Manifest, ManifestError, SourceKind};
use std::collections::HashSet;
use std::path::Path;

/// Larger inputs are a mistake: one side is at most this many pixels.
const MAX_SIDE: u32 = 4096;

pub(super) fn check(manifest: &Manifest, path: &Path) -> Result<(), ManifestError> {
    let demand = |ok: bool, key: &str, expected: &str, found: &str| {
        if ok { Ok(()) } else { Err(ManifestError::value(path, key, expected, format!("`{found}`"))) }
    };
    let folder = manifest.folder.file_name().unwrap_or_default().to_string_lossy();
    demand(is_word(&manifest.name), "name", "lower-case letters, digits, `-` and `_`", &manifest.name)?;
    demand(manifest.name == folder, "name", &format!("the folder's name, `{folder}`"), &manifest.name)?;
    for (key, value) in [("version", &manifest.version), ("licence", &manifest.licence)] {
        demand(!value.trim().is_empty(), key, "some text", value)?;
    }
    demand(
        is_file_name(&manifest.file),
        "file",
        "the name of a file in the manifest's folder",
        &manifest.file,
    )?;
    demand(is_sha256(&manifest.sha256), "sha256", "64 lower-case hexadecimal digits", &manifest.sha256)?;
    demand(!manifest.applies_to.is_empty(), "applies_to", "at least one of `image`", "[]")?;
    check_source(manifest, demand)?;
    check_input(manifest, demand)?;

    let labels = &manifest.output.labels;
    demand(!labels.is_empty(), "output.labels", "at least one label", "[]")?;
    let mut seen = HashSet::new();
    for label in labels {
        demand(is_word(label), "output.labels", "lower-case letters, digits, `-` and `_`", label)?;
        demand(seen.insert(label), "output.labels", "each label once", label)?;
    }
    Ok(())
}

fn check_source(
    manifest: &Manifest,
    demand: impl Fn(bool, &str, &str, &str) -> Result<(), ManifestError>,
) -> Result<(), ManifestError> {
    let source = &manifest.source;
    if source.kind == SourceKind::Manual {
        demand(source.note.is_some(), "source.note", "how to get the weights, as kind is `manual`", "")?;
    } else {
        demand(source.package.is_some(), "source.package", "the package's name", "")?;
        demand(source.version.is_some(), "source.version", "the package's exact version", "")?;
    }
    for file in &source.files {
        demand(
            is_sha256(&file.sha256),
            "source.files.sha256",
            "64 lower-case hexadecimal digits",
            &file.sha256,
        )?;
    }
    Ok(())
}

fn check_input(
    manifest: &Manifest,
    demand: impl Fn(bool, &str, &str, &str) -> Result<(), ManifestError>,
) -> Result<(), ManifestError> {
    let input = &manifest.input;
    for (key, side) in [("input.width", input.width), ("input.height", input.height)] {
        demand((1..=MAX_SIDE).contains(&side), key, &format!("1 to {MAX_SIDE}"), &side.to_string())?;
    }
    let scaling = &input.scaling;
    let usable = |x: &f32| x.is_normal();
    let divide_by = &scaling.divide_by;
    demand(usable(divide_by), "input.scaling.divide_by", "a number other than 0", &divide_by.to_string())?;
    demand(
        scaling.std.iter().all(usable),
        "input.scaling.std",
        "three numbers other than 0",
        "0, inf or nan",
    )?;
    demand(
        scaling.mean.iter().all(|x| x.is_finite()),
        "input.scaling.mean",
        "three finite numbers",
        "inf or nan",
    )
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_file_name(text: &str) -> bool {
    Path::new(text).file_name().is_some_and(|name| name == text)
}
