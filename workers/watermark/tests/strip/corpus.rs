//! Files as other programs write them; skipped only where the shared corpus is missing.

use lazaret_watermark::strip::{self, StripError};
use std::path::Path;

#[test]
fn files_from_elsewhere_keep_their_pixels() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/types/file-type");
    let Ok(entries) = std::fs::read_dir(&folder) else { return };
    let mut stripped = 0;
    for path in entries.map(|entry| entry.unwrap().path()) {
        let strip: fn(&[u8]) -> Result<Vec<u8>, StripError> = match path.extension().and_then(|e| e.to_str())
        {
            Some("jpg" | "jpeg") => strip::jpeg,
            Some("png" | "apng") => strip::png,
            Some("webp") => strip::webp,
            Some("gif") => strip::gif,
            _ => continue,
        };
        let bytes = std::fs::read(&path).unwrap();
        // What no decoder reads may be refused; what shows must show the same.
        let Some(before) = pixels(&bytes) else { continue };
        let output = strip(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(pixels(&output) == Some(before), "{}: other pixels", path.display());
        assert!(output.len() <= bytes.len() + 64, "{}: grew", path.display());
        stripped += 1;
    }
    assert!(stripped >= 4, "only {stripped} files of the corpus were tried");
}

fn pixels(bytes: &[u8]) -> Option<Vec<u8>> {
    match bytes {
        [0xFF, 0xD8, ..] => Some(turbojpeg::decompress(bytes, turbojpeg::PixelFormat::RGB).ok()?.pixels),
        _ => Some(image::load_from_memory(bytes).ok()?.into_rgba8().into_raw()),
    }
}
