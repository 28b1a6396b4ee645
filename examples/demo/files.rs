//! The files of the demo, and what is expected of each.

use lazaret_fixtures::{Zip, document, eicar, icc, picture, program};

pub struct File {
    pub name: &'static str,
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
    /// Verdicts that are right.
    pub expected: &'static [&'static str],
    /// What must be true of the published original.
    pub original: Option<Check>,
}

/// What is wrong with a file's bytes, if anything.
pub type Check = fn(&[u8]) -> Result<(), String>;

pub fn all() -> Vec<File> {
    let stored = picture::jpeg(&picture::sideways(&picture::landscape(1600, 1200, 7)), 90);
    let photo = picture::as_from_a_camera(&stored, 6);
    let plain = picture::jpeg(&picture::landscape(640, 480, 3), 88);
    let polyglot = [plain, Zip::default().stored("page.html", b"<html>hello</html>").finish()].concat();
    let mut truncated = picture::png(&picture::landscape(320, 240, 5));
    truncated.truncate(truncated.len() / 2);
    let file = |name, media_type, bytes, expected| File { name, media_type, bytes, expected, original: None };
    vec![
        File {
            original: Some(is_stripped_and_upright),
            ..file("holiday.jpg", "image/jpeg", photo, &["publish"])
        },
        File {
            original: Some(is_animated),
            ..file("disc.gif", "image/gif", picture::animation(12), &["publish"])
        },
        file("eicar.txt", "text/plain", eicar(), &["quarantine"]),
        file(
            "eicar.zip",
            "application/zip",
            Zip::default().deflated("docs/readme.txt", &eicar()).finish(),
            &["quarantine"],
        ),
        file("funny-cat.jpg", "image/jpeg", program::windows(), &["quarantine"]),
        file("with-a-zip-behind.jpg", "image/jpeg", polyglot, &["review", "quarantine"]),
        file(
            "secret.zip",
            "application/zip",
            Zip::default().encrypted("payroll.csv", b"name,salary\nnobody,0\n").finish(),
            &["review"],
        ),
        file(
            "over-the-limit.zip",
            "application/zip",
            Zip::default().deflated("zeros.bin", &vec![0; 40 << 20]).finish(),
            &["review"],
        ),
        file("cut-off.png", "image/png", truncated, &["review", "quarantine"]),
        file("letter.pdf", "application/pdf", document::pdf(), &["review"]),
    ]
}

/// GPS and camera gone, the sideways photo upright, its colours kept, and of their profile no more than those.
fn is_stripped_and_upright(bytes: &[u8]) -> Result<(), String> {
    use img_parts::{Bytes, ImageEXIF, ImageICC, jpeg::Jpeg};
    let jpeg = Jpeg::from_bytes(Bytes::copy_from_slice(bytes)).map_err(|e| format!("is no JPEG: {e}"))?;
    let header = turbojpeg::read_header(bytes).map_err(|e| format!("cannot be read: {e}"))?;
    let camera = lazaret_fixtures::exif::CAMERA.as_bytes();
    if jpeg.exif().is_some() || bytes.windows(camera.len()).any(|window| window == camera) {
        return Err("still says where and with what it was taken".into());
    }
    let profile = jpeg.icc_profile().ok_or("lost its colour profile")?;
    let holds = |part: &[u8]| profile.windows(part.len()).any(|window| window == part);
    if !icc::colours().iter().all(|colour| holds(colour)) {
        return Err("its colour profile is of other colours".into());
    }
    if holds(icc::NAME.as_bytes()) {
        return Err("its colour profile still says what it is called".into());
    }
    if (header.width, header.height) != (1600, 1200) {
        return Err(format!("is {}x{}, and not upright", header.width, header.height));
    }
    Ok(())
}

fn is_animated(bytes: &[u8]) -> Result<(), String> {
    let mut decoder = gif::DecodeOptions::new().read_info(bytes).map_err(|e| format!("is no GIF: {e}"))?;
    let mut frames = 0;
    while decoder.read_next_frame().map_err(|e| format!("cannot be decoded: {e}"))?.is_some() {
        frames += 1;
    }
    if frames == 12 { Ok(()) } else { Err(format!("has {frames} frames, and not 12")) }
}
