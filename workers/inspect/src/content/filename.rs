//! What a name itself gives away: characters that change how it reads, a second extension that hides the first, and the
//! extension of a script on text that could be one.

use super::{extension, family};
use crate::quote::quoted;
use lazaret_report::Finding;

/// Extensions of what a desktop runs, or a web server, wherever they stand in a name. Not `com`, which ends domains, too.
const RUN: &[&str] = &[
    "exe", "scr", "pif", "cpl", "dll", "msi", "msp", "bat", "cmd", "ps1", "psm1", "vbs", "vbe", "wsf", "wsh",
    "hta", "jse", "lnk", "jar", "apk", "app", "php", "php3", "php4", "php5", "php7", "phtml", "phar", "asp",
    "aspx", "asa", "asax", "ashx", "jsp", "jspx", "cgi", "shtml", "htaccess",
];

/// Extensions by which a desktop runs a text, fetches by it, or opens what it names.
const TEXTS: &[&str] = &[
    "bat",
    "cmd",
    "ps1",
    "psm1",
    "vbs",
    "vbe",
    "js",
    "jse",
    "wsf",
    "wsh",
    "wsc",
    "sct",
    "scf",
    "hta",
    "url",
    "website",
    "reg",
    "inf",
    "iqy",
    "oqy",
    "rqy",
    "dqy",
    "slk",
    "rdp",
    "jnlp",
    "msc",
    "xbap",
    "application",
    "appref-ms",
    "library-ms",
    "search-ms",
    "desktop",
    "command",
    "terminal",
    "webloc",
    "inetloc",
    "fileloc",
];

/// Extensions of programs, and of what holds them.
const PROGRAMS: &[&str] = &[
    "exe", "dll", "scr", "com", "pif", "cpl", "msi", "msp", "msix", "appx", "lnk", "jar", "apk", "sys",
    "ocx", "chm", "gadget", "xll",
];

/// Whether a desktop runs what is opened under a name with this extension, in lower case.
pub(crate) fn is_run(extension: &str) -> bool {
    TEXTS.contains(&extension) || PROGRAMS.contains(&extension)
}

/// Findings `type.extension.hidden`, `type.extension.double` and `type.executable.name`.
pub(super) fn judge(name: &str, content: &str) -> impl Iterator<Item = Finding> {
    [hidden(name), double(name), script(name, content)].into_iter().flatten()
}

/// Embeddings, overrides and isolates of Unicode's bidirectional algorithm: `photo\u{202e}gpj.exe` reads as
/// `photoexe.jpg`. Marks (U+200E and the like) only hint, and stand in honest Arabic and Hebrew names.
fn hidden(name: &str) -> Option<Finding> {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') || c.is_control();
    let shown = quoted(&tail(name));
    name.contains(turns).then(|| {
        Finding::new(
            "type.extension.hidden",
            format!("the name {shown} holds characters that change how it reads"),
        )
    })
}

fn double(name: &str) -> Option<Finding> {
    let shown: String = name.chars().filter(|c| !extension::is_invisible(*c)).collect();
    let last = extension::of(&shown)?;
    let stem = &shown[..shown.to_ascii_lowercase().rfind(&format!(".{last}"))?];
    let inner = extension::of(stem)?;
    let runs = |ext: &str| RUN.contains(&ext);
    let known = |ext: &str| extension::types(ext).next().is_some();
    let hides = runs(&inner) && !runs(&last) && known(&last) || runs(&last) && !runs(&inner) && known(&inner);
    let detail =
        || format!("the name {} ends in two extensions, one of them a program's", quoted(&tail(name)));
    hides.then(|| Finding::new("type.extension.double", detail()))
}

fn script(name: &str, content: &str) -> Option<Finding> {
    let last = extension::of(name)?;
    let runs = TEXTS.contains(&last.as_str()) && family::is_text(content);
    let detail =
        || format!("text that windows or a desktop runs by its name, which ends in {}", quoted(&last));
    runs.then(|| Finding::new("type.executable.name", detail()))
}

/// The end of a long name is what matters.
fn tail(name: &str) -> String {
    name.chars().skip(name.chars().count().saturating_sub(40)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, content, codes) in [
            ("photo.jpg", "image/jpeg", &[][..]),
            ("archive.tar.gz", "application/gzip", &[]),
            ("report.v1.2.pdf", "application/pdf", &[]),
            ("a.example.com.pdf", "application/pdf", &[]),
            ("libx.so.1", "application/x-elf", &[]),
            ("main.rs", "text/x-source", &[]),
            ("main.min.js", "text/x-source", &["executable.name"]),
            ("query.iqy", "text/plain", &["executable.name"]),
            ("table.slk", "text/plain", &["executable.name"]),
            ("desk.rdp", "text/plain", &["executable.name"]),
            ("part.wsc", "application/xml", &["executable.name"]),
            ("app.jnlp", "application/xml", &["executable.name"]),
            ("run.command", "text/plain", &["executable.name"]),
            ("www.example.com", "text/plain", &[]),
            ("invoice.pdf.exe", "application/pdf", &["extension.double"]),
            ("invoice.pdf   .exe ", "application/pdf", &["extension.double"]),
            ("photo.php.jpg", "image/jpeg", &["extension.double"]),
            ("Photo.PHP.JPG", "image/jpeg", &["extension.double"]),
            ("setup.exe.bat", "text/plain", &["executable.name"]),
            ("invoice.pdf\u{200b}.exe", "application/pdf", &["extension.double"]),
            ("photo\u{202e}gpj.exe", "image/jpeg", &["extension.hidden"]),
            ("photo\u{2067}.jpg", "image/jpeg", &["extension.hidden"]),
            ("a\u{0}.jpg", "image/jpeg", &["extension.hidden"]),
            ("\u{5d0}\u{200f}.jpg", "image/jpeg", &[]),
            ("run.bat", "text/plain", &["executable.name"]),
            ("run.hta", "text/html", &["executable.name"]),
            ("run.bat", "image/jpeg", &[]),
            ("noext", "text/plain", &[]),
        ] {
            let found: Vec<_> =
                judge(name, content).map(|f| f.code.trim_start_matches("type.").to_owned()).collect();
            assert_eq!(found, codes, "{name:?}");
        }
    }
}
