//! What a picture costs at the least: each step alone, by the library that the pipeline uses, called directly with
//! nothing around it. CPU time, one step at a time on an otherwise quiet machine.

use crate::process;
use anyhow::Context;
use fast_image_resize::{PixelType, ResizeOptions, Resizer, images::Image, images::ImageRef};
use lazaret_classify::{Classifier, load_all, runtime};
use lazaret_fixtures::picture::RgbImage;
use lazaret_inspect::ContentModel;
use lazaret_watermark::{Mark, MarkSpec};
use sha2::{Digest, Sha256};
use std::{fs::File, io::Write, path::Path, time::Duration};
use turbojpeg::{Compressor, PixelFormat, Subsamp, Transform, Transformer};

/// In the order in which they are shown.
pub const STEPS: [&str; 8] =
    ["decode", "resize", "ONNX", "Magika", "SHA-256", "original", "watermarked", "thumbnail"];

/// CPU time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Costs {
    /// In the order of [`STEPS`].
    pub steps: [Duration; STEPS.len()],
    /// Writing the upload and its copies to new files, which is no floor of the target: shown beside it.
    pub written: Duration,
}

impl Costs {
    pub fn floor(&self) -> Duration {
        self.steps.iter().sum()
    }

    pub fn without_magika(&self) -> Duration {
        let named = STEPS.iter().zip(self.steps);
        named.filter(|(name, _)| **name != "Magika").map(|(_, cost)| cost).sum()
    }

    /// The mean of some.
    pub fn mean(all: &[Self]) -> Self {
        let mut sum = Self::default();
        for costs in all {
            sum.steps.iter_mut().zip(costs.steps).for_each(|(sum, step)| *sum += step);
            sum.written += costs.written;
        }
        let count = u32::try_from(all.len()).unwrap_or(1).max(1);
        Self { steps: sum.steps.map(|step| step / count), written: sum.written / count }
    }
}

pub struct Floors {
    content: ContentModel,
    classifier: Classifier,
    mark: Mark,
}

/// As in the settings' default, and in `workers/media/src/render`.
const THUMBNAIL: u32 = 512;
const THUMBNAIL_QUALITY: i32 = 82;
const MARKED_QUALITY: i32 = 88;
const MODEL_EDGE: u32 = 224;
/// Values that the default image model takes.
pub const MODEL_INPUT: usize = (MODEL_EDGE * MODEL_EDGE * 3) as usize;

impl Floors {
    /// `mark` is the text of the watermark.
    pub fn new(mark: &str) -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        runtime::init(Some(&root.join(".setup/lib/libonnxruntime.so")))?;
        let models = load_all(&root.join("models")).into_iter().collect::<Result<Vec<_>, _>>()?;
        let spec: MarkSpec =
            serde_json::from_value(serde_json::json!({"content": {"text": {"text": mark}}}))?;
        Ok(Self {
            content: ContentModel::load()?,
            classifier: Classifier::start(models, 1)?,
            mark: Mark::prepare(&spec)?,
        })
    }

    /// The floors of one photo.
    pub async fn of(&mut self, jpeg: &[u8]) -> anyhow::Result<Costs> {
        let file = written(jpeg)?;
        let (mut pixels, decode) = timed(|| turbojpeg::decompress(jpeg, PixelFormat::RGB))?;
        let (width, height) = (u32::try_from(pixels.width)?, u32::try_from(pixels.height)?);
        let (input, resize) = timed(|| anyhow::Ok(sample(&pixels.pixels, width, height)))?;
        let onnx = self.onnx(input).await?;
        let magika = self.magika(&file)?;
        let (original, transformed) = timed(|| {
            let mut transform = Transform::default();
            transform.copy_none = true;
            Transformer::new()?.transform_to_vec(&transform, jpeg)
        })?;
        let (small, thumbnail) = timed(|| small(&pixels.pixels, width, height))?;
        // Into the decoded pixels, which nobody needs any more.
        let mut image =
            RgbImage::from_raw(width, height, std::mem::take(&mut pixels.pixels)).context("pixels")?;
        let (marked, watermarked) = timed(|| {
            self.mark.apply_rgb(&mut image);
            encode(&image, width, height, MARKED_QUALITY)
        })?;
        let (_, sha256) = timed(|| {
            anyhow::Ok(
                [jpeg, &original, &marked, &small].map(|bytes| std::hint::black_box(Sha256::digest(bytes))),
            )
        })?;
        let all = [jpeg, &original, &marked, &small];
        let (_kept, written) = timed(|| all.into_iter().map(written).collect::<anyhow::Result<Vec<_>>>())?;
        let steps = [decode, resize, onnx, magika, sha256, transformed, watermarked, thumbnail];
        Ok(Costs { steps, written })
    }

    /// One run of the default image model.
    pub async fn onnx(&self, input: Vec<f32>) -> anyhow::Result<Duration> {
        let began = process::this();
        self.classifier.score(0, input).await.context("the model")?;
        Ok(process::this() - began)
    }

    /// One run of the content model.
    pub fn magika(&mut self, file: &File) -> anyhow::Result<Duration> {
        Ok(timed(|| self.content.answer(file))?.1)
    }
}

