//! Which media types are kinds of which others: a `.docx` is a zip, an SVG is XML is text. An answer that is more
//! specific than another refines it and is no disagreement.

/// The more general type that `name` is a kind of. The names that begin with `*` are no media types: they stand for
/// container families.
pub(super) fn parent(name: &str) -> Option<&'static str> {
    if let Some((_, parent)) = PARENTS.iter().find(|(children, _)| children.split(' ').any(|c| c == name)) {
        return Some(parent);
    }
    if name == TEXT {
        return None;
    }
    if name.starts_with("text/") {
        return Some(TEXT);
    }
    // RFC 6839: a structured syntax suffix names the general type.
    match name.rsplit_once('+') {
        Some((_, "zip")) => Some("application/zip"),
        Some((_, "xml")) => Some("application/xml"),
        Some((_, "json")) => Some("application/json"),
        _ => None,
    }
}

pub(super) const TEXT: &str = "text/plain";

/// `name` and all that it is a kind of. Bounded, so that a slip in the table cannot hang.
fn line(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |n| parent(n)).take(8)
}

/// `a` is `b`, or a kind of it.
pub(crate) fn is_a(a: &str, b: &str) -> bool {
    line(a).any(|n| n == b)
}

/// One of the two is the other, or a kind of it.
pub(super) fn related(a: &str, b: &str) -> bool {
    is_a(a, b) || is_a(b, a)
}

/// The two share a container family, so that a detector may well take one for the other.
pub(super) fn akin(a: &str, b: &str) -> bool {
    line(a).last() == line(b).last()
}

/// The two are so alike that senders use the names for each other: an `.m4a` whose brand says `mp42` is no lie.
pub(super) fn interchangeable(a: &str, b: &str) -> bool {
    LOOSE.iter().any(|family| is_a(a, family) && is_a(b, family))
}

pub(super) fn is_text(name: &str) -> bool {
    is_a(name, TEXT)
}

/// Types whose files always begin with bytes that we know: a file that begins otherwise is none.
pub(super) fn has_magic(name: &str) -> bool {
    const FIRM: &[&str] = &[
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "image/bmp",
        "image/tiff",
        "image/heif",
        "image/avif",
        "image/vnd.adobe.photoshop",
        "application/pdf",
        "application/zip",
        "application/vnd.rar",
        "application/x-7z-compressed",
        "application/gzip",
        "application/x-cfb",
        "audio/flac",
        "audio/wav",
        "application/ogg",
        "video/x-matroska",
        "video/x-msvideo",
        "font/woff",
        "font/woff2",
        "application/x-elf",
        "application/vnd.microsoft.portable-executable",
    ];
    FIRM.iter().any(|firm| is_a(name, firm))
}

const LOOSE: &[&str] = &[
    "*iso-av",
    "*asf",
    "*tiff-raw",
    "application/ogg",
    "video/x-matroska",
    "*mpeg",
    "*postscript",
    "*jpeg2000",
];

