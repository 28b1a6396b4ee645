//! Orientation and colour profile, found by hand in JPEG, PNG and EXIF.

use img_parts::{ImageEXIF, ImageICC};
use lazaret_fixtures::{exif, icc, picture};
use lazaret_media::meta;
use lazaret_watermark::strip::profile;

pub fn run(data: &[u8]) {
    meta::jpeg_orientation(data);
    meta::png_orientation(data);
    meta::webp_orientation(Some(data));
    if let Some(written) = profile(data) {
        assert_eq!(profile(&written), Some(written), "what is written anew stays as it is");
    }
    // What is put into a picture that has no profile comes back out.
    if meta::jpeg_icc(data).is_none() && data.starts_with(&[0xff, 0xd8, 0xff, 0xda]) {
        assert_eq!(
            meta::jpeg_icc(&meta::insert_jpeg_icc(data, b"profile")).as_deref(),
            Some(&b"profile"[..])
        );
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let photo = picture::jpeg(&picture::landscape(16, 12, 3), 60);
    let mut seeds = vec![exif::block(6), icc::profile(), photo.clone(), picture::as_from_a_camera(&photo, 5)];
    seeds.push(b"\xff\xd8\xff\xda\0\x02".to_vec());
    let png = img_parts::png::Png::from_bytes(picture::png(&picture::landscape(8, 8, 3)).into());
    seeds.extend(png.map(|mut png| {
        png.set_exif(Some(exif::block(3).into()));
        png.set_icc_profile(Some(icc::profile().into()));
        png.encoder().bytes().to_vec()
    }));
    seeds
}
