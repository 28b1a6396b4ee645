//! Law 1: only published bytes are reachable; law 5: hostile bytes are decoded elsewhere.

use crate::{samples, server::Server, site::Site, upload::sha256};
use lazaret_fixtures::{Zip, eicar, picture};
use serde_json::Value;
use std::process::Command;

#[tokio::test]
async fn only_published_bytes_are_reachable_and_only_while_they_are_published() {
    let site = Site::new("[watermark]\ntext = \"lazaret\"");
    let server = Server::ready(&site).await;
    let photo = picture::as_from_a_camera(&samples::photo(1), 6);
    let published = [
        server.verdict_on("photo.jpg", &photo).await,
        server.verdict_on("letter.txt", &samples::text(1)).await,
    ];
    let zip = Zip::default().encrypted("a.txt", b"secret").finish();
    let withheld =
        [server.verdict_on("eicar.txt", &eicar()).await, server.verdict_on("secret.zip", &zip).await];

    // What lies in the published zone is what the renditions say, and nothing else lies there.
    let mut expected = Vec::new();
    for upload in &published {
        assert_eq!(upload["state"], "published", "{upload}");
        for rendition in upload["renditions"].as_array().unwrap() {
            let (id, name) = (upload["id"].as_str().unwrap(), rendition["name"].as_str().unwrap());
            let (status, bytes) = server.fetch(&server.signed_url(id, name).await).await;
            assert_eq!((status, sha256(&bytes)), (200, rendition["sha256"].as_str().unwrap().to_owned()));
            expected.push(sha256(&bytes));
        }
    }
    let names = |upload: &Value| upload["renditions"].as_array().unwrap().len();
    assert_eq!((names(&published[0]), names(&published[1])), (3, 1));
    // What is no picture is published as it came; of a picture, a copy without its metadata.
    assert_eq!(published[1]["renditions"][0]["sha256"], published[1]["sha256"]);
    assert_ne!(published[0]["renditions"][0]["sha256"], published[0]["sha256"]);
    let mut found: Vec<String> = site.contents("published").iter().map(|bytes| sha256(bytes)).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(site.objects("held").len(), 4);

    for (upload, state) in withheld.iter().zip(["quarantined", "in_review"]) {
        let id = upload["id"].as_str().unwrap();
        assert_eq!((&upload["state"], names(upload)), (&state.into(), 0), "{upload}");
        assert!(site.objects("published").iter().all(|name| !name.starts_with(id)));
        for rendition in ["original", "thumbnail", "watermarked"] {
            let refused = server.mint(id, rendition).await;
            assert_eq!(refused.status(), 409);
            let problem: Value = refused.json().await.unwrap();
            assert_eq!(problem["code"], "upload.not_published");
        }
        // A URL that was signed for another upload is good for none but that.
        let url = server.signed_url(published[0]["id"].as_str().unwrap(), "original").await;
        let stolen = url.replace(published[0]["id"].as_str().unwrap(), id);
        assert_eq!(server.fetch(&stolen).await.0, 403);
        // Not even the operator's own command mints one.
        let minted = site.run(&["url", id]).await;
        assert_eq!((minted.code(), minted.out().as_str()), (2, ""), "{minted:?}");
    }

    // Erased: out of reach at the next request, and gone from the disk.
    let id = published[0]["id"].as_str().unwrap();
    let url = server.signed_url(id, "thumbnail").await;
    assert_eq!(server.fetch(&url).await.0, 200);
    server.erase(id).await;
    assert_eq!(server.fetch(&url).await.0, 403);
    assert_eq!(server.mint(id, "original").await.status(), 409);
    for zone in ["held", "published"] {
        let left = site.objects(zone);
        assert!(!left.is_empty() && left.iter().all(|name| !name.starts_with(id)), "{left:?}");
    }
    let erased = server.show(id).await;
    assert_eq!((&erased["state"], &erased["filename"]), (&"erased".into(), &Value::Null), "{erased}");
}

/// Law 5: the service links no decoder; `lazaret-media` alone does, and of films `lazaret-video`.
#[test]
fn the_service_links_no_decoder() {
    let tree = |package: &str| {
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--locked",
                "--offline",
                "--edges",
                "normal",
                "--prefix",
                "none",
                "--package",
                package,
            ])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let decoders =
        ["turbojpeg", "image", "png", "gif", "webp", "image-webp", "lazaret-media", "lazaret-watermark"];
    let linked = |tree: &str| -> Vec<&str> {
        let names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
        decoders.into_iter().filter(|decoder| names.contains(decoder)).collect()
    };
    assert_eq!(linked(&tree("lazaret")), Vec::<&str>::new());
    assert_eq!(linked(&tree("lazaret-media")), decoders);
    let films = |package| tree(package).lines().any(|line| line.starts_with("ffmpeg-next "));
    assert!(films("lazaret-video") && !films("lazaret-media") && !films("lazaret"));
}
