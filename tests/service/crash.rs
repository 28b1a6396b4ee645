//! `kill -9` of the server, over and over, under a client that sends.

use crate::{backing, samples, server::Server, site::Site, upload::sha256, wait::until};
use lazaret_fixtures::{Noise, Zip, eicar};
use serde_json::Value;
use std::{cell::RefCell, collections::BTreeMap, time::Duration};

const FILES: usize = 40;
const ROUNDS: u32 = 6;

/// Where the server of this moment listens.
type Where = RefCell<String>;

/// File number `n`, and what must become of it.
fn file(n: usize) -> (String, Vec<u8>, &'static str) {
    match n % 8 {
        0 => (format!("{n}-eicar.txt"), eicar(), "quarantined"),
        1 => (format!("{n}.zip"), Zip::default().encrypted("a", &samples::text(n)).finish(), "in_review"),
        2..=4 => (format!("{n}.txt"), samples::text(n), "published"),
        _ => (format!("{n}.jpg"), samples::photo(n), "published"),
    }
}

/// Sends all files, two thirds of them with an Idempotency-Key and again until they are accepted. Gives the ids of the
/// accepted ones by number.
async fn send(place: &Where, key: &str) -> BTreeMap<usize, String> {
    let client = reqwest::Client::new();
    let mut accepted = BTreeMap::new();
    for n in 0..FILES {
        let (name, bytes, _) = file(n);
        let again = n % 3 != 0;
        let post = async || {
            let url = format!("{}/v1/uploads?filename={name}", place.borrow());
            let mut request = client.post(url).bearer_auth(key).body(bytes.clone());
            if again {
                request = request.header("Idempotency-Key", format!("key-{n}"));
            }
            let answer = request.send().await.map_err(|e| e.to_string())?;
            let status = answer.status().as_u16();
            let body: Value = answer.json().await.map_err(|e| e.to_string())?;
            if status == 202 { Ok(body["id"].as_str().unwrap().to_owned()) } else { Err(body.to_string()) }
        };
        if again {
            accepted.insert(n, until("the file is accepted", post).await);
        } else if let Ok(id) = post().await {
            accepted.insert(n, id);
        }
    }
    accepted
}

/// Kills the server [`ROUNDS`] times, each time starting it again.
async fn strike(site: &Site, place: &Where, mut server: Server) -> Server {
    let (key, mut moments) = (server.key.clone(), Noise::new(2026));
    for _ in 0..ROUNDS {
        // Any moment will do: while it starts, takes files in, scans, or writes.
        tokio::time::sleep(Duration::from_millis(u64::from(moments.below(1_500)))).await;
        server.kill().await;
        server = Server::start_with(site, &key).await;
        place.borrow_mut().clone_from(&server.url);
    }
    server
}

#[tokio::test]
async fn after_kill_9_every_accepted_upload_reaches_its_one_verdict() {
    let site = Site::new("[pipeline]\nattempts = 20\nlease = \"5s\"");
    let server = Server::start(&site).await;
    let (place, key) = (RefCell::new(server.url.clone()), server.key.clone());
    let (accepted, server) = tokio::join!(send(&place, &key), strike(&site, &place, server));
    assert!(accepted.len() >= FILES * 2 / 3);
    // A last time with a backlog for sure, and with everything sent.
    server.kill().await;
    let server = Server::start_with(&site, &key).await;

    let all = server.list().await;
    for (n, id) in &accepted {
        let of_this_name = all.iter().filter(|upload| upload["filename"] == file(*n).0).count();
        assert_eq!(of_this_name, 1, "file {n} is there {of_this_name} times");
        assert!(all.iter().any(|upload| upload["id"] == **id), "file {n}, {id}, is lost");
    }
    let mut published = Vec::new();
    for listed in &all {
        let id = listed["id"].as_str().unwrap();
        let upload = server.settled(id).await;
        let n: usize =
            upload["filename"].as_str().unwrap().split(['-', '.']).next().unwrap().parse().unwrap();
        let (_, bytes, state) = file(n);
        assert_eq!((&upload["state"], &upload["verdict_number"]), (&state.into(), &1.into()), "{upload}");
        assert_eq!(upload["sha256"], sha256(&bytes));
        for rendition in upload["renditions"].as_array().unwrap() {
            let name = rendition["name"].as_str().unwrap();
            let (status, bytes) = server.fetch(&server.signed_url(id, name).await).await;
            assert_eq!((status, &rendition["sha256"]), (200, &sha256(&bytes).into()), "{name} of {upload}");
            published.push((id.to_owned(), name.to_owned()));
        }
    }

    // No row without a blob, and no blob without a row.
    let mut rows: Vec<&str> = all.iter().map(|upload| upload["id"].as_str().unwrap()).collect();
    rows.sort_unstable();
    let mut held = site.objects("held");
    // What came in where others may be at work could still get its row: it is left alone for a day.
    if !backing::ALONE {
        held.retain(|name| rows.contains(&name.as_str()));
    }
    assert_eq!(held, rows);
    published.sort();
    until("nothing is published that no row knows", async || {
        let objects = site.objects("published");
        let mut objects: Vec<(String, String)> = objects.iter().map(|object| parts(object)).collect();
        objects.sort();
        // Alone, that is so from the start on.
        assert!(!backing::ALONE || objects == published);
        if objects == published { Ok(()) } else { Err(objects) }
    })
    .await;
    assert_eq!(site.objects("spool"), [""; 0]);

    let audit = site.run(&["audit", "verify"]).await;
    assert_eq!(audit.code(), 0, "{audit:?}");
    server.terminate();
    assert!(server.ended().await.success());
}

/// `ID~FENCE~NAME`: the fence is the worker's matter.
fn parts(object: &str) -> (String, String) {
    let parts: Vec<&str> = object.split('~').collect();
    let [id, _fence, name] = parts[..] else { panic!("{object}") };
    (id.to_owned(), name.to_owned())
}
