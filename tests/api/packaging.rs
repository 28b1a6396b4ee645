//! What operators start from: the settings and containers that the repository and its documents show.

use lazaret::config::{Config, sections::Clamd};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(checkout(path)).unwrap()
}

fn load(text: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lazaret.toml");
    std::fs::write(&file, text).unwrap();
    Config::load(Some(&file), &[]).unwrap()
}

/// The services of docker-compose.yml and what stands below each.
fn services(compose: &str) -> Vec<(&str, String)> {
    let (_, services) = compose.split_once("\nservices:\n").unwrap();
    let (services, _) = services.split_once("\nvolumes:\n").unwrap();
    let mut all: Vec<(&str, String)> = Vec::new();
    for line in services.lines() {
        match line.strip_prefix("  ").filter(|rest| !rest.starts_with([' ', '#'])) {
            Some(name) => all.push((name.strip_suffix(':').unwrap(), String::new())),
            None if line.is_empty() => {}
            None => {
                if let Some((_, block)) = all.last_mut() {
                    block.push_str(line);
                    block.push('\n');
                }
            }
        }
    }
    all
}

#[test]
fn the_settings_of_the_containers_are_good() {
    // What comes from the environment is put behind.
    let text = format!("{}\n[delivery.keys]\na = \"{}\"\n", read("deploy/lazaret.toml"), "ab".repeat(32));
    let config = load(&text);
    let clamd = read("deploy/clamd.conf");
    for (setting, bytes) in [
        ("MaxFileSize", config.antivirus.max_file.0),
        ("MaxScanSize", config.antivirus.max_scan.0),
        ("StreamMaxLength", config.antivirus.max_file.0),
    ] {
        assert!(clamd.contains(&format!("\n{setting} {}M\n", bytes >> 20)), "{setting} {bytes}\n{clamd}");
    }
    assert!(config.intake.max_upload.0 <= config.antivirus.max_file.0);
}

#[test]
fn the_settings_that_the_documents_show_are_good() {
    let shown = read("docs/many-machines.md");
    let (_, rest) = shown.split_once("<!-- many -->\n```toml\n").unwrap();
    let (text, _) = rest.split_once("\n```").unwrap();
    let config = load(&text.replace("…", &"ab".repeat(32)));
    assert!(
        matches!(&config.antivirus.clamd, Clamd::Pool(pool) if !pool.is_empty()),
        "a pool, or every worker keeps a clamd of its own"
    );
    assert!(!config.server.listen.ip().is_loopback(), "other machines reach it");
}

#[test]
fn the_containers_are_healthy_confined_and_hold_no_secret() {
    let compose = read("docker-compose.yml");
    let (ours, _) = compose.split_once("\nservices:\n").unwrap();
    for line in ["read_only: true", "cap_drop: [ALL]", "no-new-privileges:true"] {
        assert!(ours.contains(line), "{line}\n{ours}");
    }
    let services = services(&compose);
    let names: Vec<_> = services.iter().map(|(name, _)| *name).collect();
    for needed in ["api", "worker", "streams", "migrate", "postgres", "rabbitmq", "s3", "clamav"] {
        assert!(names.contains(&needed), "{needed}: {names:?}");
    }
    for (name, block) in &services {
        let ends = ["migrate", "s3-bucket"].contains(name);
        assert!(ends || block.contains("    healthcheck:\n"), "{name} has no health check\n{block}");
        if block.contains("lazaret.toml") {
            assert!(block.contains("    <<: *lazaret\n"), "{name} is not confined as ours are\n{block}");
        }
        for line in block.lines().filter(|line| line.contains("ports:")) {
            assert!(line.contains("127.0.0.1:"), "{name} is reachable from elsewhere: {line}");
        }
    }
    for line in compose.lines() {
        let Some((key, value)) = line.trim().split_once(": ") else { continue };
        let secret =
            ["PASSWORD", "SECRET", "ACCESS_KEY", "KEYS__A", "_PASS"].iter().any(|part| key.ends_with(part));
        assert!(!secret || value.starts_with("${"), "{line}");
    }
    let user =
        read("Dockerfile").lines().rev().find_map(|line| line.strip_prefix("USER ").map(str::to_owned));
    assert!(user.is_some_and(|user| !["root", "0"].contains(&user.as_str())));
    for name in ["POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY", "DELIVERY_KEY"] {
        assert!(read("deploy/env.example").contains(&format!("\n{name}=")), "{name}");
    }
}

/// Where there is a Docker Compose, it says so itself.
#[test]
fn compose_reads_the_file_where_there_is_one() {
    let compose = || {
        let mut command = Command::new("docker");
        command.arg("compose");
        command
    };
    let there = compose().arg("version").output().is_ok_and(|output| output.status.success());
    if !there {
        println!("there is no Docker Compose here; the file's form alone was looked at");
        return;
    }
    let file = checkout("docker-compose.yml");
    let secrets =
        ["POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY", "DELIVERY_KEY"];
    let mut command = compose();
    command.arg("--file").arg(file).args(["config", "--quiet"]).envs(secrets.map(|name| (name, "x")));
    let read = command.output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
}
