//! Bad pictures: each is its own file's trouble, is never called complete, and the next file is served.

mod support;

use lazaret_sandbox::{Coverage, Pool, PoolConfig, RenditionSpec, Trouble};
use support::*;

/// What is left of a picture that is not whole.
async fn claim(pool: &Pool, bytes: &[u8], media_type: &str) -> (String, u32) {
    match picture(pool, bytes, media_type).await.0 {
        Err(trouble) => (trouble.code().to_owned(), 0),
        Ok(picture) => match picture.coverage {
            Coverage::Complete => ("complete".into(), picture.frames_seen),
            Coverage::Partial(why) | Coverage::Failed(why) => (why.code, picture.frames_seen),
        },
    }
}

#[tokio::test]
async fn a_file_that_is_cut_anywhere_is_never_complete_nor_rendered() {
    let pool = pool();
    let noise =
        image::RgbImage::from_fn(40, 30, |x, y| image::Rgb([((x * 37) ^ (y * 91)) as u8, (x * y) as u8, 7]));
    let image = image::DynamicImage::ImageRgb8(noise.clone());
    let files = [
        (jpeg(&noise), "image/jpeg"),
        (png(&image), "image/png"),
        (apng(), "image/png"),
        (gif(3, 40, 30), "image/gif"),
        (webp(&image), "image/webp"),
    ];
    for (file, media_type) in files {
        assert_eq!(claim(&pool, &file, media_type).await.0, "complete");
        let step = (file.len() / 40).max(1);
        for length in (0..file.len()).step_by(step).chain([file.len() - 2, file.len() - 1]) {
            let cut = &file[..length];
            let (code, _) = claim(&pool, cut, media_type).await;
            let expected = ["media.undecodable", "truncated", "corrupt"];
            assert!(
                expected.contains(&code.as_str()),
                "{media_type} cut to {length} of {}: {code}",
                file.len()
            );
            for spec in [RenditionSpec::Original, RenditionSpec::Watermarked] {
                render(&pool, cut, media_type, spec).await.expect_err(media_type);
            }
        }
    }
    is_well(&pool).await;
}

/// Found by mutants: the decoder passed over the checksum of the pixels, and other readers refused what was published.
#[tokio::test]
async fn a_png_whose_pixels_fail_their_checksum_is_not_whole() {
    let pool = pool();
    let mut file = png(&image::DynamicImage::ImageRgb8(photo(40, 30)));
    let data = file.windows(4).position(|w| w == b"IDAT").unwrap();
    let length = u32::from_be_bytes(*file[data - 4..].first_chunk().unwrap()) as usize;
    let end = data + 4 + length;
    // Adler-32 (RFC 1950) is the last of the stream. The chunk's own checksum is right.
    file[end - 1] ^= 1;
    let sum = crc32fast::hash(&file[data..end]).to_be_bytes();
    file[end..end + 4].copy_from_slice(&sum);
    assert_eq!(claim(&pool, &file, "image/png").await.0, "media.undecodable");
    render(&pool, &file, "image/png", RenditionSpec::Original).await.unwrap_err();
    is_well(&pool).await;
}

#[tokio::test]
async fn what_was_seen_before_the_cut_is_told() {
    let pool = pool();
    let file = gif(10, 40, 30);
    let (code, seen) = claim(&pool, &file[..file.len() / 2], "image/gif").await;
    assert_eq!(code, "truncated");
    assert!((1..10).contains(&seen));
    let file = jpeg(&photo(300, 300));
    assert_eq!(claim(&pool, &file[..file.len() / 2], "image/jpeg").await, ("truncated".into(), 1));
}

