//! Films through the public door: with a model of the tests' own that knows nothing but colours, and with the real one.

use crate::{
    colours::write_model,
    samples,
    server::Server,
    site::Site,
    upload::{coverage, has_reason, sha256},
};
use lazaret_fixtures::Zip;
use serde_json::Value;
use std::{fs, process::Command};

/// Red beyond doubt is out, and red in all likelihood is for people.
const POLICY: &str = r#"
[[rule]]
name = "red"
when = 'score("tiny.red") >= 0.98'
verdict = "quarantine"

[[rule]]
name = "reddish"
when = 'score("tiny.red") >= 0.9'
verdict = "review"

[[rule]]
name = "rest"
when = 'true'
verdict = "publish"
"#;

/// A site whose only model is the tests' own.
pub fn colours(settings: &str) -> Site {
    let site = Site::new(&format!("[models]\nfolder = \"models\"\n{settings}"));
    write_model(&site);
    site.write("policy.toml", POLICY.as_bytes());
    site
}

/// A film that `ffmpeg` makes, with these arguments.
pub fn film(site: &Site, name: &str, arguments: &str) -> Vec<u8> {
    let path = site.path(name);
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-y", "-loglevel", "error"])
        .args(arguments.split(' '))
        .arg(&path)
        .current_dir(site.path(""))
        .output()
        .expect("ffmpeg is not installed; run scripts/setup.sh");
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    fs::read(path).unwrap()
}

const CODED: &str = "-c:v libx264 -preset veryfast -g 250 -sc_threshold 0 -pix_fmt yuv420p";

/// `seconds` of blue, and of `colour` between `from` and `to`.
pub fn blue(site: &Site, name: &str, seconds: u32, colour: &str, (from, to): (f32, f32)) -> Vec<u8> {
    let change = format!("drawbox=t=fill:color={colour}:enable='between(t,{from},{to})'");
    film(
        site,
        name,
        &format!("-f lavfi -i color=blue:size=160x90:rate=25:duration={seconds} -vf {change} {CODED}"),
    )
}

/// A photo that moves a little, with sound, and with the place where it was taken.
fn photo(site: &Site) -> Vec<u8> {
    site.write("photo.jpg", &samples::photo(1));
    film(
        site,
        "photo.mp4",
        &format!(
            "-loop 1 -framerate 25 -t 5 -i photo.jpg -f lavfi -i sine=duration=5 -shortest {CODED} -c:a aac \
             -metadata location=+48.1+11.5/ -metadata title=secret \
             -metadata creation_time=2024-07-01T12:00:00Z"
        ),
    )
}

async fn scan(site: &Site, names: &[&str]) -> Vec<Value> {
    let arguments = [&["scan", "--json", "--policy", "policy.toml"], names].concat();
    let scan = site.run(&arguments).await;
    assert_eq!(scan.json().len(), names.len(), "{scan:?}");
    scan.json()
}

fn labelled(detail: &Value, code: &str) -> Vec<Value> {
    let findings = detail["findings"].as_array().unwrap().iter();
    findings.filter(|finding| finding["code"] == code).cloned().collect()
}

#[tokio::test]
async fn a_film_is_published_with_copies_that_say_nothing_of_it() {
    let site = Site::new("[watermark]\ntext = \"mine\"");
    let clip = photo(&site);
    let scan = site.run(&["scan", "--json", "photo.mp4"]).await;
    let line = &scan.json()[0];
    assert_eq!(line["verdict"], "publish", "{line}");
    for check in ["type", "structure", "antivirus", "video"] {
        assert_eq!(coverage(line, check), ("complete", ""), "{line}");
    }
    assert_eq!(coverage(line, "image").0, "not_applicable");
    assert_eq!((&line["film"]["sound"], &line["film"]["frames_total"]), (&"not_checked".into(), &125.into()));
    assert!(line["labels"]["nsfw-mobilenet-v2.porn"].is_number(), "{line}");

    let server = Server::ready(&site).await;
    let upload = server.verdict_on("photo.mp4", &clip).await;
    assert_eq!(upload["state"], "published", "{upload}");
    let id = upload["id"].as_str().unwrap();
    let types = [("original", "video/mp4"), ("watermarked", "video/mp4"), ("thumbnail", "image/jpeg")];
    for (name, media_type) in types {
        let renditions = upload["renditions"].as_array().unwrap();
        let rendition = renditions.iter().find(|r| r["name"] == name).unwrap_or_else(|| panic!("{upload}"));
        assert_eq!(rendition["media_type"], media_type);
        let (status, bytes) = server.fetch(&server.signed_url(id, name).await).await;
        assert_eq!((status, &rendition["sha256"]), (200, &sha256(&bytes).into()), "{name}");
        let told = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
        assert!(!told(b"secret") && !told(b"48.1"), "{name}");
    }
    server.erase(id).await;
    assert!(site.objects("held").is_empty() && site.objects("published").is_empty());
}

