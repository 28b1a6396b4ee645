//! What a name's extension promises. A small table of our own: the extensions that uploads carry.

/// The extension of a name as a desktop would see it, lower case: what follows the last dot, after the dots and
/// spaces at the end that Windows drops, and without what is not shown. `None` where there is none, or it is too long to
/// be one.
pub(super) fn of(filename: &str) -> Option<String> {
    let name: String = filename.chars().filter(|c| !is_invisible(*c)).collect();
    let name = name.rsplit(['/', '\\']).next().unwrap_or(&name);
    let name = name.trim_end_matches(|c: char| c == '.' || c.is_whitespace() || c.is_control());
    let (stem, extension) = name.rsplit_once('.')?;
    (!stem.is_empty() && (1..=16).contains(&extension.len())).then(|| extension.to_ascii_lowercase())
}

/// Characters that change how the rest is shown, or that are not shown at all.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{61c}' | '\u{ad}' | '\u{e0000}'..='\u{e007f}' | '\u{fff9}'..='\u{fffb}')
}

/// The media types that an extension may stand for; empty where nobody knows it.
pub(super) fn types(extension: &str) -> impl Iterator<Item = &'static str> {
    let of = |(extensions, types): &(&'static str, &'static str)| {
        extensions.split(' ').any(|e| e == extension).then_some(*types)
    };
    TABLE.iter().find_map(of).unwrap_or_default().split_ascii_whitespace()
}

/// Some extension stands for this type.
pub(super) fn names_type(media_type: &str) -> bool {
    TABLE.iter().any(|(_, types)| types.split(' ').any(|t| t == media_type))
}

