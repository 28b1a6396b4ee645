//! Files gone wrong, by the thousand, sent to the service as it runs. Whatever they are: it panics nowhere, it keeps no
//! child, its memory is bounded, and what it publishes is whole in the eyes of tools that it does not use itself
//! (ImageMagick, qpdf). Films have no such tool here: FFmpeg's own program takes them apart.
//!
//! `make mutants` sends ten thousand of a seed of its own; `SEED` and `MUTANTS` make the same ones again. With `KEEP`, a
//! folder, those that were published lie there afterwards, and those on which a child fell over.

mod films;
mod memory;
mod outside;

use crate::{
    server::Server,
    site::Site,
    wait::{PATIENCE, until},
};
use futures_util::{StreamExt, stream};
use lazaret_fixtures::{each, mutate::Mutator};
use memory::Memory;
use serde_json::Value;
use std::{collections::BTreeMap, env, fs, path::PathBuf};

/// Of these the service is to make the most: all types, and PDFs without their pictures.
const SETTINGS: &str = r#"
[types]
allow = ["*/*"]
[media]
children = 4
[video]
children = 4
[renditions]
thumbnail = 48
[[checks.off]]
check = "image"
media_type = "application/pdf"
because = "mutants of pdf are to be published"
"#;

/// Kinds that are published where nothing is wrong with them.
const SERVED: [&str; 15] = [
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "image/heic",
    "image/avif",
    "application/pdf",
    "text/plain",
    "application/zip",
    "application/x-tar",
    "application/gzip",
    "video/mp4",
    "video/quicktime",
    "video/webm",
    "video/x-matroska",
];

/// Uploads on their way at a time.
const AT_A_TIME: usize = 12;
const CHILDREN: usize = 4;
/// Resident bytes: of the service and of any one child. Files are small, so that what they take beyond is their fault.
const SERVICE_MOST: u64 = 768 << 20;
const CHILD_MOST: u64 = 512 << 20;