/// GIF, PNG and WebP that move are films in all but name.
#[tokio::test]
async fn an_animation_is_told_and_shown_like_a_film() {
    let site = colours("");
    let server = Server::ready(&site).await;
    let applied = site.run(&["policy", "apply", "policy.toml", "--tenant", "acme"]).await;
    assert_eq!(applied.code(), 0, "{applied:?}");
    let red = "drawbox=t=fill:color=red:enable='between(t,1,1.9)'";
    let moving = format!("-f lavfi -i color=blue:size=64x36:rate=10:duration=3 -vf {red}");
    let kinds =
        [("red.gif", "-f gif"), ("red.png", "-f apng -plays 0"), ("red.webp", "-c:v libwebp_anim -f webp")];
    for (name, coded) in kinds {
        let animation = film(&site, name, &format!("{moving} {coded}"));
        let upload = server.verdict_on(name, &animation).await;
        assert_eq!(upload["state"], "quarantined", "{upload}");
        let detail = &upload["verdict_detail"];
        assert_eq!(coverage(detail, "image"), ("complete", ""), "{detail}");
        let findings = labelled(detail, "image.label");
        assert_eq!(findings.len(), 1, "{detail}");
        let at = &findings[0]["evidence"];
        assert_eq!((&at["kind"], at["from_ms"].as_u64()), (&"time".into(), Some(1_000)), "{findings:?}");
        let film = &detail["film"];
        assert_eq!(
            (&film["width"], &film["height"], &film["sound"]),
            (&64.into(), &36.into(), &"none".into())
        );
        assert_eq!(film["duration_ms"], 3_000, "{name}: {film}");
        // What looks alike to a model is shown to it, and to a person, once.
        let frames = film["sheet"]["frames"].as_array().unwrap();
        let shown: Vec<_> = frames.iter().map(|frame| frame["at_ms"].as_u64().unwrap()).collect();
        assert!(shown.contains(&0) && shown.contains(&1_000) && shown.len() >= 3, "{name}: {film}");
        assert!(frames.iter().all(|frame| frame["taken"] == "each"), "{film}");
        let kept = site.contents("held").into_iter().find(|bytes| film["sheet"]["sha256"] == sha256(bytes));
        assert!(kept.unwrap().starts_with(b"\xff\xd8"), "{name}");
        server.erase(upload["id"].as_str().unwrap()).await;
    }
    assert!(site.objects("held").is_empty(), "{:?}", site.objects("held"));
    // A picture that does not move is told as a picture.
    let still = server.verdict_on("photo.jpg", &samples::photo(1)).await;
    assert!(still["verdict_detail"]["film"].is_null(), "{still}");
}

#[tokio::test]
async fn two_seconds_of_red_are_found_told_and_kept_for_the_moderator() {
    let site = colours("");
    let clip = blue(&site, "red.mp4", 10, "red", (4.0, 6.0));
    let line = scan(&site, &["red.mp4"]).await.remove(0);
    assert_eq!((&line["verdict"], &line["reasons"][0]), (&"quarantine".into(), &"red".into()), "{line}");

    let server = Server::ready(&site).await;
    let applied = site.run(&["policy", "apply", "policy.toml", "--tenant", "acme"]).await;
    assert_eq!(applied.code(), 0, "{applied:?}");
    let upload = server.verdict_on("red.mp4", &clip).await;
    assert_eq!(upload["state"], "quarantined", "{upload}");
    let detail = &upload["verdict_detail"];
    let finding = &labelled(detail, "video.label")[0];
    assert!(finding["detail"].as_str().unwrap().starts_with("tiny.red "), "{finding}");
    assert!(finding["score"].as_f64().unwrap() >= 0.98, "{finding}");
    let at = &finding["evidence"];
    assert_eq!(at["kind"], "time");
    for key in ["from_ms", "to_ms", "at_ms"] {
        assert!((4_000..=6_000).contains(&at[key].as_u64().unwrap()), "{finding}");
    }
    // One frame was enough: what is behind it was not looked at.
    assert_eq!(coverage(detail, "video").0, "partial");
    assert!(coverage(detail, "video").1.starts_with("decided"), "{detail}");

    let id = upload["id"].as_str().unwrap();
    let sheet = &detail["film"]["sheet"];
    let frames = sheet["frames"].as_array().unwrap();
    assert!(frames.iter().any(|frame| frame["frame"] == at["frame"]), "{sheet}");
    let kept = site.contents("held").into_iter().find(|bytes| sheet["sha256"] == sha256(bytes));
    assert!(kept.unwrap().starts_with(b"\xff\xd8"));
    assert!(site.objects("published").is_empty());
    // No URL leads to it, and it goes with the upload.
    assert!(server.mint(id, "sheet").await.status().is_client_error());
    server.erase(id).await;
    assert!(site.objects("held").is_empty(), "{:?}", site.objects("held"));
}