#[tokio::test]
async fn a_header_that_claims_too_many_pixels_costs_nothing() {
    // Far less memory than the canvas: it must be refused before it is made.
    let pool = Pool::new(PoolConfig { memory_bytes: 256 << 20, ..config() });
    let mut file = png(&red(1, 1));
    file[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let crc = crc32(&file[12..29]);
    file[29..33].copy_from_slice(&crc.to_be_bytes());
    let mut gif = gif(1, 5, 5);
    gif[6..10].copy_from_slice(&[0x60, 0xea, 0x60, 0xea]);
    for (file, media_type) in [(&file, "image/png"), (&gif, "image/gif")] {
        assert_eq!(claim(&pool, file, media_type).await, ("limit.pixels".into(), 0));
        let trouble = render(&pool, file, media_type, RenditionSpec::Original).await.unwrap_err();
        assert_eq!(trouble.code(), "limit.pixels");
    }
    is_well(&pool).await;
}

#[tokio::test]
async fn a_bomb_within_the_limit_of_pixels_dies_of_its_memory() {
    let pool = Pool::new(PoolConfig { memory_bytes: 160 << 20, ..config() });
    is_well(&pool).await;
    let bomb = png(&image::GrayImage::new(9000, 9000).into());
    assert!(bomb.len() < 1 << 20);
    assert_eq!(picture(&pool, &bomb, "image/png").await.0.unwrap_err(), Trouble::OutOfMemory);
    is_well(&pool).await;
}

#[tokio::test]
async fn frames_over_the_budget_leave_the_picture_partial() {
    let pool = pool();
    let file = gif(5000, 8, 8);
    let (code, seen) = claim(&pool, &file, "image/gif").await;
    assert_eq!((code.as_str(), seen), ("limit.frames", 600));
    let trouble = render(&pool, &file, "image/gif", RenditionSpec::Watermarked).await.unwrap_err();
    assert_eq!(trouble.code(), "limit.frames");

    let mut request = request();
    request.max_total_pixels = 8 * 8 * 10;
    let (picture, frames) = look(&mut open(&pool, &file, "image/gif").await, &request).await;
    let picture = picture.unwrap();
    assert_eq!((picture.frames_seen, frames.len(), picture.frames_total), (10, 10, Some(5000)));
    assert!(matches!(picture.coverage, Coverage::Partial(why) if why.code == "limit.pixels"));
    is_well(&pool).await;

    // Who makes a copy has the same budget, whatever was looked at.
    let mut config = config();
    config.setup.budget.max_total_pixels = 8 * 8 * 10;
    let pool = Pool::new(config);
    let file = gif(20, 8, 8);
    let trouble = render(&pool, &file, "image/gif", RenditionSpec::Watermarked).await.unwrap_err();
    assert_eq!(trouble.code(), "limit.pixels");
}

#[tokio::test]
async fn a_flood_of_scans_is_refused() {
    let mut compressor = turbojpeg::Compressor::new().unwrap();
    compressor.set_progressive(true).unwrap();
    let photo = photo(800, 800);
    let format = turbojpeg::PixelFormat::RGB;
    let image =
        turbojpeg::Image { pixels: &photo.as_raw()[..], width: 800, pitch: 2400, height: 800, format };
    let file = compressor.compress_to_vec(image).unwrap();
    let pool = pool();
    assert_eq!(claim(&pool, &file, "image/jpeg").await.0, "complete");
    let scans: Vec<usize> = (0..file.len() - 1).filter(|at| file[*at..].starts_with(&[0xff, 0xda])).collect();
    let end = file.len() - 2;
    let last = &file[scans[scans.len() - 1]..end];
    let flood = [&file[..end], &last.repeat(4000), &file[end..]].concat();
    let begun = std::time::Instant::now();
    let trouble = picture(&pool, &flood, "image/jpeg").await.0.unwrap_err();
    assert_eq!(trouble.code(), "media.undecodable");
    assert!(trouble.to_string().contains("scans"), "{trouble}");
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
    is_well(&pool).await;
}

#[tokio::test]
async fn what_is_no_picture_is_refused() {
    let pool = pool();
    let text = b"The quick brown fox jumps over the lazy dog.".repeat(50);
    for media_type in ["image/jpeg", "image/png", "image/gif", "image/webp"] {
        for bytes in [&text[..], &[], &jpeg(&photo(9, 9))[2..]] {
            assert_eq!(
                claim(&pool, bytes, media_type).await,
                ("media.undecodable".into(), 0),
                "{media_type}"
            );
        }
    }
    assert_eq!(claim(&pool, &text, "application/pdf").await.0, "media.unsupported");
    is_well(&pool).await;
}

#[tokio::test]
async fn a_mark_that_cannot_be_prepared_is_no_fault_of_a_file() {
    let mut config = config();
    config.setup.mark = Some(serde_json::json!({ "content": { "text": { "text": "" } } }));
    let why = Pool::new(config).check().await.unwrap_err().to_string();
    assert!(why.contains("the mark cannot be prepared"), "{why}");
}

/// CRC-32 as in PNG, annex D.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { 0xedb8_8320 ^ crc >> 1 } else { crc >> 1 },
        )
    })
}
