//! Every picture of the shared corpus through everything. The corpus is not part of the repository.

mod support;

use lazaret_sandbox::{Pool, PoolConfig, RenditionSpec};
use std::path::Path;
use support::*;

#[tokio::test]
async fn the_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if !folder.is_dir() {
        eprintln!("skipped: {} is missing", folder.display());
        return;
    }
    // A session is held while its renditions are looked at in another.
    let pool = Pool::new(PoolConfig { size: 2, ..config() });
    let mut seen = 0;
    sweep(&pool, &folder, &mut seen).await;
    assert!(seen > 0, "no picture in {}", folder.display());
}

async fn sweep(pool: &Pool, folder: &Path, seen: &mut u32) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            Box::pin(sweep(pool, &path, seen)).await;
            continue;
        }
        let media_type = match path.extension().and_then(|e| e.to_str()) {
            Some("jpg" | "jpeg") => "image/jpeg",
            Some("png" | "apng") => "image/png",
            Some("gif") => "image/gif",
            Some("webp") => "image/webp",
            _ => continue,
        };
        *seen += 1;
        one(pool, &path, media_type).await;
    }
}

async fn one(pool: &Pool, path: &Path, media_type: &str) {
    let bytes = std::fs::read(path).unwrap();
    let name = path.file_name().unwrap().display();
    let mut session = open(pool, &bytes, media_type).await;
    let walked = session.walk().await;
    let picture = look(&mut session, &request()).await.0;
    println!("{name}: walk {:?}, picture {picture:?}", walked.map(|report| report.coverage));
    for spec in
        [RenditionSpec::Original, RenditionSpec::Watermarked, RenditionSpec::Thumbnail { max_edge: 320 }]
    {
        let mut out = Vec::new();
        let rendition = session.render(&spec, &mut out).await;
        println!("{name}: {rendition:?}");
        match &picture {
            Ok(picture) if picture.coverage.is_complete() => {
                let rendition = rendition.unwrap();
                let again = support::picture(pool, &out, &rendition.media_type).await.0.unwrap();
                assert!(again.coverage.is_complete(), "{name} {spec:?}: {again:?}");
                assert_eq!(again.orientation, 1);
                if !matches!(spec, RenditionSpec::Thumbnail { .. }) {
                    assert_eq!((again.width, again.height), (picture.width, picture.height));
                }
            }
            _ => assert!(rendition.is_err() || spec == RenditionSpec::Original, "{name} {spec:?}"),
        }
    }
}