#[tokio::test]
async fn around_what_is_close_to_a_threshold_it_is_looked_at_more_closely() {
    // Red by 0.86, and by 0.92 for a fifth of a second: no other scene, and too short to be met by chance.
    let settings = "[video]\nrandom_every = \"0s\"\nmax_gap = \"4s\"\nnear_gap = \"80ms\"\n";
    let film = |site: &Site| {
        film(
            site,
            "dark.mp4",
            &format!(
                "-f lavfi -i color=0x7D0000:size=160x90:rate=25:duration=10 \
                 -vf drawbox=t=fill:color=0x9D0000:enable='between(t,5.4,5.6)' {CODED} -crf 5"
            ),
        )
    };
    let site = colours(settings);
    film(&site);
    let line = scan(&site, &["dark.mp4"]).await.remove(0);
    assert_eq!((&line["verdict"], &line["reasons"][0]), (&"review".into(), &"reddish".into()), "{line}");
    let at = labelled(&line, "video.label")[0]["evidence"]["at_ms"].as_u64().unwrap();
    assert!((5_350..=5_650).contains(&at), "{line}");
    // Who does not look closer does not see it.
    let site = colours(&format!("{settings}near = 0.0"));
    film(&site);
    let line = scan(&site, &["dark.mp4"]).await.remove(0);
    assert_eq!(line["verdict"], "publish", "{line}");
}

/// Regression: of many stretches near a threshold 24 were looked at more closely, and the film was called clean.
#[tokio::test]
async fn every_stretch_close_to_a_threshold_is_looked_at_more_closely() {
    let settings = "[video]\nrandom_every = \"0s\"\nmax_gap = \"4s\"\nnear_gap = \"80ms\"\n";
    // Thirty times red by 0.86, blue and green; in the last red by 0.92 for a fifth of a second.
    let film = |site: &Site| {
        film(
            site,
            "often.mp4",
            &format!(
                "-f lavfi -i color=blue:size=160x90:rate=25:duration=54 \
                 -vf drawbox=t=fill:color=lime:enable='gte(mod(t,1.8),1.2)',\
                 drawbox=t=fill:color=0x7D0000:enable='lt(mod(t,1.8),0.6)',\
                 drawbox=t=fill:color=0x9D0000:enable='between(t,52.4,52.6)' {CODED} -crf 5"
            ),
        )
    };
    let site = colours(settings);
    film(&site);
    let line = scan(&site, &["often.mp4"]).await.remove(0);
    assert_eq!((&line["verdict"], &line["reasons"][0]), (&"review".into(), &"reddish".into()), "{line}");
    let at = labelled(&line, "video.label")[0]["evidence"]["at_ms"].as_u64().unwrap();
    assert!((52_350..=52_650).contains(&at), "{line}");
    // Where there are not frames enough for all of them it is told.
    let site = colours(&format!("{settings}max_frames = 110\n"));
    film(&site);
    let line = scan(&site, &["often.mp4"]).await.remove(0);
    assert_eq!(line["verdict"], "review", "{line}");
    assert!(line.to_string().contains("limit.frames"), "{line}");
}

#[tokio::test]
async fn what_is_over_a_limit_damaged_or_no_film_is_for_people() {
    let site = colours("[video]\nmax_frames = 3\n");
    blue(&site, "long.mp4", 20, "blue", (0.0, 1.0));
    film(&site, "sound.mp4", "-f lavfi -i sine=duration=1 -c:a aac");
    let mut torn = blue(&site, "torn.mp4", 4, "green", (1.0, 2.0));
    let data = torn.windows(4).position(|w| w == b"mdat").unwrap() + 4;
    torn[data + 60..data + 200].fill(0xff);
    site.write("torn.mp4", &torn);
    site.write("list.mp4", b"#EXTM3U\n#EXTINF:9,\n/etc/passwd\n#EXT-X-ENDLIST\n");
    let names = ["long.mp4", "sound.mp4", "torn.mp4", "list.mp4"];
    let lines = scan(&site, &names).await;
    for (line, name) in lines.iter().zip(names) {
        assert_ne!(line["verdict"], "publish", "{name}: {line}");
    }
    assert!(has_reason(&lines[0], "coverage.video.partial"), "{}", lines[0]);
    assert!(coverage(&lines[0], "video").1.starts_with("limit.frames"), "{}", lines[0]);
    assert!(coverage(&lines[1], "video").1.starts_with("video.none"), "{}", lines[1]);
}

#[tokio::test]
async fn films_in_archives_are_looked_at_too() {
    let site = colours("");
    let (red, calm) =
        (blue(&site, "red.mp4", 6, "red", (2.0, 4.0)), blue(&site, "calm.mp4", 4, "green", (1.0, 2.0)));
    site.write("red.zip", &Zip::default().stored("in/red.mp4", &red).finish());
    site.write("calm.zip", &Zip::default().stored("calm.mp4", &calm).finish());
    let lines = scan(&site, &["red.zip", "calm.zip"]).await;
    assert_eq!(lines[0]["verdict"], "quarantine", "{}", lines[0]);
    // Nobody makes a copy of a member: it would be published with all that a copy leaves out.
    assert_eq!(lines[1]["verdict"], "review", "{}", lines[1]);
    assert!(coverage(&lines[1], "image").1.starts_with("embedded"), "{}", lines[1]);
}
