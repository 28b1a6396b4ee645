//! Types that a computer runs when asked to open them, whatever they are called.

use super::family;

/// What kind of program a file of this type is, in words, or `None` where it is not one.
pub(super) fn kind(media_type: &str) -> Option<&'static str> {
    PROGRAMS.iter().find(|(name, _)| family::is_a(media_type, name)).map(|(_, kind)| *kind)
}

const PROGRAMS: &[(&str, &str)] = &[
    ("application/vnd.microsoft.portable-executable", "a windows or dos program"),
    ("application/x-elf", "a unix program"),
    ("application/x-mach-o", "a macos program"),
    ("application/x-coff", "a windows object file"),
    ("application/java-vm", "java bytecode"),
    ("application/java-archive", "a java archive"),
    ("application/wasm", "a webassembly module"),
    ("application/vnd.android.dex", "android bytecode"),
    ("application/vnd.android.package-archive", "an android package"),
    ("application/x-python-bytecode", "python bytecode"),
    ("application/x-llvm", "llvm bitcode"),
    ("application/x-msi", "a windows installer"),
    ("application/vnd.debian.binary-package", "a debian package"),
    ("application/x-rpm", "an rpm package"),
    ("application/x-chrome-extension", "a browser extension"),
    ("application/x-xpinstall", "a browser extension"),
    ("application/vnd.adobe.flash.movie", "a flash program"),
    ("application/x-ms-shortcut", "a windows shortcut"),
    ("application/vnd.ms-htmlhelp", "a windows help file"),
    ("application/x-bat", "a windows batch file"),
    ("application/x-powershell", "a powershell script"),
    ("text/vbscript", "a visual basic script"),
    ("text/x-shellscript", "a script"),
    ("application/x-desktop", "a desktop shortcut"),
    ("application/x-mswinurl", "a windows shortcut to an address"),
    ("application/x-lua-bytecode", "lua bytecode"),
    ("application/x-applescript", "a compiled applescript"),
];