const TABLE: &[(&str, &str)] = &[
    ("jpg jpeg jpe jfif jif mpo", "image/jpeg"),
    ("png apng", "image/png"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("bmp dib", "image/bmp"),
    ("ico", "image/vnd.microsoft.icon image/png"),
    ("cur", "image/vnd.microsoft.icon image/x-cursor"),
    ("tif tiff", "image/tiff"),
    ("dng", "image/x-adobe-dng"),
    ("nef nrw", "image/x-nikon-nef"),
    ("arw srf sr2", "image/x-sony-arw"),
    ("cr2", "image/x-canon-cr2"),
    ("cr3", "image/x-canon-cr3"),
    ("orf", "image/x-olympus-orf"),
    ("rw2", "image/x-panasonic-rw2"),
    ("raf", "image/x-fuji-raf"),
    ("pef", "image/x-pentax-pef"),
    ("heic heif hif", "image/heif"),
    ("avif avifs", "image/avif"),
    ("jxl", "image/jxl"),
    ("jxr wdp hdp", "image/vnd.ms-photo"),
    ("jp2 j2k", "image/jp2 image/x-jp2-codestream"),
    ("j2c jpc", "image/x-jp2-codestream"),
    ("jpx jpf", "image/jpx"),
    ("jpm", "image/jpm"),
    ("mj2 mjp2", "video/mj2 image/jp2"),
    ("psd psb", "image/vnd.adobe.photoshop"),
    ("svg", "image/svg+xml"),
    ("svgz", "application/gzip"),
    ("xcf", "image/x-xcf"),
    ("bpg", "image/bpg"),
    ("djvu djv", "image/vnd.djvu"),
    ("dwg", "image/vnd.dwg"),
    ("dxf", "image/vnd.dxf"),
    ("dcm dicom", "application/dicom"),
    ("icns", "image/icns"),
    ("tga", "image/x-tga"),
    ("emf", "image/emf"),
    ("wmf", "image/wmf"),
    ("eps", "application/postscript"),
    ("ps", "application/postscript"),
    ("ai", "application/pdf application/postscript"),
    ("mp4 mp4v mpg4", "video/mp4"),
    ("m4v", "video/x-m4v"),
    ("m4a m4b m4p m4r f4a f4b", "audio/mp4"),
    ("f4v f4p", "video/mp4 video/x-flv"),
    ("mov qt", "video/quicktime"),
    ("3gp 3gpp", "video/3gpp"),
    ("3g2 3gpp2", "video/3gpp2"),
    ("mkv mk3d mka mks", "video/x-matroska"),
    ("webm weba", "video/webm"),
    ("avi", "video/x-msvideo"),
    ("m3u8 m3u", "application/vnd.apple.mpegurl"),
    ("mpd", "application/dash+xml"),
    ("sdp", "application/sdp"),
    ("ffconcat ffcat", "application/x-ffconcat"),
    ("jls", "image/jls"),
    ("wmv asf wma", "video/x-ms-asf"),
    ("flv", "video/x-flv"),
    ("mpg mpeg mpe m2v mp1 mp2 mp3 mpa m1v vob aac adts", "audio/mpeg video/mpeg audio/aac"),
    ("ogg oga ogv ogx ogm opus spx", "application/ogg"),
    ("wav wave", "audio/wav"),
    ("flac", "audio/flac"),
    ("aif aiff aifc", "audio/aiff"),
    ("mid midi kar", "audio/midi"),
    ("amr", "audio/amr"),
    ("ape", "audio/ape"),
    ("dsf", "audio/dsf audio/x-dsf"),
    ("pdf", "application/pdf"),
    ("rtf", "application/rtf"),
    ("doc dot", "application/msword application/rtf"),
    (
        "xls xlt xla",
        "application/vnd.ms-excel application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    ("ppt pps pot", "application/vnd.ms-powerpoint"),
    ("msg", "application/vnd.ms-outlook"),
    (
        "docx docm dotx dotm",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document application/x-cfb",
    ),
    (
        "xlsx xlsm xlsb xltx xltm xlam",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet application/x-cfb",
    ),
    (
        "pptx pptm ppsx ppsm potx potm",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation application/x-cfb",
    ),
    ("vsdx vstx vssx vsdm", "application/vnd.ms-visio.drawing"),
    ("odt ott", "application/vnd.oasis.opendocument.text"),
    ("ods ots", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odp otp", "application/vnd.oasis.opendocument.presentation"),
    ("odg otg", "application/vnd.oasis.opendocument.graphics"),
    ("pages", "application/vnd.apple.pages"),
    ("numbers", "application/vnd.apple.numbers"),
    ("key", "application/vnd.apple.keynote application/x-pem-file"),
    ("epub", "application/epub+zip"),
    ("mobi azw azw3 prc", "application/x-mobipocket-ebook"),
    ("cbz", "application/zip"),
    ("kmz", "application/vnd.google-earth.kmz"),
    ("3mf", "model/3mf"),
    ("stl", "model/stl"),
    ("glb", "model/gltf-binary"),
    ("zip", "application/zip"),
    ("jar war ear", "application/java-archive"),
    ("apk aab", "application/vnd.android.package-archive"),
    ("xpi", "application/x-xpinstall"),
    ("nupkg", "application/x-nupkg"),
    ("crx", "application/x-chrome-extension"),
    ("rar cbr", "application/vnd.rar application/zip"),
    ("7z", "application/x-7z-compressed"),
    ("tar", "application/x-tar"),
    ("gz tgz", "application/gzip"),
    ("bz2 tbz tbz2", "application/x-bzip2"),
    ("xz txz", "application/x-xz"),
    ("zst tzst", "application/zstd"),
    ("lz4", "application/x-lz4"),
    ("lz", "application/x-lzip"),
    ("z", "application/x-compress"),
    ("lzh lha", "application/x-lzh-compressed"),
    ("ace", "application/x-ace-compressed"),
    ("cab", "application/vnd.ms-cab-compressed"),
    ("iso", "application/x-iso9660-image"),
    ("dmg", "application/x-apple-diskimage application/x-bzip2 application/zlib"),
    ("deb", "application/vnd.debian.binary-package"),
    ("rpm", "application/x-rpm"),
    ("ar a lib", "application/x-unix-archive"),
    ("cpio", "application/x-cpio"),
    ("sqlite sqlite3 db3", "application/vnd.sqlite3"),
    ("parquet", "application/vnd.apache.parquet"),
    ("pcap cap", "application/vnd.tcpdump.pcap"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("ttf otf ttc", "font/sfnt"),
    ("exe dll sys scr com ocx cpl drv efi", "application/vnd.microsoft.portable-executable"),
    ("elf so", "application/x-elf"),
    ("macho dylib", "application/x-mach-o"),
    ("class", "application/java-vm"),
    ("wasm", "application/wasm"),
    ("dex", "application/vnd.android.dex"),
    ("pyc pyo", "application/x-python-bytecode"),
    ("msi msp", "application/x-msi"),
    ("swf", "application/vnd.adobe.flash.movie"),
    ("lnk", "application/x-ms-shortcut"),
    ("chm", "application/vnd.ms-htmlhelp"),
    ("bat cmd", "application/x-bat"),
    ("ps1 psm1 psd1", "application/x-powershell"),
    ("vbs vbe", "text/vbscript"),
    ("sh bash zsh ksh csh fish", "text/x-shellscript"),
    ("html htm xhtml xht shtml hta", "text/html application/xhtml+xml"),
    ("php php3 php4 php5 phtml phar", "text/x-php"),
    (
        "xml xsd xsl xslt rss atom gpx kml wsdl plist rdf resx csproj vcxproj config",
        "application/xml image/svg+xml",
    ),
    ("md markdown rst", "text/markdown"),
    ("eml mht mhtml", "message/rfc822 text/html"),
    (
        "js mjs cjs jsx ts tsx mts cts vue svelte astro py pyi rb erb pl pm java kt kts scala groovy gradle c h cc cpp hpp cxx cs go rs swift m mm r jl lua dart ex exs erl hs ml clj lisp el sql tf hcl proto zig asm s v vhd sol asp aspx jsp ejs hbs handlebars mustache twig j2 jinja jinja2 liquid tmpl tpl css scss less coffee cmake mk tcl awk",
        "text/x-source",
    ),
    ("json jsonl ndjson geojson ipynb webmanifest har map", "application/json"),
    ("csv", "text/csv"),
    ("tsv", "text/tab-separated-values"),
    (
        "txt text log ini cfg conf yaml yml toml properties env srt vtt vcf ics reg url nfo diff patch po tex bib sum asc pem crt",
        "text/plain application/x-pem-file application/x-x509-ca-cert",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_of_a_name() {
        for (name, extension) in [
            ("photo.JPG", Some("jpg")),
            ("a.tar.gz", Some("gz")),
            ("evil.exe. . ", Some("exe")),
            ("C:\\dir.d\\name", None),
            ("dir.d/name", None),
            (".bashrc", None),
            ("photo\u{202e}gpj.exe", Some("exe")),
            ("evil.e\u{200b}xe\u{202c}", Some("exe")),
            ("noext", None),
            ("x.", None),
            ("a.averyveryverylongextension", None),
            ("", None),
        ] {
            assert_eq!(of(name).as_deref(), extension, "{name:?}");
        }
    }

    #[test]
    fn no_extension_stands_twice() {
        let mut seen = std::collections::HashSet::new();
        for (extensions, _) in TABLE {
            for extension in extensions.split(' ') {
                assert!(seen.insert(extension), "{extension}");
            }
        }
    }

    #[test]
    fn every_type_is_written_in_its_canonical_form() {
        for (_, types) in TABLE {
            for name in types.split(' ') {
                assert_eq!(super::super::names::canonical(name).as_deref(), Some(name));
            }
        }
    }
}