fn written(bytes: &[u8]) -> anyhow::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(bytes)?;
    Ok(file)
}

fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> anyhow::Result<(T, Duration)>
where
    anyhow::Error: From<E>,
{
    let began = process::this();
    let done = work()?;
    Ok((done, process::this() - began))
}

/// Bilinear with aligned corners, no antialiasing: four reads for each output pixel.
fn sample(rgb: &[u8], width: u32, height: u32) -> Vec<f32> {
    let taps = |size: u32| -> Vec<(usize, usize, f32)> {
        let ratio = f64::from(size - 1) / f64::from(MODEL_EDGE - 1);
        (0..MODEL_EDGE)
            .map(|i| {
                let at = f64::from(i) * ratio;
                let near = (at as u32).min(size - 1);
                (near as usize, (near + 1).min(size - 1) as usize, (at - f64::from(near)) as f32)
            })
            .collect()
    };
    let (columns, rows) = (taps(width), taps(height));
    let row = width as usize * 3;
    let mut out = Vec::with_capacity(columns.len() * rows.len() * 3);
    for &(upper, lower, down) in &rows {
        for &(left, right, along) in &columns {
            for channel in 0..3 {
                let read = |y: usize, x: usize| f32::from(rgb[y * row + x * 3 + channel]);
                let top = read(upper, left) + (read(upper, right) - read(upper, left)) * along;
                let bottom = read(lower, left) + (read(lower, right) - read(lower, left)) * along;
                out.push(top + (bottom - top) * down);
            }
        }
    }
    out
}

fn small(rgb: &[u8], width: u32, height: u32) -> anyhow::Result<Vec<u8>> {
    let longer = width.max(height);
    let scaled =
        |side: u32| if longer <= THUMBNAIL { side } else { (side * THUMBNAIL + longer / 2) / longer };
    let (w, h) = (scaled(width), scaled(height));
    let mut target = Image::new(w, h, PixelType::U8x3);
    let source = ImageRef::new(width, height, rgb, PixelType::U8x3)?;
    Resizer::new().resize(&source, &mut target, &ResizeOptions::new())?;
    Ok(encode(target.buffer(), w, h, THUMBNAIL_QUALITY)?)
}

fn encode(rgb: &[u8], width: u32, height: u32, quality: i32) -> turbojpeg::Result<Vec<u8>> {
    let (width, height) = (width as usize, height as usize);
    let mut compressor = Compressor::new()?;
    compressor.set_quality(quality)?;
    compressor.set_subsamp(Subsamp::Sub2x2)?;
    let image = turbojpeg::Image { pixels: rgb, width, pitch: width * 3, height, format: PixelFormat::RGB };
    compressor.compress_to_vec(image)
}
