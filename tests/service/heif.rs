//! AVIF and HEIF: what a telephone sends is judged, and published as a copy that every reader knows.

use crate::{
    samples,
    server::Server,
    site::Site,
    upload::{coverage, has_reason},
};
use lazaret_fixtures::{
    Noise, Zip,
    heif::{Item, avif, phone},
};
use serde_json::{Value, json};

fn garbage(tile: &mut Item) {
    let mut noise = Noise::new(3);
    tile.data = (0..tile.data.len()).map(|_| noise.below(256) as u8).collect();
}

#[tokio::test]
async fn a_telephones_pictures_are_published_as_inert_copies() {
    let site = Site::new("[renditions]\nthumbnail = 48\n");
    let server = Server::ready(&site).await;
    for (name, bytes, size) in [("IMG_1.HEIC", phone(|_| ()), (90, 120)), ("a.avif", avif(), (64, 48))] {
        let upload = server.verdict_on(name, &bytes).await;
        assert_eq!(upload["state"], "published", "{upload}");
        let detail = &upload["verdict_detail"];
        assert_eq!(coverage(detail, "image"), ("complete", ""), "{upload}");
        assert!(detail["labels"]["nsfw-mobilenet-v2.porn"].is_f64(), "{upload}");
        // What a camera wrote of itself is told of the upload, and that it says a place.
        let camera =
            if name == "IMG_1.HEIC" { json!({ "camera": "SECRET", "located": true }) } else { Value::Null };
        assert_eq!(detail["picture"]["metadata"], camera, "{upload}");
        let renditions = upload["renditions"].as_array().unwrap();
        assert!(!renditions.is_empty(), "{upload}");
        for copy in renditions {
            let kind = copy["name"].as_str().unwrap();
            let url = server.signed_url(upload["id"].as_str().unwrap(), kind).await;
            let answer = server.client.get(url).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
            assert_eq!(
                (header("content-type"), header("x-content-type-options")),
                ("image/jpeg".into(), "nosniff".into())
            );
            let disposition = header("content-disposition");
            assert!(disposition.starts_with("inline") && disposition.contains(".jpg"), "{disposition}");
            let copy = answer.bytes().await.unwrap();
            assert!(copy.starts_with(b"\xff\xd8\xff"), "{kind}");
            for left in [&b"SECRET"[..], b"Exif", b"hvc1", b"ftyp"] {
                assert!(
                    !copy.windows(left.len()).any(|window| window == left),
                    "{kind}: {}",
                    left.escape_ascii()
                );
            }
            if kind == "original" {
                let image = turbojpeg::read_header(&copy).unwrap();
                assert_eq!((image.width, image.height), size);
            }
        }
    }
}

#[tokio::test]
async fn one_tile_of_garbage_and_nothing_is_published() {
    let site = Site::new("");
    let server = Server::ready(&site).await;
    let short = |tile: &mut Item| tile.data.truncate(tile.data.len() / 2);
    let small = |tile: &mut Item| tile.properties[1].0[15] -= 1;
    for (name, bytes) in
        [("garbage.heic", phone(garbage)), ("short.heic", phone(short)), ("small.heic", phone(small))]
    {
        let upload = server.verdict_on(name, &bytes).await;
        assert_eq!(upload["state"], "in_review", "{name}: {upload}");
        let (how, why) = coverage(&upload["verdict_detail"], "image");
        assert!(how == "failed" && why.starts_with("media.undecodable"), "{name}: {upload}");
        assert!(upload.to_string().contains("lazaret-video/"), "{name}: {upload}");
    }
    assert_eq!(site.objects("published"), Vec::<String>::new());
}

/// Members are published as they came.
#[tokio::test]
async fn within_an_archive_other_pictures_count() {
    let site = Site::new("");
    let server = Server::ready(&site).await;
    let plain = server.verdict_on("a.zip", &Zip::default().stored("a.avif", &avif()).finish()).await;
    assert_eq!(plain["state"], "published", "{plain}");
    let beside = server.verdict_on("b.zip", &Zip::default().stored("b.heic", &phone(|_| ())).finish()).await;
    assert_eq!(beside["state"], "in_review", "{beside}");
    assert!(coverage(&beside["verdict_detail"], "image").1.starts_with("embedded"), "{beside}");
}

#[tokio::test]
async fn the_scan_sees_them_too() {
    let site = Site::new("");
    site.write("phone.heic", &phone(|_| ()));
    site.write("spoilt.heic", &phone(garbage));
    site.write("a.jpg", &samples::photo(3));
    let scan = site.run(&["scan", "--json", "a.jpg", "phone.heic", "spoilt.heic"]).await;
    let [_, phone, spoilt] = &scan.json()[..] else { panic!("{scan:?}") };
    assert_eq!((phone["verdict"].as_str(), coverage(phone, "image")), (Some("publish"), ("complete", "")));
    assert_eq!(phone["perceptual_hash"].as_str().map(str::len), Some(16), "{phone}");
    assert_eq!(phone["type"]["media_type"], "image/heic");
    assert_eq!((spoilt["verdict"].as_str(), coverage(spoilt, "image").0), (Some("review"), "failed"));
}

/// A picture whose check is switched off is made anew all the same.
#[tokio::test]
async fn without_a_look_a_copy_is_made_all_the_same() {
    let off = "[[checks.off]]\ncheck = \"image\"\nmedia_type = \"image/*\"\nbecause = \"a test\"\n";
    let site = Site::new(off);
    let server = Server::ready(&site).await;
    let upload = server.verdict_on("a.avif", &avif()).await;
    assert_eq!(upload["state"], "published", "{upload}");
    assert!(upload["renditions"].as_array().unwrap().iter().all(|copy| copy["media_type"] == "image/jpeg"));
    let spoilt = server.verdict_on("b.heic", &phone(garbage)).await;
    assert_eq!(spoilt["state"], "in_review", "{spoilt}");
    assert!(has_reason(&spoilt["verdict_detail"], "rendition.failed"), "{spoilt}");
}
