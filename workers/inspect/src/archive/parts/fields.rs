//! Fields of word documents (ECMA-376 part 1, 17.16), links, queries and formulas of spreadsheets, and actions of
//! presentations that fetch, or start other programs.

use super::xml::{self, ODD, Piece};
use super::{EXTERNAL, MACRO, Told, formulas, vml};

/// What the addresses of the languages begin with: of both editions, and of what Microsoft added.
pub(super) const LANGUAGES: [&str; 3] = [
    "http://schemas.openxmlformats.org/",
    "http://purl.oclc.org/ooxml/",
    "http://schemas.microsoft.com/office/",
];

/// Words by which such fields begin.
const FETCHING: [&str; 8] =
    ["DDE", "DDEAUTO", "INCLUDEPICTURE", "INCLUDETEXT", "IMPORT", "LINK", "RD", "DATABASE"];

/// Elements that say where data come from (18.13 and 18.14, [MS-XLSX] 2.6).
const SOURCES: [&str; 7] = ["ddeLink", "oleLink", "webPr", "dbPr", "olapPr", "oledbPr", "dataFeedPr"];

/// Elements that hold formulas (18.3, 18.2.5, [MS-XLSX] 2.6).
const FORMULAS: [&str; 8] = [
    "f",
    "formula",
    "formula1",
    "formula2",
    "definedName",
    "calculatedColumnFormula",
    "totalsRowFormula",
    "oldFormula",
];

/// Actions on a click, or under the pointer, that do more than turn pages ([MS-OE376] 2.1.1197).
const ACTIONS: [&str; 3] = ["ppaction://program", "ppaction://macro", "ppaction://ole"];

pub(super) fn judge(part: &[u8]) -> Vec<Told> {
    let mut told = Vec::new();
    // An instruction may be cut into as many pieces as its writer likes, and a formula too.
    let (mut open, mut instruction, mut formula) = (Vec::new(), String::new(), String::new());
    let read = xml::read(part, |piece| match piece {
        Piece::Element(name, attributes) => {
            element(&name, &attributes, open.is_empty(), &mut told);
            if name == "fldChar" {
                told.extend(field(&std::mem::take(&mut instruction)));
            }
            open.push(name);
        }
        Piece::Text(text) => match open.last() {
            Some(name) if name == "instrText" => instruction.push_str(&text),
            Some(name) if FORMULAS.contains(&name.as_str()) => formula.push_str(&text),
            _ => {}
        },
        Piece::End => {
            if open.pop().is_some_and(|name| FORMULAS.contains(&name.as_str())) {
                told.extend(formulas::fetching(&std::mem::take(&mut formula)).map(external));
            }
        }
    });
    told.extend(field(&instruction));
    if read.is_none() {
        told.push(external(ODD));
    }
    told
}

fn external(what: &str) -> Told {
    (EXTERNAL, what.chars().take(200).collect())
}

fn element(name: &str, attributes: &[(String, String)], is_root: bool, told: &mut Vec<Told>) {
    if is_root && name == "macrosheet" {
        told.push((MACRO, name.to_owned()));
    }
    // A table that was taken from a text tells where that was.
    let is_source =
        SOURCES.contains(&name) || name == "textPr" && attributes.iter().any(|(key, _)| key == "sourceFile");
    if is_source {
        told.push(external(name));
    }
    for (key, value) in attributes {
        if name == "fldSimple" && key == "instr" {
            told.extend(field(value));
        }
        told.extend(vml::address(name, key, value).map(|address| external(&address)));
        let value = value.trim().to_ascii_lowercase();
        if key == "action" && ACTIONS.iter().any(|action| value.starts_with(action)) {
            told.push(external(&value));
        }
    }
}

fn field(instruction: &str) -> Option<Told> {
    let upper = instruction.trim().to_uppercase();
    let mut words = upper.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    // Spelt by the numbers of its letters, a field can be any.
    let spelt = first == "QUOTE" && words.next().is_some_and(|word| word.bytes().all(|b| b.is_ascii_digit()));
    let fetches = spelt || FETCHING.contains(&first) || upper.contains("DDEAUTO");
    fetches.then(|| external(instruction.trim()))
}
