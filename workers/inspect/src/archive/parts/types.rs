//! What parts are by the relations that lead to them, and by their content types (ECMA-376 part 2, 9.3 and 10.1.2): what
//! they are called is free.

use super::xml::{self, ODD, Piece};
use super::{EXTERNAL, MACRO, OBJECT, Told};

/// The last words of relations' types, and content types ([MS-OFFMACRO2] 2.2, ECMA-376 part 1, 15.2).
const KINDS: [(&str, &[&str], &[&str]); 3] = [
    (
        MACRO,
        &["vbaproject", "wordvbadata", "xlmacrosheet", "xlintlmacrosheet"],
        &[
            "application/vnd.ms-office.vbaproject",
            "application/vnd.ms-word.vbadata+xml",
            "application/vnd.ms-excel.macrosheet",
            "application/vnd.ms-excel.macrosheet+xml",
            "application/vnd.ms-excel.intlmacrosheet",
            "application/vnd.ms-excel.intlmacrosheet+xml",
        ],
    ),
    (
        OBJECT,
        &["oleobject", "package", "control", "activexcontrolbinary", "afchunk"],
        &[
            "application/vnd.openxmlformats-officedocument.oleobject",
            "application/vnd.ms-office.activex",
            "application/vnd.ms-office.activex+xml",
        ],
    ),
    // What a template holds, and what an add-in loads.
    (EXTERNAL, &["attachedtemplate", "webextension"], &["application/vnd.ms-office.webextension+xml"]),
];

/// What a relation of this type leads to.
pub(super) fn of_relation(kind: &str) -> Option<&'static str> {
    let last = kind.trim().rsplit('/').next()?.to_ascii_lowercase();
    KINDS.iter().find(|(_, relations, _)| relations.contains(&last.as_str())).map(|(code, ..)| *code)
}

/// What Excel writes in its own binary records ([MS-XLSB] 2.1.7), formulas and links among them. Nothing here reads those.
const BINARY: &str = "application/vnd.ms-excel.";
const TOOLBARS: &str = "application/vnd.ms-excel.attachedtoolbars";

/// The list of content types that a document begins with.
pub(super) fn judge(part: &[u8]) -> Vec<Told> {
    let mut told = Vec::new();
    let read = xml::read(part, |piece| {
        let Piece::Element(_, attributes) = piece else { return };
        for (_, value) in attributes.iter().filter(|(key, _)| key == "ContentType") {
            let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            if let Some((code, ..)) = KINDS.iter().find(|(_, _, types)| types.contains(&kind.as_str())) {
                told.push((*code, kind));
            } else if kind.starts_with(BINARY) && !kind.ends_with("+xml") && kind != TOOLBARS {
                told.push((EXTERNAL, format!("{ODD}, in {kind}")));
            }
        }
    });
    if read.is_none() {
        told.push((EXTERNAL, ODD.to_owned()));
    }
    told
}
