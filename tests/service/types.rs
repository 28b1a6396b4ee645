//! What is published is what it says it is, and nothing that nobody could look at is published at all.

use crate::{samples, server::Server, site::Site, upload::has_reason};
use futures_util::{StreamExt, stream};
use lazaret_fixtures::{each, film, picture, still};
use rustix::process::Signal;
use std::{fs, path::Path};

/// Every type is allowed, and every rule says publish.
const ALL: &str = "[types]\nallow = [\"*/*\"]\n";
const POLICY: &str = "[[rule]]\nname = \"all\"\nwhen = 'true'\nverdict = \"publish\"\n";
const TABLE: &str = include_str!("../../workers/inspect/tests/data/types.tsv");

async fn permissive(site: &Site) -> Server {
    site.write("all.toml", POLICY.as_bytes());
    let server = Server::ready(site).await;
    let applied = site.run(&["policy", "apply", "all.toml", "--tenant", "acme"]).await;
    assert_eq!(applied.code(), 0, "{applied:?}");
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_is_published_under_a_type_that_is_not_its_own() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/types");
    let corpus = TABLE.lines().filter(|row| !row.starts_with('#')).filter_map(|row| {
        let [_, path, types] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row}") };
        fs::read(folder.join(path)).ok().map(|bytes| (types.to_owned(), bytes))
    });
    let made = each::all().into_iter().map(|file| (file.media_type.to_owned(), file.bytes));
    let files: Vec<(String, Vec<u8>)> =
        corpus.chain(made).filter(|(_, bytes)| bytes.len() < 4 << 20).collect();
    let site = Site::new(ALL);
    let server = permissive(&site).await;
    // Under no name, and under those of two others.
    let sent = files.iter().flat_map(|file| ["file", "photo.jpg", "notes.txt"].map(|name| (file, name)));
    let mut verdicts = stream::iter(sent)
        .map(|((types, bytes), name)| {
            let server = &server;
            async move { (types, name, server.verdict_on(name, bytes).await) }
        })
        .buffer_unordered(6);
    let mut published = 0;
    while let Some((types, name, upload)) = verdicts.next().await {
        for copy in upload["renditions"].as_array().into_iter().flatten() {
            published += 1;
            let served = copy["media_type"].as_str().unwrap();
            // A thumbnail or a poster is a picture of what it shows.
            let poster = copy["name"] == "thumbnail" && served.starts_with("image/");
            // And so is every copy of what is decoded and not written.
            let items = ["image/avif", "image/heic"].contains(&types.as_str());
            let remade = items && ["image/jpeg", "image/png"].contains(&served);
            let own = types.split(' ').any(|t| t == served);
            assert!(poster || remade || own && !items, "{name}, {types}: {upload}");
        }
    }
    assert!(published > 20, "only {published}");
}

#[tokio::test]
async fn what_nobody_decodes_is_never_published() {
    let site = Site::new(ALL);
    let server = permissive(&site).await;
    for (name, bytes, why) in [
        ("a.avif", film::heif(b"avif", b""), "media.undecodable"),
        ("a.heic", film::heif(b"heic", b""), "media.undecodable"),
        ("a.bmp", still::bmp(9, 7), "image.unsupported"),
        ("a.tiff", still::tiff(&[]), "image.unsupported"),
    ] {
        let upload = server.verdict_on(name, &bytes).await;
        assert_eq!(upload["state"], "in_review", "{name}: {upload}");
        assert!(upload.to_string().contains(why), "{name}: {upload}");
    }
    assert_eq!(site.objects("published"), Vec::<String>::new());
}

