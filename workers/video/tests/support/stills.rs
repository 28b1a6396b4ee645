//! AVIF and HEIF pictures: coded by `ffmpeg`, put together box by box, and read by ImageMagick for comparison.

use super::{Studio, open};
use image::{DynamicImage, Rgb, RgbImage};
use lazaret_fixtures::heif::{Item, heif, ispe};
use lazaret_sandbox::{
    Frame, Picture, PictureRequest, Pool, Rendition, RenditionSpec, Resize, Session, Target, Trouble,
};
use std::fs;
use std::process::Command;
use tokio::sync::mpsc;

/// Without loss, in as few words as it takes.
pub const HEVC: &str = "-c:v libx265 -tag:v hvc1 -x265-params lossless=1:log-level=none";
pub const AV1: &str = "-c:v libaom-av1 -cpu-used 8 -aom-params lossless=1";

/// One coded picture.
#[derive(Clone)]
pub struct Coded {
    pub kind: [u8; 4],
    /// The box with the decoder's configuration.
    pub head: Vec<u8>,
    pub data: Vec<u8>,
    pub size: (u32, u32),
}

impl Coded {
    /// With its size and its configuration, and nothing else.
    pub fn item(&self) -> Item {
        Item::new(&self.kind, &self.data, &[self.head.clone(), ispe(self.size.0, self.size.1)])
    }

    pub fn brand(&self) -> &'static [u8; 4] {
        if &self.kind == b"hvc1" { b"heic" } else { b"avif" }
    }

    /// A file of this item alone.
    pub fn file(&self) -> Vec<u8> {
        heif(self.brand(), 1, &[self.item()], b"")
    }
}

impl Studio {
    /// `arguments` say how; `form` is a name that FFmpeg has for a layout of pixels, `range` is `limited` or `full`. By the
    /// matrix of ITU-R BT.601.
    pub fn coded(&self, picture: &RgbImage, arguments: &str, form: &str, range: &str) -> Coded {
        picture.save(self.path("source.png")).unwrap();
        let how =
            format!("scale=out_color_matrix=bt601:out_range={range}:flags=accurate_rnd+full_chroma_int");
        let film =
            self.make("coded.mp4", &format!("-i source.png -frames:v 1 -vf {how},format={form} {arguments}"));
        let kind = if arguments.contains("x265") { b"hvc1" } else { b"av01" };
        let head = boxed(&film, if kind == b"hvc1" { b"hvcC" } else { b"av1C" });
        let data = boxed(&film, b"mdat")[8..].to_vec();
        Coded { kind: *kind, head, data, size: picture.dimensions() }
    }

    /// What ImageMagick sees.
    pub fn magick(&self, file: &[u8], kind: &str) -> RgbImage {
        let (from, to) = (self.path(&format!("seen.{kind}")), self.path("seen.png"));
        fs::write(&from, file).unwrap();
        let output = Command::new("convert")
            .arg(&from)
            .arg("-alpha")
            .arg("off")
            .arg(format!("PNG24:{}", to.display()))
            .output();
        let output = output.expect("ImageMagick is not installed; run scripts/setup.sh");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        image::open(to).unwrap().to_rgb8()
    }

    /// A file that ImageMagick writes with these arguments.
    pub fn written(&self, picture: &DynamicImage, arguments: &str, name: &str) -> Vec<u8> {
        picture.save(self.path("source.png")).unwrap();
        let output = Command::new("convert")
            .arg(self.path("source.png"))
            .args(arguments.split(' ').filter(|argument| !argument.is_empty()))
            .arg(self.path(name))
            .output()
            .expect("ImageMagick is not installed; run scripts/setup.sh");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::read(self.path(name)).unwrap()
    }
}

/// The first box of this kind, with its head.
pub fn boxed(bytes: &[u8], kind: &[u8; 4]) -> Vec<u8> {
    let at = bytes.windows(4).position(|window| window == kind).unwrap() - 4;
    let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    bytes[at..at + length].to_vec()
}

/// Smooth, and different in every corner.
pub fn photo(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let share = |n: u32, of: u32| (n * 255 / of.max(1)) as u8;
        Rgb([share(x, width), share(y, height), share(x + y, width + height)])
    })
}

/// A request for a picture at this size, where each pixel is its own.
pub fn of_size((width, height): (u32, u32)) -> PictureRequest {
    PictureRequest::new(vec![Target { width, height, resize: Resize::BilinearAlignCorners }])
}

pub async fn look_at(
    session: &mut Session,
    request: &PictureRequest,
) -> (Result<Picture, Trouble>, Vec<Frame>) {
    let (frames, mut taken) = mpsc::channel(4);
    let taking = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(frame) = taken.recv().await {
            all.push(frame);
        }
        all
    });
    let picture = session.picture(request, &frames).await;
    drop(frames);
    (picture, taking.await.unwrap())
}

pub fn media_type(file: &[u8]) -> &'static str {
    if &file[8..12] == b"avif" { "image/avif" } else { "image/heic" }
}

/// What is seen at this size.
pub async fn seen(pool: &Pool, file: &[u8], size: (u32, u32)) -> (Picture, Vec<RgbImage>) {
    let (picture, frames) = look_at(&mut open(pool, file, media_type(file)).await, &of_size(size)).await;
    let shown = frames.iter().map(|frame| {
        let bytes = frame.pixels.iter().map(|value| value.round() as u8).collect();
        RgbImage::from_raw(size.0, size.1, bytes).unwrap()
    });
    (picture.unwrap(), shown.collect())
}

/// Why nothing is seen.
pub async fn refused(pool: &Pool, file: &[u8]) -> (String, String) {
    match look_at(&mut open(pool, file, media_type(file)).await, &of_size((8, 8))).await.0 {
        Err(Trouble::Undecodable(why)) => (why.code, why.detail),
        other => panic!("no clean refusal: {other:?}"),
    }
}

pub async fn copy(pool: &Pool, file: &[u8], spec: RenditionSpec) -> (Rendition, DynamicImage, Vec<u8>) {
    let mut out = Vec::new();
    let rendition = open(pool, file, media_type(file)).await.render(&spec, &mut out).await.unwrap();
    let image = image_of(&rendition, &out);
    assert_eq!((rendition.width, rendition.height), (image.width(), image.height()));
    (rendition, image, out)
}

fn image_of(rendition: &Rendition, bytes: &[u8]) -> DynamicImage {
    match rendition.media_type.as_str() {
        "image/png" => image::load_from_memory_with_format(bytes, image::ImageFormat::Png).unwrap(),
        "image/jpeg" => {
            let image = turbojpeg::decompress(bytes, turbojpeg::PixelFormat::RGB).unwrap();
            let (width, height) = (image.width as u32, image.height as u32);
            RgbImage::from_raw(width, height, image.pixels).unwrap().into()
        }
        other => panic!("{other}"),
    }
}

/// The most that a channel of a pixel differs by.
pub fn apart(one: &RgbImage, other: &RgbImage) -> u8 {
    assert_eq!(one.dimensions(), other.dimensions());
    one.as_raw().iter().zip(other.as_raw()).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}
