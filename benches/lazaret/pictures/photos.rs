//! A photo set: JPEGs from 0.3 to 12 megapixels as a camera writes them, no two alike.

use crate::quick;
use lazaret_fixtures::picture;

pub struct Class {
    pub name: &'static str,
    pub photos: Vec<Vec<u8>>,
}

const SIZES: [(&str, u32, u32); 6] = [
    ("0.3 MP", 640, 480),
    ("1 MP", 1152, 864),
    ("2 MP", 1632, 1224),
    ("4 MP", 2304, 1728),
    ("8 MP", 3264, 2448),
    ("12 MP", 4000, 3000),
];

/// By size. With EXIF, GPS and colour profile, upright.
pub fn classes() -> Vec<Class> {
    let (each, sizes) = if quick() { (2, &SIZES[..3]) } else { (24, &SIZES[..]) };
    sizes.iter().map(|&(name, width, height)| Class { name, photos: photos(width, height, each) }).collect()
}

/// Two scenes in rising quality: drawing a scene takes longer than encoding it.
fn photos(width: u32, height: u32, count: i32) -> Vec<Vec<u8>> {
    let scenes = [7, 3].map(|seed| picture::landscape(width, height, seed));
    let photo = |n: i32| {
        let scene = &scenes[usize::from(n % 2 == 1)];
        picture::as_from_a_camera(&picture::jpeg(scene, 80 + n / 2), 1)
    };
    (0..count).map(photo).collect()
}