fn number(name: &str, default: u64) -> u64 {
    env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutated_files_break_nothing_and_what_is_published_is_whole() {
    let (count, seed) = (number("MUTANTS", 300), number("SEED", 4));
    println!("{count} mutants of seed {seed}");
    let site = Site::new(SETTINGS);
    let server = Server::ready(&site).await;
    let memory = Memory::watch(server.pid());
    let files = [each::all(), films::all()].concat();
    let uploads = stream::iter(0..count).map(|n| send(&server, &files, seed, n));
    let mut tally = Tally::default();
    let mut uploads = uploads.buffer_unordered(AT_A_TIME);
    while let Some((n, upload)) = uploads.next().await {
        let state = upload["state"].as_str().unwrap_or("refused").to_owned();
        if state == "published" {
            tally.published.push((n, keep(&site, &server, n, &upload).await));
        }
        *tally.states.entry(state).or_default() += 1;
        if tally.count_reasons(n, &upload) {
            let (name, bytes) = mutant(&files, seed, n);
            fs::write(folder(&site).join(format!("{n}-felled-{name}")), bytes).unwrap();
        }
    }
    drop(uploads);

    for name in ["lazaret-media", "lazaret-video"] {
        let children = server.processes().into_iter().filter(|process| process.name == name).count();
        assert!(children <= CHILDREN, "{children} of {name}, and the pool is of {CHILDREN}");
    }
    until("the server answers", async || {
        let (status, body) = server.readyz().await;
        if status == 200 { Ok(()) } else { Err(body) }
    })
    .await;
    let panics: Vec<String> = server.log().into_iter().filter(|line| line.contains("panicked at")).collect();
    let ours: Vec<&String> = panics.iter().filter(|line| !line.contains("a child is replaced")).collect();
    assert!(ours.is_empty(), "{ours:?}");
    let peak = memory.peak();
    println!(
        "{tally}\npeak of the service {} MiB, of one child {} MiB",
        peak.service >> 20,
        peak.child >> 20
    );
    assert!(peak.service <= SERVICE_MOST, "the service took {} MiB", peak.service >> 20);
    assert!(peak.child <= CHILD_MOST, "a child took {} MiB", peak.child >> 20);
    // That no process is left behind is asserted there.
    server.terminate();
    assert!(server.ended().await.success());

    let invalid = outside::invalid(tally.published.iter().flat_map(|(_, kept)| kept));
    assert!(invalid.is_empty(), "seed {seed}: published, and invalid:\n{}", invalid.join("\n"));
    let published = tally.published.len() as u64;
    let films =
        tally.published.iter().flat_map(|(_, kept)| kept).filter(|kept| kept.is_film()).count() as u64;
    assert!(films * 200 > count, "{films} films of {count} published: too few to show anything");
    assert!(published * 50 > count, "{published} of {count} published: too few to show anything");
}

/// The `n`-th mutant of a seed, under its file's name.
fn mutant(files: &[each::File], seed: u64, n: u64) -> (&str, Vec<u8>) {
    let mut draw = Mutator::nth(seed, n);
    let mut pick = || {
        let served: Vec<_> = files.iter().filter(|file| SERVED.contains(&file.media_type)).collect();
        // Three of four are of kinds that may be published at all.
        if draw.below(4) > 0 { served[draw.below(served.len())] } else { &files[draw.below(files.len())] }
    };
    let (file, other) = (pick(), pick());
    (file.name, draw.mutate(&file.bytes, &other.bytes))
}

/// What became of the `n`-th mutant; null where it was not taken.
async fn send(server: &Server, files: &[each::File], seed: u64, n: u64) -> (u64, Value) {
    let (name, bytes) = mutant(files, seed, n);
    let answer = tokio::time::timeout(PATIENCE, server.post(name, &bytes).send()).await;
    let answer = answer.unwrap_or_else(|_| panic!("mutant {n}: no answer")).unwrap();
    if answer.status() != 202 {
        assert!(answer.status().is_client_error() && bytes.is_empty(), "mutant {n}: {answer:?}");
        return (n, Value::Null);
    }
    (n, server.settled(&crate::upload::accepted(answer).await).await)
}

fn folder(site: &Site) -> PathBuf {
    let folder = env::var("KEEP").map_or_else(|_| site.path("kept"), PathBuf::from);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Fetches every rendition of a published upload, as a viewer does.
async fn keep(site: &Site, server: &Server, n: u64, upload: &Value) -> Vec<outside::Kept> {
    let id = upload["id"].as_str().unwrap();
    let folder = folder(site);
    let renditions = upload["renditions"].as_array().unwrap_or_else(|| panic!("mutant {n}: {upload}"));
    let mut kept = Vec::new();
    for rendition in renditions {
        let name = rendition["name"].as_str().unwrap();
        let answer = server.client.get(server.signed_url(id, name).await).send().await.unwrap();
        assert_eq!(answer.status(), 200, "mutant {n}: {name}");
        let media_type = answer.headers()["content-type"].to_str().unwrap().to_owned();
        let path = folder.join(format!("{n}-{name}"));
        fs::write(&path, answer.bytes().await.unwrap()).unwrap();
        kept.push(outside::Kept { path, media_type });
    }
    kept
}

#[derive(Default)]
struct Tally {
    states: BTreeMap<String, u64>,
    /// Of children that fell over: the mutants, by how.
    reasons: BTreeMap<String, Vec<u64>>,
    published: Vec<(u64, Vec<outside::Kept>)>,
}

impl Tally {
    /// Whether there was one.
    fn count_reasons(&mut self, n: u64, upload: &Value) -> bool {
        let before = self.reasons.values().map(Vec::len).sum::<usize>();
        for check in upload["verdict_detail"]["checks"].as_array().into_iter().flatten() {
            let why = check["why"].as_str().unwrap_or_default();
            let code = why.split(':').next().unwrap_or_default();
            if code.starts_with("child.") {
                self.reasons.entry(code.to_owned()).or_default().push(n);
            }
        }
        before < self.reasons.values().map(Vec::len).sum()
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let copies: usize = self.published.iter().map(|(_, kept)| kept.len()).sum();
        write!(f, "{:?}; {copies} copies published; children that fell over: {:?}", self.states, self.reasons)
    }
}