/// Switched off is the look at a picture, not the making of its copies.
#[tokio::test]
async fn pictures_and_films_are_published_as_copies_alone() {
    let off = |check: &str, family: &str| {
        format!("[[checks.off]]\ncheck = \"{check}\"\nmedia_type = \"{family}/*\"\nbecause = \"a test\"\n")
    };
    let site = Site::new(&[ALL, &off("image", "image"), &off("video", "video")].concat());
    let server = permissive(&site).await;
    let photo = picture::as_from_a_camera(&samples::photo(1), 6);
    let upload = server.verdict_on("photo.jpg", &photo).await;
    assert_eq!(upload["state"], "published", "{upload}");
    let url = server.signed_url(upload["id"].as_str().unwrap(), "original").await;
    let (status, bytes) = server.fetch(&url).await;
    assert!(status == 200 && !bytes.windows(4).any(|w| w == b"Exif"), "its metadata was published");
    for (name, bytes) in
        [("a.bmp", still::bmp(9, 7)), ("a.avif", film::heif(b"avif", b"")), ("a.mp4", film::mp4())]
    {
        let upload = server.verdict_on(name, &bytes).await;
        assert_eq!(upload["state"], "in_review", "{name}: {upload}");
        let detail = &upload["verdict_detail"];
        // Nobody can, or who could cannot make one of this file.
        let withheld = has_reason(detail, "publish.no_copy") || has_reason(detail, "rendition.failed");
        assert!(withheld || detail["reasons"].to_string().contains("coverage."), "{name}: {upload}");
    }
    let upload = server.verdict_on("a.bmp", &still::bmp(9, 7)).await;
    assert!(has_reason(&upload["verdict_detail"], "publish.no_copy"), "{upload}");
}

/// A text that is a zip from its ninth kilobyte on.
#[tokio::test]
async fn a_text_that_goes_on_as_an_archive_is_not_published() {
    let site = Site::new("");
    let server = Server::ready(&site).await;
    let mut zip = lazaret_fixtures::Zip::default().stored("a.txt", b"hidden").finish();
    let (length, prose) = (zip.len(), "It was a dark and stormy night. ".repeat(300).into_bytes());
    zip[length - 2..].copy_from_slice(&u16::try_from(prose.len()).unwrap().to_le_bytes());
    let file = [&prose[..], &zip, &prose].concat();
    let upload = server.verdict_on("notes.txt", &file).await;
    assert_ne!(upload["state"], "published", "{upload}");
    assert!(upload.to_string().contains("structure.embedded"), "{upload}");
    assert_eq!(server.verdict_on("notes.txt", &prose).await["state"], "published");
}

/// Whoever keeps the name of a download keeps what opens it.
#[tokio::test]
async fn text_is_not_published_under_the_name_of_what_acts() {
    let site = Site::new("");
    let server = Server::ready(&site).await;
    let text = samples::text(4);
    for name in ["page.html", "page.xhtml", "picture.svg", "index.php"] {
        let upload = server.verdict_on(name, &text).await;
        assert_eq!(upload["state"], "in_review", "{name}: {upload}");
        assert!(upload.to_string().contains("type.extension"), "{name}: {upload}");
    }
    for name in ["run.js", "query.iqy", "table.slk", "desk.rdp", "app.jnlp", "run.command"] {
        let upload = server.verdict_on(name, &text).await;
        assert_eq!(upload["state"], "quarantined", "{name}: {upload}");
        assert!(upload.to_string().contains("type.executable.name"), "{name}: {upload}");
    }
    for name in ["notes.txt", "notes", "notes.log"] {
        assert_eq!(server.verdict_on(name, &text).await["state"], "published", "{name}");
    }
}

/// Bombs, and children that are killed and stopped, cost their own files.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_photos_settle_beside_bombs_and_children_that_end() {
    let site = Site::new("[media]\nwall = \"15s\"\nchildren = 4\n");
    let server = Server::ready(&site).await;
    let bombs = [("heavy.gif", samples::heavy()), ("large.gif", picture::long_animation(8_000, 8_000, 1))];
    let mut ids = Vec::new();
    for n in 0..100 {
        if n % 25 == 0 {
            for (name, bytes) in &bombs {
                ids.push((false, server.upload(name, bytes).await));
            }
        }
        ids.push((true, server.upload("photo.jpg", &samples::photo(n)).await));
        if n % 20 == 10 {
            let signal = if n % 40 == 10 { Signal::KILL } else { Signal::STOP };
            if let Some(child) = server.children().into_iter().find(|child| child.is_busy()) {
                child.signal(signal);
            }
        }
    }
    let mut published = 0;
    for (good, id) in &ids {
        let upload = server.settled(id).await;
        published += usize::from(*good && upload["state"] == "published");
    }
    // Five children were struck, and each was at work on one file.
    assert!(published >= 95, "{published} of 100");
}
