//! Fields of word documents (ECMA-376 part 1, 17.16) and links of spreadsheets that fetch, or start other programs.

use super::xml::{self, ODD, Piece};

/// What the addresses of the languages begin with, of both editions.
pub(super) const TRANSITIONAL: &str = "http://schemas.openxmlformats.org/";
pub(super) const STRICT: &str = "http://purl.oclc.org/ooxml/";

/// Words by which such fields begin.
const FETCHING: [&str; 8] =
    ["DDE", "DDEAUTO", "INCLUDEPICTURE", "INCLUDETEXT", "IMPORT", "LINK", "RD", "DATABASE"];

pub(super) fn external(part: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    // An instruction may be cut into as many pieces as its writer likes.
    let (mut open, mut instruction) = (Vec::new(), String::new());
    let read = xml::read(part, |piece| match piece {
        Piece::Element(name, attributes) => {
            if name == "ddeLink" || name == "oleLink" {
                found.push(name.clone());
            }
            if name == "fldChar" {
                judge(&std::mem::take(&mut instruction), &mut found);
            }
            for (_, instruction) in attributes.iter().filter(|(key, _)| name == "fldSimple" && key == "instr")
            {
                judge(instruction, &mut found);
            }
            open.push(name);
        }
        Piece::Text(text) if open.last().is_some_and(|name| name == "instrText") => {
            instruction.push_str(&text);
        }
        Piece::Text(_) => {}
        Piece::End => drop(open.pop()),
    });
    judge(&instruction, &mut found);
    if read.is_none() {
        found.push(ODD.to_owned());
    }
    found
}

fn judge(instruction: &str, found: &mut Vec<String>) {
    let upper = instruction.trim().to_uppercase();
    let mut words = upper.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    // Spelt by the numbers of its letters, a field can be any.
    let spelt = first == "QUOTE" && words.next().is_some_and(|word| word.bytes().all(|b| b.is_ascii_digit()));
    if spelt || FETCHING.contains(&first) || upper.contains("DDEAUTO") {
        found.push(instruction.trim().chars().take(200).collect());
    }
}
