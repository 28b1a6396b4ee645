//! The real pool over the real `lazaret-media`, and pictures that the tests make themselves.

#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses its own part")]

use image::{DynamicImage, ExtendedColorType, ImageEncoder, RgbImage, RgbaImage};
use img_parts::{Bytes, ImageEXIF, ImageICC};
use lazaret_sandbox::{
    Budget, ChildSetup, Confinement, Frame, Picture, PictureRequest, Pool, PoolConfig, Rendition,
    RenditionSpec, Resize, Session, Target, Trouble,
};
use std::io::Write;
use std::time::Duration;
use tokio::sync::mpsc;

pub fn config() -> PoolConfig {
    let mark = serde_json::json!({ "content": { "png": { "base64": base64(&png(&red(20, 10))) } } });
    PoolConfig {
        child: env!("CARGO_BIN_EXE_lazaret-media").into(),
        size: 1,
        wall: Duration::from_secs(60),
        cpu: Duration::from_secs(60),
        memory_bytes: 1 << 30,
        max_output_bytes: 64 << 20,
        max_jobs_per_child: 1000,
        confinement: Confinement::Enforced,
        setup: ChildSetup { mark: Some(mark), budget: Budget::default() },
    }
}

pub fn pool() -> Pool {
    Pool::new(config())
}

pub const TARGET: Target = Target { width: 224, height: 224, resize: Resize::BilinearAlignCorners };

pub fn request() -> PictureRequest {
    PictureRequest::new(vec![TARGET])
}

pub async fn open(pool: &Pool, bytes: &[u8], media_type: &str) -> Session {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    pool.open(&file, bytes.len() as u64, media_type).await.unwrap()
}

pub async fn look(session: &mut Session, request: &PictureRequest) -> (Result<Picture, Trouble>, Vec<Frame>) {
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

pub async fn picture(pool: &Pool, bytes: &[u8], media_type: &str) -> (Result<Picture, Trouble>, Vec<Frame>) {
    look(&mut open(pool, bytes, media_type).await, &request()).await
}

pub async fn render(
    pool: &Pool,
    bytes: &[u8],
    media_type: &str,
    spec: RenditionSpec,
) -> Result<(Rendition, Vec<u8>), Trouble> {
    let mut out = Vec::new();
    let rendition = open(pool, bytes, media_type).await.render(&spec, &mut out).await?;
    assert_eq!(rendition.bytes, out.len() as u64);
    Ok((rendition, out))
}

/// The next file is served, whatever came before.
pub async fn is_well(pool: &Pool) {
    let (picture, frames) = picture(pool, &png(&red(5, 5)), "image/png").await;
    assert!(picture.unwrap().coverage.is_complete());
    assert!(frames[0].pixels.as_chunks::<3>().0.iter().all(|pixel| *pixel == [255.0, 0.0, 0.0]));
}

pub fn red(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_pixel(width, height, image::Rgb([255, 0, 0])).into()
}

/// Smooth enough for JPEG, and different in every corner.
pub fn photo(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let share = |n: u32, of: u32| (n * 255 / of.max(1)) as u8;
        image::Rgb([share(x, width), share(y, height), share(x + y, width + height)])
    })
}

pub fn translucent(width: u32, height: u32) -> DynamicImage {
    RgbaImage::from_fn(width, height, |x, _| image::Rgba([200, 100, 0, (x * 255 / width) as u8])).into()
}

pub fn png(image: &DynamicImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let color: ExtendedColorType = image.color().into();
    image::codecs::png::PngEncoder::new(&mut bytes)
        .write_image(image.as_bytes(), image.width(), image.height(), color)
        .unwrap();
    bytes
}

pub fn jpeg(image: &RgbImage) -> Vec<u8> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let format = turbojpeg::PixelFormat::RGB;
    let image = turbojpeg::Image { pixels: &image.as_raw()[..], width, pitch: width * 3, height, format };
    turbojpeg::compress(image, 95, turbojpeg::Subsamp::Sub2x2).unwrap().to_vec()
}

pub fn webp(image: &DynamicImage) -> Vec<u8> {
    let (width, height) = (image.width(), image.height());
    match image {
        DynamicImage::ImageRgba8(rgba) => webp::Encoder::from_rgba(rgba, width, height).encode(90.0).to_vec(),
        other => webp::Encoder::from_rgb(other.as_bytes(), width, height).encode(90.0).to_vec(),
    }
}

/// `frames` frames of different greys, each 70 ms, playing for ever.
pub fn gif(frames: u32, width: u16, height: u16) -> Vec<u8> {
    let mut encoder = gif::Encoder::new(Vec::new(), width, height, &[]).unwrap();
    encoder.set_repeat(gif::Repeat::Infinite).unwrap();
    for index in 0..frames {
        let palette = vec![(index % 251) as u8; 3];
        let pixels = vec![0; usize::from(width) * usize::from(height)];
        let mut frame = gif::Frame::from_palette_pixels(width, height, pixels, palette, None);
        frame.delay = 7;
        encoder.write_frame(&frame).unwrap();
    }
    encoder.into_inner().unwrap()
}

/// Three frames of 40 ms that play twice: red, green and half-transparent blue.
pub fn apng() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 6, 4);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_animated(3, 2).unwrap();
    encoder.set_frame_delay(40, 1000).unwrap();
    let mut writer = encoder.write_header().unwrap();
    for colour in [[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 128]] {
        writer.write_image_data(&colour.repeat(24)).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

/// A little-endian EXIF block: orientation, and a GPS latitude reference.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
    tiff.extend([0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    tiff.extend([0x25, 0x88, 4, 0, 1, 0, 0, 0, 38, 0, 0, 0]);
    tiff.extend([0; 4]);
    tiff.extend([1, 0, 1, 0, 2, 0, 2, 0, 0, 0, b'N', 0, 0, 0, 0, 0, 0, 0]);
    tiff.extend(b"GPS-SECRET");
    tiff
}

/// A display's, and a long one.
pub fn icc() -> Vec<u8> {
    lazaret_fixtures::icc::profile_of(70_000)
}

/// What of it must be carried along.
pub fn kept_icc() -> Vec<u8> {
    lazaret_watermark::strip::profile(&icc()).unwrap()
}

pub fn with_meta(bytes: Vec<u8>, orientation: u8) -> Vec<u8> {
    let mut image = img_parts::DynImage::from_bytes(Bytes::from(bytes)).unwrap().unwrap();
    image.set_exif(Some(exif(orientation).into()));
    image.set_icc_profile(Some(icc().into()));
    image.encoder().bytes().to_vec()
}

pub fn with_icc(bytes: Vec<u8>, icc: &[u8]) -> Vec<u8> {
    let mut image = img_parts::DynImage::from_bytes(Bytes::from(bytes)).unwrap().unwrap();
    image.set_icc_profile(Some(Bytes::copy_from_slice(icc)));
    image.encoder().bytes().to_vec()
}

pub fn icc_of(bytes: &[u8]) -> Option<Vec<u8>> {
    let image = img_parts::DynImage::from_bytes(Bytes::copy_from_slice(bytes)).unwrap().unwrap();
    image.icc_profile().map(|icc| icc.to_vec())
}

pub fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

pub fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let n = three.iter().chain(&[0, 0]).take(3).fold(0u32, |n, b| n << 8 | u32::from(*b));
        for i in 0..4 {
            let sign = SIGNS[(n >> (18 - 6 * i) & 63) as usize] as char;
            out.push(if i <= three.len() { sign } else { '=' });
        }
    }
    out
}
