//! One name for each media type. Where the IANA registry has a name that is in use, that one.

use super::UNKNOWN;
use magika::TypeInfo;

/// The canonical form of a media type as anybody may write it: parameters dropped, lower case, aliases resolved.
/// `None` where it is no media type at all.
pub(super) fn canonical(written: &str) -> Option<String> {
    let essence = written.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (kind, subtype) = essence.split_once('/')?;
    let token = |s: &str| {
        !s.is_empty()
            && s.len() <= 127
            && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    if !token(kind) || !token(subtype) {
        return None;
    }
    Some(alias(&essence).map_or(essence, str::to_owned))
}

fn alias(name: &str) -> Option<&'static str> {
    ALIASES.iter().find(|(_, others)| others.split(' ').any(|o| o == name)).map(|(canonical, _)| *canonical)
}

/// The media type behind one of magika's labels, or `None` where the label means "no idea".
pub(super) fn of_label(info: &TypeInfo) -> Option<String> {
    match info.label {
        "unknown" | "undefined" | "randombytes" | "empty" | "directory" | "symlink" => return None,
        "randomtxt" => return Some("text/plain".to_owned()),
        _ => {}
    }
    if let Some((_, media_type)) = LABELS.iter().find(|(label, _)| *label == info.label) {
        return Some((*media_type).to_owned());
    }
    canonical(info.mime_type).filter(|name| name != UNKNOWN)
}

/// Labels for which magika's own table has no media type, or one that says less than the label.
const LABELS: &[(&str, &str)] = &[
    ("asp", "text/asp"),
    ("batch", "application/x-bat"),
    ("cat", "application/vnd.ms-pki.seccat"),
    ("dsstore", "application/x-ds-store"),
    ("emf", "image/emf"),
    ("npy", "application/x-npy"),
    ("npz", "application/x-npz"),
    ("nupkg", "application/x-nupkg"),
    ("ocaml", "text/x-ocaml"),
    ("onnx", "application/x-onnx"),
    ("pdb", "application/x-ms-pdb"),
    ("pickle", "application/x-pickle"),
    ("proteindb", "chemical/x-pdb"),
    ("pytorch", "application/x-pytorch"),
    ("snap", "application/x-squashfs"),
    ("sqlite", "application/vnd.sqlite3"),
    ("squashfs", "application/x-squashfs"),
    ("vue", "text/x-source"),
    ("xpi", "application/x-xpinstall"),
];

