//! `make demo`: the service as it comes, a handful of real files, and what became of each.
//!
//! DEMO_EXIT=1 stops after the table; any row that is not as expected makes the exit status 1. DEMO_LISTEN is the address to
//! serve on, where it is not 127.0.0.1:8470.

mod files;
mod outcome;
mod service;

use anyhow::Context;
use outcome::Outcome;
use service::Service;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let stop_after_table = std::env::var("DEMO_EXIT").is_ok_and(|v| v == "1");
    let folder = tempfile::Builder::new().prefix("lazaret-demo-").tempdir()?;
    println!(
        "Starting lazaret serve, with its data in {} and TEST SIGNATURES only.",
        folder.path().display()
    );
    let mut service = Service::start(folder.path()).await?;
    println!("It listens on http://{}. Sending files:\n", service.address);
    let mut outcomes = Vec::new();
    for file in files::all() {
        let name = file.name;
        let outcome = outcome::of(&service, file).await.with_context(|| format!("the upload of {name}"))?;
        outcomes.push(outcome);
    }
    print!("{}", outcome::table(&outcomes));
    let urls = outcomes.iter().filter(|o| !o.urls.is_empty());
    println!("\nWhat is published, by signed URLs that are good for ten minutes:");
    for outcome in urls {
        for (rendition, url) in &outcome.urls {
            println!("  {} ({rendition})\n    curl -o {} '{url}'", outcome.name, outcome.saved_as(rendition));
        }
    }
    let mut surprises: Vec<String> = outcomes.iter().flat_map(Outcome::surprises).collect();
    surprises.extend(outcome::expiry(&service, &outcomes).await?);
    for surprise in &surprises {
        println!("NOT AS EXPECTED: {surprise}");
    }
    if stop_after_table {
        service.stop().await?;
    } else {
        println!(
            "\nWhat went to review waits in the moderators' console, http://{}/console.",
            service.address
        );
        println!("This link signs you in, once:\n  {}", service.link);
        println!("\nServing until Ctrl-C. Send something yourself:");
        println!("  curl -H 'Authorization: Bearer {}' --data-binary @FILE \\", service.key);
        println!("    'http://{}/v1/uploads?filename=FILE'", service.address);
        service.until_interrupted().await?;
    }
    Ok(if surprises.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