/// Children, separated by spaces, and their parent.
const PARENTS: &[(&str, &str)] = &[
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document application/vnd.openxmlformats-officedocument.spreadsheetml.sheet application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "*ooxml",
    ),
    (
        "application/vnd.ms-word.document.macroenabled.12 application/vnd.openxmlformats-officedocument.wordprocessingml.template application/vnd.ms-word.template.macroenabled.12",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    (
        "application/vnd.ms-excel.sheet.macroenabled.12 application/vnd.ms-excel.sheet.binary.macroenabled.12 application/vnd.ms-excel.template.macroenabled.12 application/vnd.ms-excel.addin.macroenabled.12 application/vnd.openxmlformats-officedocument.spreadsheetml.template",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    (
        "application/vnd.ms-powerpoint.presentation.macroenabled.12 application/vnd.ms-powerpoint.slideshow.macroenabled.12 application/vnd.ms-powerpoint.template.macroenabled.12 application/vnd.openxmlformats-officedocument.presentationml.slideshow application/vnd.openxmlformats-officedocument.presentationml.template",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    (
        "application/vnd.ms-visio.drawing.main+xml application/vnd.visio application/vnd.ms-visio.drawing",
        "*ooxml",
    ),
    (
        "*ooxml *odf *iwork application/java-archive application/vnd.android.package-archive application/x-xpinstall application/x-nupkg application/x-npz application/epub+zip application/vnd.google-earth.kmz model/3mf image/openraster application/vnd.comicbook+zip application/x-pytorch",
        "application/zip",
    ),
    (
        "application/vnd.oasis.opendocument.text application/vnd.oasis.opendocument.spreadsheet application/vnd.oasis.opendocument.presentation application/vnd.oasis.opendocument.graphics",
        "*odf",
    ),
    ("application/vnd.oasis.opendocument.text-template", "application/vnd.oasis.opendocument.text"),
    (
        "application/vnd.oasis.opendocument.spreadsheet-template",
        "application/vnd.oasis.opendocument.spreadsheet",
    ),
    (
        "application/vnd.oasis.opendocument.presentation-template",
        "application/vnd.oasis.opendocument.presentation",
    ),
    ("application/vnd.oasis.opendocument.graphics-template", "application/vnd.oasis.opendocument.graphics"),
    ("application/vnd.apple.pages application/vnd.apple.numbers application/vnd.apple.keynote", "*iwork"),
    (
        "application/msword application/vnd.ms-excel application/vnd.ms-powerpoint application/x-msi application/vnd.ms-outlook image/vnd.ms-thumb application/vnd.ms-publisher application/vnd.ms-project",
        "application/x-cfb",
    ),
    ("*iso-av *iso-image image/x-canon-cr3", "*iso"),
    ("video/mp4 audio/mp4 video/quicktime video/x-m4v video/3gpp video/3gpp2 video/mj2", "*iso-av"),
    ("image/heif image/avif", "*iso-image"),
    ("image/heic image/heic-sequence image/heif-sequence", "image/heif"),
    ("image/jp2 image/jpx image/jpm image/x-jp2-codestream", "*jpeg2000"),
    ("video/webm audio/webm audio/x-matroska", "video/x-matroska"),
    ("audio/ogg video/ogg audio/opus audio/x-speex", "application/ogg"),
    ("video/x-ms-wmv audio/x-ms-wma video/x-ms-asf", "*asf"),
    ("*tiff-raw image/vnd.ms-photo", "image/tiff"),
    (
        "image/x-adobe-dng image/x-nikon-nef image/x-sony-arw image/x-canon-cr2 image/x-olympus-orf image/x-panasonic-rw2 image/x-pentax-pef",
        "*tiff-raw",
    ),
    ("audio/mpeg video/mpeg audio/aac", "*mpeg"),
    ("application/postscript application/illustrator", "*postscript"),
    ("image/jpeg image/jls", "*jpeg"),
    ("application/vnd.debian.binary-package", "application/x-unix-archive"),
    ("application/x-coff application/x-ms-pdb", "*ms-object"),
    (
        "image/svg+xml application/rdf+xml application/xhtml+xml application/rss+xml application/atom+xml application/x-plist application/gpx+xml application/vnd.google-earth.kml+xml model/vnd.collada+xml",
        "application/xml",
    ),
    (
        "application/x-ipynb+json application/geo+json application/manifest+json model/gltf+json application/ld+json",
        "application/json",
    ),
    (
        "application/xml application/json application/yaml application/toml application/sql application/rtf application/x-subrip application/sgml application/x-ruby application/x-rust application/x-scala application/x-smali application/x-tcl application/typescript application/x-powershell application/x-bat application/x-mimearchive application/x-pem-file application/x-mswinurl application/pgp-keys application/pgp-signature application/mbox message/rfc822 image/vnd.dxf chemical/x-pdb application/x-tex model/obj application/x-desktop application/vnd.apple.mpegurl application/sdp application/x-ffconcat",
        "text/plain",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families() {
        const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        assert!(related("application/zip", DOCX) && related(DOCX, "application/zip"));
        assert!(akin(DOCX, XLSX) && !related(DOCX, XLSX) && !interchangeable(DOCX, XLSX));
        assert!(related("image/svg+xml", "text/plain") && is_text("image/svg+xml"));
        assert!(is_text("text/x-whatever") && !is_text("image/png"));
        assert!(interchangeable("video/mp4", "audio/mp4") && !interchangeable("video/mp4", "image/avif"));
        assert!(akin("video/mp4", "image/avif"));
        assert!(!akin("image/png", "image/jpeg"));
        assert!(is_a("application/vnd.example+json", "application/json"));
    }

    #[test]
    fn every_line_ends() {
        for (children, _) in PARENTS {
            for child in children.split(' ') {
                assert!(line(child).count() < 8, "{child}");
            }
        }
    }
}
