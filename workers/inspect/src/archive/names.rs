//! What the names of members give away. Names are labels here: nothing is ever written or opened under one.

use super::log::Log;
use crate::content::is_run;

/// Extensions that people take for harmless.
const HARMLESS: &str = " jpg jpeg png gif webp bmp pdf doc docx xls xlsx ppt pptx txt csv mp3 mp4 mov avi htm html \
                        odt ods odp rtf zip ";

/// Longest name that systems take.
const LONGEST: usize = 4096;

/// Notes what is wrong with a member's name.
pub(crate) fn look(name: &str, log: &mut Log) {
    let parts = || name.split(['/', '\\']);
    if parts().any(|part| part.trim_end_matches([' ', '.']).is_empty() && part.starts_with("..")) {
        log.member("structure.path", name, "climbs out of its folder");
    } else if name.starts_with(['/', '\\']) || name.as_bytes().get(1) == Some(&b':') {
        log.member("structure.path", name, "has an absolute path");
    }
    if name.contains('\0') {
        log.member("structure.path", name, "has a zero byte in its name, where some readers end it");
    } else if name.chars().any(deceives) {
        log.member(
            "structure.path",
            name,
            "has characters in its name that do not show, or change what shows",
        );
    }
    if name.is_empty() || name.len() > LONGEST {
        log.member("structure.path", name, "has no name that a system would take");
    }
    let last = parts().next_back().unwrap_or_default().trim_end_matches([' ', '.', '\0']).to_lowercase();
    let mut extensions = last.rsplit('.');
    let (extension, before) = (extensions.next().unwrap_or_default(), extensions.next().unwrap_or_default());
    if last.contains('.') && is_run(extension) {
        log.member("structure.executable", name, "is named as a program");
        if last.matches('.').count() > 1 && HARMLESS.split_whitespace().any(|known| known == before.trim()) {
            log.member("structure.double_extension", name, "is a program named as if it were none");
        }
    }
}

/// Controls, and marks that turn the direction of writing (Unicode, "Trojan Source").
fn deceives(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_give_away() {
        let cases: [(&str, &[&str]); 21] = [
            ("a/b.txt", &[]),
            ("a..b/c...txt", &[]),
            ("word/document.xml", &[]),
            ("../x", &["path"]),
            ("a/..\\x", &["path"]),
            ("a/.. /x", &["path"]),
            ("/etc/passwd", &["path"]),
            ("\\\\host\\share", &["path"]),
            ("C:x", &["path"]),
            ("a\0.txt", &["path"]),
            ("gpj\u{202e}.txt", &["path"]),
            ("", &["path"]),
            ("run.EXE", &["executable"]),
            ("exe", &[]),
            ("invoice.pdf.exe", &["executable", "double_extension"]),
            ("invoice.pdf .scr ", &["executable", "double_extension"]),
            ("jquery.min.js", &["executable"]),
            ("query.iqy", &["executable"]),
            ("a/app.jnlp", &["executable"]),
            ("link.URL", &["executable"]),
            ("setup.msix", &["executable"]),
        ];
        for (name, codes) in cases {
            let mut log = Log::default();
            look(name, &mut log);
            let found: Vec<String> =
                log.finish().1.into_iter().map(|f| f.code.replace("structure.", "")).collect();
            assert_eq!(found, codes, "{name:?}");
        }
    }
}
