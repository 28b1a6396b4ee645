//! The demo's files, and the shape of what is said of them.

use crate::{
    server::Server,
    site::Site,
    upload::{has_reason, sha256},
};
use serde_json::Value;
use std::collections::BTreeMap;

#[path = "../../examples/demo/files.rs"]
pub mod files;

/// By verdict, the state that it leaves the upload in.
const STATES: [(&str, &str); 3] =
    [("publish", "published"), ("review", "in_review"), ("quarantine", "quarantined")];

#[tokio::test]
async fn each_file_of_the_demo_gets_its_verdict_and_scan_says_the_same() {
    let site = Site::new("");
    let server = Server::ready(&site).await;
    let mut told = BTreeMap::new();
    for file in files::all() {
        let name = file.name;
        let declared = server.post(name, &file.bytes).header("Content-Type", file.media_type).send();
        let id = crate::upload::accepted(declared.await.unwrap()).await;
        let upload = server.settled(&id).await;
        let verdict = upload["verdict"].as_str().unwrap();
        assert!(file.expected.contains(&verdict), "{name}: {upload}");
        assert!(STATES.contains(&(verdict, upload["state"].as_str().unwrap())), "{upload}");
        assert_eq!(upload["verdict_detail"]["type"]["declared"], file.media_type);
        assert_eq!(upload["verdict_detail"]["sha256"], sha256(&file.bytes));
        assert_eq!(upload["sha256"], sha256(&file.bytes));
        assert_eq!(upload["verdict_number"], 1);
        check_renditions(&server, &id, &upload, file.original).await;

        site.write(&format!("files/{name}"), &file.bytes);
        // As `scan` sees it: nobody says what it is.
        let mut detail = server.verdict_on(name, &file.bytes).await["verdict_detail"].take();
        // Frames of what moves are kept for moderators, who are none of a scan's.
        if let Some(film) = detail.get_mut("film") {
            assert!(film.as_object_mut().unwrap().remove("sheet").is_some(), "{name}: {film}");
        }
        told.insert(name, detail);
    }

    let folder = site.path("files");
    let scan = site.run(&["scan", "--json", folder.to_str().unwrap()]).await;
    assert_eq!(scan.code(), 1, "{scan:?}");
    let lines = scan.json();
    assert_eq!(lines.len(), told.len());
    for mut line in lines {
        let line = line.as_object_mut().unwrap();
        let path = line.remove("path").unwrap();
        assert!(line.remove("elapsed_ms").unwrap().is_u64());
        let name = path.as_str().unwrap().rsplit('/').next().unwrap();
        assert_eq!(&Value::Object(line.clone()), &told[name], "{name}");
    }
    assert!(has_reason(&told["eicar.zip"], "antivirus.infected"));
    assert!(has_reason(&told["secret.zip"], "coverage.antivirus.partial"));
    assert!(has_reason(&told["over-the-limit.zip"], "coverage.antivirus.partial"));
    assert!(has_reason(&told["funny-cat.jpg"], "type.executable"));
    assert!(has_reason(&told["with-a-zip-behind.jpg"], "structure.embedded"));
}

async fn check_renditions(server: &Server, id: &str, upload: &Value, check: Option<files::Check>) {
    let renditions = upload["renditions"].as_array().unwrap();
    assert_eq!(upload["verdict"] == "publish", !renditions.is_empty(), "{upload}");
    for rendition in renditions {
        let name = rendition["name"].as_str().unwrap();
        let url = server.signed_url(id, name).await;
        let (status, bytes) = server.fetch(&url).await;
        assert_eq!((status, &rendition["sha256"]), (200, &Value::from(sha256(&bytes))), "{name}: {upload}");
        if let Some(check) = check.filter(|_| name == "original") {
            check(&bytes).unwrap();
        }
    }
}
