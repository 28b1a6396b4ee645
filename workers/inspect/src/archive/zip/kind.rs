//! Which kind of file a ZIP archive is, told from its members.

use super::super::input::{Input, Stop};
use super::super::log::Log;
use super::Member;
use crate::content::is_kind_of;

/// The kinds that are told apart by what they must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Files of their own, or a kind that nothing here knows.
    Plain,
    /// ECMA-376, told apart by the folder of the main part.
    Word,
    Sheet,
    Slides,
    Visio,
    /// OASIS OpenDocument: the first member says so.
    OpenDocument,
    Epub,
    Jar,
    Apk,
}

impl Kind {
    /// The kind that a canonical media type names.
    pub(in crate::archive) fn of(media_type: &str) -> Option<Self> {
        KINDS
            .iter()
            .find(|(_, types, _)| types.iter().any(|name| is_kind_of(media_type, name)))
            .map(|(kind, ..)| *kind)
    }

    /// Its members are parts of one document.
    pub fn is_document(self) -> bool {
        !matches!(self, Self::Plain | Self::Jar | Self::Apk)
    }

    pub fn is_ooxml(self) -> bool {
        matches!(self, Self::Word | Self::Sheet | Self::Slides | Self::Visio)
    }

    fn words(self) -> &'static str {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or("no kind that is known", |(_, _, words)| words)
    }

    /// Notes where the members are not those of what the file passes for.
    pub(super) fn hold_against(self, media_type: &str, log: &mut Log) {
        let passes_for = Self::of(media_type);
        let told = match (self, passes_for) {
            // A library of resources has a manifest and no code.
            (Self::Jar, Some(Self::Apk)) | (Self::Plain, Some(Self::Jar)) => true,
            // A kind that nothing here knows may look like one that is.
            (Self::Plain, None) => true,
            (_, None) => media_type != "application/zip" && self != Self::Jar && self != Self::Apk,
            (kind, Some(other)) => kind == other,
        };
        if !told {
            log.add("structure.kind", format!("its members are those of {}", self.words()), 0, 0);
        }
        if matches!(self, Self::Jar | Self::Apk) {
            log.add("structure.executable", format!("{} runs when it is opened", self.words()), 0, 0);
        }
    }

    /// Notes what a member's place in a document gives away.
    pub(super) fn judge(self, name: &str, log: &mut Log) {
        let name_lower = name.to_lowercase();
        let under = |folder: &str| name_lower.contains(folder);
        if name_lower.ends_with("vbaproject.bin") || under("macrosheets/") {
            log.member("structure.macro", name, "holds macros");
        }
        if self == Self::OpenDocument
            && (name_lower.starts_with("basic/") || name_lower.starts_with("scripts/"))
        {
            log.member("structure.macro", name, "holds macros");
        }
        let object = self.is_ooxml() && (under("/embeddings/") || under("/activex/"));
        if object && !name_lower.ends_with('/') {
            log.member("structure.object", name, "is an object embedded in the document");
        }
    }
}

const KINDS: &[(Kind, &[&str], &str)] = &[
    (
        Kind::Word,
        &["application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
        "a word document",
    ),
    (Kind::Sheet, &["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"], "a spreadsheet"),
    (
        Kind::Slides,
        &["application/vnd.openxmlformats-officedocument.presentationml.presentation"],
        "a presentation",
    ),
    (
        Kind::Visio,
        &[
            "application/vnd.ms-visio.drawing",
            "application/vnd.ms-visio.drawing.main+xml",
            "application/vnd.visio",
        ],
        "a visio drawing",
    ),
    (
        Kind::OpenDocument,
        &[
            "application/vnd.oasis.opendocument.text",
            "application/vnd.oasis.opendocument.spreadsheet",
            "application/vnd.oasis.opendocument.presentation",
            "application/vnd.oasis.opendocument.graphics",
        ],
        "an opendocument file",
    ),
    (Kind::Epub, &["application/epub+zip"], "an electronic book"),
    (Kind::Jar, &["application/java-archive"], "a java archive"),
    (Kind::Apk, &["application/vnd.android.package-archive"], "an android package"),
];

/// Tells the kind. `members` stand in the order of their data.
pub(super) fn of(input: &mut Input<'_>, members: &[Member]) -> Result<Kind, Stop> {
    let has = |name: &str| members.iter().any(|member| member.name.eq_ignore_ascii_case(name));
    let ends = |end: &str| members.iter().any(|member| member.name.to_ascii_lowercase().ends_with(end));
    let under = |folder: &str| members.iter().any(|member| member.name.starts_with(folder));
    // OpenDocument 1.2 part 3, 3.3, and EPUB OCF 3.3, 4.3: first, stored, and named so.
    let mimetype = members.iter().find(|member| member.name == "mimetype" && member.method == 0);
    if let Some(member) = mimetype.filter(|member| member.packed < 256) {
        let told = input.bytes(member.data, usize::try_from(member.packed).unwrap_or(0))?;
        if told.starts_with(b"application/vnd.oasis.opendocument.") {
            return Ok(Kind::OpenDocument);
        }
        if told.trim_ascii() == b"application/epub+zip" {
            return Ok(Kind::Epub);
        }
    }
    Ok(if has("[Content_Types].xml") && under("word/") {
        Kind::Word
    } else if has("[Content_Types].xml") && under("xl/") {
        Kind::Sheet
    } else if has("[Content_Types].xml") && under("ppt/") {
        Kind::Slides
    } else if has("[Content_Types].xml") && under("visio/") {
        Kind::Visio
    } else if has("AndroidManifest.xml") && ends(".dex") {
        Kind::Apk
    } else if has("META-INF/MANIFEST.MF") && ends(".class") {
        Kind::Jar
    } else {
        Kind::Plain
    })
}
