//! Which fonts a text needs: as few as cover it, found by their character maps, so that hundreds of installed fonts cost
//! a look at their tables and only the chosen ones are loaded.

use crate::MarkError;
use cosmic_text::fontdb::{Database, FaceInfo, ID, Source, Stretch, Style, Weight};
use cosmic_text::skrifa::{FontRef, MetadataProvider};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where Debian and most other systems keep fonts, most wanted first. The face that covers most texts comes before its
/// folder: a child that is started for every file would look through hundreds each time.
const PLACES: [&str; 6] = [
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/truetype/noto",
    "/usr/share/fonts/opentype/noto",
    "/usr/share/fonts/truetype/dejavu",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
];

/// The well-known fonts and folders of fonts that exist here, most wanted first.
pub fn default_fonts() -> Vec<PathBuf> {
    PLACES.iter().map(PathBuf::from).filter(|place| place.exists()).collect()
}

/// Loads the fonts that cover `text` into a database of their own, in the order of need. All are entered as regular
/// upright faces named `mark 0`, `mark 1` …, because the shaper falls back only among faces of the asked-for weight.
///
/// # Errors
/// A path that cannot be read; a character that no font covers.
pub(super) fn covering(text: &str, paths: &[PathBuf]) -> Result<Database, MarkError> {
    let mut needed: BTreeSet<char> = text.chars().filter(|c| needs_glyph(*c)).collect();
    let mut chosen = Database::new();
    for path in paths {
        let folder = open(path)?;
        let mut candidates = candidates(&folder, &needed);
        while let Some(best) = best(&folder, &candidates, text, &needed) {
            enter(&mut chosen, &folder, best, path)?;
            if let Some((_, covered)) = candidates.iter().find(|(id, _)| *id == best) {
                needed.retain(|c| !covered.contains(c));
            }
            candidates.retain(|(id, _)| *id != best);
        }
        if needed.is_empty() {
            return if chosen.is_empty() { Err(MarkError::NoFonts) } else { Ok(chosen) };
        }
    }
    match text.chars().find(|c| needed.contains(c)) {
        Some(character) if !paths.is_empty() => Err(missing(character)),
        _ => Err(MarkError::NoFonts),
    }
}

/// The error for a character without a glyph, with the Debian package that would bring one.
pub(super) fn missing(character: char) -> MarkError {
    let advice = match character as u32 {
        0x1100..=0x11FF
        | 0x2E80..=0x9FFF
        | 0xA960..=0xA97F
        | 0xAC00..=0xD7FF
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE4F
        | 0xFF00..=0xFFEF
        | 0x20000..=0x3FFFF => "install the package fonts-noto-cjk or give a font that has it",
        0x1F000..=0x1FAFF => "install the package fonts-noto-color-emoji or give a font that has it",
        _ => "install the package fonts-noto-core or give a font that has it",
    };
    MarkError::MissingGlyph { character, advice }
}

fn open(path: &Path) -> Result<Database, MarkError> {
    let bad = |problem: String| MarkError::FontPath { path: path.to_owned(), problem };
    let mut found = Database::new();
    let about = std::fs::metadata(path).map_err(|e| bad(e.to_string()))?;
    if about.is_dir() {
        found.load_fonts_dir(path);
    } else {
        found.load_font_file(path).map_err(|e| bad(e.to_string()))?;
        if found.is_empty() {
            return Err(bad("it is not a font: give a ttf, otf, ttc or otc file".to_owned()));
        }
    }
    Ok(found)
}

/// Every face of the folder with the needed characters that it covers.
fn candidates(folder: &Database, needed: &BTreeSet<char>) -> Vec<(ID, BTreeSet<char>)> {
    let covered = |id: ID| {
        folder.with_face_data(id, |data, index| {
            let font = FontRef::from_index(data, index).ok()?;
            let map = font.charmap();
            Some(needed.iter().copied().filter(|c| map.map(*c).is_some_and(|g| g.to_u32() != 0)).collect())
        })
    };
    folder
        .faces()
        .filter_map(|face| Some((face.id, covered(face.id)??)))
        .filter(|(_, covered): &(ID, BTreeSet<char>)| !covered.is_empty())
        .collect()
}

/// The best face for the first character of the text that still needs one.
fn best(
    folder: &Database,
    candidates: &[(ID, BTreeSet<char>)],
    text: &str,
    needed: &BTreeSet<char>,
) -> Option<ID> {
    text.chars().filter(|c| needed.contains(c)).find_map(|first| {
        candidates
            .iter()
            .filter(|(_, covered)| covered.contains(&first))
            .filter_map(|(id, covered)| {
                let count = covered.iter().filter(|c| needed.contains(*c)).count();
                Some((rank(folder.face(*id)?, count), *id))
            })
            .min_by(|(a, _), (b, _)| a.cmp(b))
            .map(|(_, id)| id)
    })
}

/// Lower is better: text before emoji (an emoji font has digits too), upright, regular, covering most, sans serif with
/// the plainest name.
fn rank(face: &FaceInfo, covered: usize) -> impl Ord + use<> {
    let name = face.post_script_name.clone();
    (
        name.contains("Emoji"),
        face.style != Style::Normal,
        face.weight.0.abs_diff(Weight::NORMAL.0),
        face.stretch.to_number().abs_diff(Stretch::Normal.to_number()),
        Reverse(covered),
        face.monospaced,
        !name.contains("Sans"),
        name.len(),
        name,
    )
}

fn enter(chosen: &mut Database, folder: &Database, id: ID, path: &Path) -> Result<(), MarkError> {
    let Some(face) = folder.face(id) else { return Ok(()) };
    // Read, not mapped: a font file replaced in place must not pull the pages away under the shaper.
    let data = match &face.source {
        Source::File(file) => std::fs::read(file)
            .map_err(|e| MarkError::FontPath { path: file.clone(), problem: e.to_string() })?,
        _ => {
            return Err(MarkError::FontPath {
                path: path.to_owned(),
                problem: "it is not a file".to_owned(),
            });
        }
    };
    let name = family(chosen.len());
    chosen.push_face_info(FaceInfo {
        id: ID::dummy(),
        source: Source::Binary(Arc::new(data)),
        index: face.index,
        families: face.families.iter().take(1).map(|(_, language)| (name.clone(), *language)).collect(),
        post_script_name: name,
        style: Style::Normal,
        weight: Weight::NORMAL,
        stretch: Stretch::Normal,
        monospaced: false,
    });
    Ok(())
}

/// The family name under which the chosen face number `index` is entered.
pub(super) fn family(index: usize) -> String {
    format!("mark {index}")
}

/// Whether a character must be in a font: not white space, and not one of Unicode's default ignorables (joiners, bidi
/// marks, variation selectors), which shape their neighbours and show nothing.
pub(super) fn needs_glyph(c: char) -> bool {
    !c.is_whitespace()
        && !c.is_control()
        && !matches!(c as u32,
            0xAD | 0x34F | 0x61C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
            | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0
            | 0xFFF0..=0xFFF8 | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}
