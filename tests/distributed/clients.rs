//! Clients that we did not write, as `docs/many-machines.md` shows them.

use crate::{samples, server::Server, site::Site};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The block of code behind `<!-- NAME -->` in that document.
fn snippet(name: &str) -> String {
    let shown = std::fs::read_to_string(checkout("docs/many-machines.md")).unwrap();
    let (_, rest) = shown.split_once(&format!("<!-- {name} -->\n```")).expect("it has the block");
    let (_, rest) = rest.split_once('\n').unwrap();
    rest.split_once("\n```").unwrap().0.to_owned()
}

/// Runs the snippet on a site with `new/photo.jpg` in the tenant's bucket; it must print the verdict.
async fn assert_enqueues_and_is_told(block: &str, file: &str, run: impl FnOnce(&Path) -> Command) {
    let site = Site::new("");
    let bucket = site.backing.s3.bucket();
    site.configure(&format!("[[intake.sources]]\ntenant = \"acme\"\nbucket = \"{bucket}\""));
    site.backing.s3.tamper(&bucket, "new/photo.jpg", &samples::photo(1));
    let server = Server::ready(&site).await;
    let script = site.write(file, snippet(block).as_bytes());
    let mut command = run(&script);
    command.env("AMQP_URL", &site.backing.vhost.url).env("BUCKET", &bucket).stdin(Stdio::null());
    let ran = tokio::task::spawn_blocking(move || {
        let mut limited = Command::new("timeout");
        limited.arg("60").arg(command.get_program()).args(command.get_args());
        limited.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
        limited.output()
    });
    let ran = ran.await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(said.trim(), "order-17 publish");
    let all: Vec<Value> = server.list().await;
    assert_eq!(
        (all.len(), &all[0]["external_id"], &all[0]["state"]),
        (1, &"order-17".into(), &"published".into())
    );
}

#[tokio::test]
async fn python_with_pika() {
    let python = checkout(".setup/venv/bin/python");
    assert!(python.is_file(), "{} is missing: run scripts/setup.sh", python.display());
    assert_enqueues_and_is_told("pika", "enqueue.py", |script| {
        let mut command = Command::new(python);
        command.arg(script);
        command
    })
    .await;
}

#[tokio::test]
async fn node_with_amqplib() {
    let modules = checkout(".setup/node/node_modules");
    assert!(modules.join("amqplib").is_dir(), "{} is missing: run scripts/setup.sh", modules.display());
    assert_enqueues_and_is_told("amqplib", "enqueue.js", |script| {
        let mut command = Command::new("node");
        command.arg(script).env("NODE_PATH", modules);
        command
    })
    .await;
}