/// Canonical name, then what else it is called.
const ALIASES: &[(&str, &str)] = &[
    ("image/jpeg", "image/jpg image/pjpeg image/x-jpeg image/x-jpg image/x-citrix-jpeg"),
    ("image/png", "image/x-png image/apng image/vnd.mozilla.apng image/x-citrix-png"),
    ("image/bmp", "image/x-bmp image/x-ms-bmp image/x-windows-bmp"),
    ("image/vnd.microsoft.icon", "image/x-icon image/ico image/icon image/x-ico"),
    ("image/jp2", "image/jpeg2000 image/jpeg2000-image image/x-jpeg2000-image"),
    ("image/tiff", "image/tif image/x-tiff image/x-tif"),
    (
        "image/vnd.adobe.photoshop",
        "image/psd image/x-psd image/photoshop application/x-photoshop application/psd",
    ),
    ("image/svg+xml", "image/svg image/svg-xml"),
    ("image/vnd.dwg", "image/x-dwg application/acad application/x-acad application/x-dwg"),
    ("image/vnd.djvu", "image/x-djvu image/djvu"),
    ("image/vnd.ms-photo", "image/jxr"),
    ("image/icns", "image/x-icns"),
    ("image/wmf", "image/x-wmf application/x-msmetafile"),
    ("image/webp", "image/x-webp"),
    ("audio/wav", "audio/x-wav audio/wave audio/vnd.wave audio/x-pn-wav"),
    ("audio/flac", "audio/x-flac"),
    ("audio/mpeg", "audio/mp3 audio/x-mp3 audio/mpeg3 audio/x-mpeg audio/x-mpeg-3 audio/mpg audio/x-mpg"),
    ("audio/mp4", "audio/m4a audio/x-m4a audio/x-mp4 audio/m4b audio/x-m4b audio/x-m4p"),
    ("audio/aac", "audio/x-aac audio/aacp audio/vnd.dlna.adts audio/x-hx-aac-adts"),
    ("audio/aiff", "audio/x-aiff sound/aiff"),
    ("audio/midi", "audio/mid audio/x-midi audio/x-mid application/x-midi"),
    ("audio/ogg", "audio/x-ogg audio/vorbis audio/x-vorbis+ogg"),
    ("audio/ape", "audio/x-ape audio/x-monkeys-audio"),
    ("video/x-msvideo", "video/avi video/msvideo video/vnd.avi application/x-troff-msvideo"),
    ("video/x-matroska", "video/mkv video/matroska"),
    ("video/x-m4v", "video/m4v"),
    ("video/quicktime", "video/x-quicktime video/mov"),
    ("video/mpeg", "video/mpg video/x-mpeg video/x-mpg video/mp2p"),
    ("video/x-flv", "video/flv"),
    ("video/x-ms-asf", "application/vnd.ms-asf video/x-ms-asf-plugin"),
    ("video/3gpp", "audio/3gpp video/3gp"),
    ("video/3gpp2", "audio/3gpp2"),
    ("application/ogg", "application/x-ogg"),
    ("application/vnd.apple.mpegurl", "application/x-mpegurl audio/mpegurl audio/x-mpegurl"),
    ("image/jls", "image/x-jls"),
    (
        "application/zip",
        "application/x-zip-compressed application/x-zip application/zip-compressed multipart/x-zip",
    ),
    ("application/vnd.rar", "application/x-rar application/x-rar-compressed application/rar"),
    (
        "application/gzip",
        "application/x-gzip application/x-gunzip application/gzip-compressed application/x-tgz application/x-gtar-compressed",
    ),
    ("application/x-bzip2", "application/x-bzip application/bzip2 application/x-bz2"),
    ("application/x-xz", "application/xz"),
    ("application/x-7z-compressed", "application/x-7z application/7z"),
    ("application/x-tar", "application/tar application/x-gtar application/x-ustar"),
    ("application/zstd", "application/x-zstd application/x-zst"),
    ("application/x-lzh-compressed", "application/x-lha application/x-lzh application/x-lzh-archive"),
    ("application/x-iso9660-image", "application/x-cd-image application/x-iso-image"),
    ("application/x-cfb", "application/x-ole-storage application/cdfv2 application/vnd.ms-office"),
    ("application/x-msi", "application/x-windows-installer"),
    ("application/x-unix-archive", "application/x-archive"),
    (
        "application/vnd.debian.binary-package",
        "application/x-deb application/x-debian-package application/x-debian",
    ),
    ("application/x-rpm", "application/x-redhat-package-manager"),
    ("application/pdf", "application/x-pdf text/pdf"),
    ("application/postscript", "application/ps application/eps application/x-eps image/x-eps image/eps"),
    ("application/rtf", "text/rtf text/richtext application/x-rtf"),
    ("application/vnd.sqlite3", "application/x-sqlite3 application/x-sqlite"),
    ("application/vnd.ms-htmlhelp", "application/chm application/x-chm"),
    ("application/x-mobipocket-ebook", "application/vnd.amazon.mobi8-ebook"),
    ("application/vnd.android.dex", "application/x-android-dex application/vnd.android.dey"),
    ("application/vnd.tcpdump.pcap", "application/x-pcap application/cap"),
    ("application/x-apple-diskimage", "application/x-dmg"),
    ("application/x-ms-shortcut", "application/x-mslink"),
    ("application/x-bat", "text/x-msdos-batch application/bat application/x-msdos-batch"),
    ("application/x-powershell", "text/x-powershell"),
    (
        "text/x-shellscript",
        "application/x-sh application/x-shellscript text/x-sh application/x-csh text/x-script.sh",
    ),
    (
        "application/vnd.microsoft.portable-executable",
        "application/x-dosexec application/x-msdownload application/x-ms-dos-executable application/x-msdos-program application/x-exe application/exe application/dos-exe application/x-winexe",
    ),
    (
        "application/x-elf",
        "application/x-executable application/x-executable-elf application/x-sharedlib application/x-pie-executable application/x-object",
    ),
    ("application/x-mach-o", "application/x-mach-binary application/x-mach-o-executable"),
    (
        "application/java-vm",
        "application/java application/x-java-applet application/x-java-class application/x-java",
    ),
    ("application/java-archive", "application/x-java-archive application/x-jar"),
    ("application/x-chrome-extension", "application/x-google-chrome-extension"),
    ("application/vnd.adobe.flash.movie", "application/x-shockwave-flash application/futuresplash"),
    ("application/x-python-bytecode", "application/x-bytecode.python application/x-python-code"),
    ("font/woff", "application/font-woff application/x-font-woff"),
    ("font/woff2", "application/font-woff2"),
    (
        "font/sfnt",
        "application/font-sfnt font/ttf font/otf font/collection application/x-font-ttf application/x-font-otf application/x-font-truetype application/x-font-opentype application/vnd.ms-opentype",
    ),
    ("model/stl", "application/sla application/vnd.ms-pki.stl model/x.stl-ascii model/x.stl-binary"),
    ("application/xml", "text/xml"),
    ("application/json", "text/json application/x-json"),
    ("application/yaml", "text/yaml text/x-yaml application/x-yaml"),
    ("application/sql", "text/sql application/x-sql text/x-sql"),
    ("application/toml", "text/toml"),
    ("application/x-subrip", "text/srt"),
    ("application/x-plist", "application/x-apple-plist"),
    (
        "text/javascript",
        "application/javascript application/x-javascript application/ecmascript text/ecmascript",
    ),
    ("text/csv", "application/csv text/x-csv text/comma-separated-values"),
    ("text/tab-separated-values", "text/tsv"),
    ("text/vbscript", "application/x-vbscript"),
    ("text/x-php", "application/x-php application/x-httpd-php text/php application/php"),
    ("text/markdown", "text/x-markdown"),
    ("text/vcard", "text/x-vcard text/directory"),
    ("text/calendar", "application/ics"),
    (
        "application/octet-stream",
        "binary/octet-stream application/binary application/unknown application/x-unknown application/undefined application/x-binary",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_for_each() {
        for (written, name) in [
            ("image/jpg", Some("image/jpeg")),
            ("IMAGE/JPEG; charset=binary", Some("image/jpeg")),
            (" application/x-zip-compressed ", Some("application/zip")),
            ("audio/x-wav", Some("audio/wav")),
            ("binary/octet-stream", Some(UNKNOWN)),
            ("application/vnd.foo+json", Some("application/vnd.foo+json")),
            ("jpeg", None),
            ("image/", None),
            ("image/*", None),
            ("image/jpeg, text/html", None),
            ("", None),
        ] {
            assert_eq!(canonical(written).as_deref(), name, "{written}");
        }
    }

    #[test]
    fn no_alias_stands_twice_or_is_itself_canonical() {
        let mut seen = std::collections::HashSet::new();
        for (name, others) in ALIASES {
            assert!(seen.insert(*name), "{name}");
            for other in others.split(' ') {
                assert!(seen.insert(other), "{other}");
            }
        }
    }
}
