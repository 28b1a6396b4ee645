//! The model or the ONNX Runtime missing or corrupt: pictures wait, `doctor` says what to do, and what an operator puts
//! in place is taken up without a restart.

use crate::{
    samples,
    server::Server,
    site::{Ran, Site},
};
use serde_json::Value;
use std::os::unix::fs::symlink;

/// What `doctor` says of one part.
fn part(doctor: &Ran, name: &str) -> (bool, String) {
    let lines = doctor.json();
    let line: &Value = lines.iter().find(|line| line["part"] == name).unwrap_or_else(|| panic!("{doctor:?}"));
    (line["healthy"].as_bool().unwrap(), line["advice"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn with_a_damaged_model_pictures_wait_and_the_mended_one_is_taken_up() {
    let site = Site::new("[models]\nfolder = \"models\"\n[pipeline]\nattempts = 1\nretry = \"100ms\"");
    let folder = site.path("models");
    samples::copy(&samples::models(), &folder);
    let model = folder.join("nsfw-mobilenet-v2/model.onnx");
    let good = std::fs::read(&model).unwrap();
    let mut bad = good.clone();
    bad[5_000_000] ^= 1;
    std::fs::write(&model, &bad).unwrap();

    let doctor = site.run(&["doctor", "--json"]).await;
    assert_eq!(doctor.code(), 1, "{doctor:?}");
    let (healthy, advice) = part(&doctor, "models");
    assert!(!healthy && advice.contains("SHA-256"), "{advice}");
    assert!(part(&doctor, "clamav").0 && part(&doctor, "onnxruntime").0);
    let verify = site.run(&["models", "verify"]).await;
    assert!(verify.code() == 1 && verify.err().contains("SHA-256"), "{verify:?}");

    let server = Server::start(&site).await;
    let picture = server.upload("a.jpg", &samples::photo(1)).await;
    let text = server.verdict_on("a.txt", &samples::text(1)).await;
    assert_eq!(text["state"], "published", "a text needs no model: {text}");
    let why = server.waiting(&picture, "SHA-256").await;
    assert!(why.contains("nsfw-mobilenet-v2"), "{why}");
    let trouble = server.trouble().await.unwrap();
    assert!(trouble.contains("nsfw-mobilenet-v2"), "{trouble}");

    // Gone altogether is no better.
    std::fs::remove_file(&model).unwrap();
    server.waiting(&picture, "no such file").await;
    assert!(site.objects("published").iter().all(|name| !name.starts_with(&picture)));

    std::fs::write(&model, &good).unwrap();
    let settled = server.settled(&picture).await;
    assert_eq!(settled["state"], "published", "{settled}");
    server.until_ready().await;
    let doctor = site.run(&["doctor", "--json"]).await;
    assert_eq!(doctor.code(), 0, "{doctor:?}");
}

#[tokio::test]
async fn without_the_runtime_everything_waits_and_what_is_put_in_place_is_taken_up() {
    let site = Site::new("[models]\nruntime = \"onnx.so\"\n[pipeline]\nattempts = 1\nretry = \"100ms\"");
    let doctor = site.run(&["doctor", "--json"]).await;
    assert_eq!(doctor.code(), 1, "{doctor:?}");
    for name in ["onnxruntime", "magika", "models"] {
        let (healthy, advice) = part(&doctor, name);
        assert!(!healthy && advice.contains("scripts/setup.sh"), "{name}: {advice}");
    }

    let server = Server::start(&site).await;
    let ids =
        [server.upload("a.jpg", &samples::photo(2)).await, server.upload("a.txt", &samples::text(2)).await];
    for id in &ids {
        let why = server.waiting(id, "onnx").await;
        assert!(why.contains("scripts/setup.sh"), "{why}");
    }
    assert!(server.trouble().await.unwrap().contains("scripts/setup.sh"));
    // One that is cut short, as by a copy under way, is told from a whole one.
    let whole = std::fs::read(samples::runtime()).unwrap();
    std::fs::write(site.path("onnx.so"), &whole[..whole.len() / 2]).unwrap();
    server.waiting(&ids[1], "is cut short").await;
    assert!(site.objects("published").is_empty());

    symlink(samples::runtime(), site.path("whole.so")).unwrap();
    std::fs::rename(site.path("whole.so"), site.path("onnx.so")).unwrap();
    for id in &ids {
        assert_eq!(server.settled(id).await["state"], "published");
    }
}
