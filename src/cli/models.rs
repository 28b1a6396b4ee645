//! `lazaret models`: list and verify.

use super::output::{put, say, table};
use crate::{app, config::Config};
use lazaret_classify::{Classifier, Manifest, load_all, runtime};
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the models, their licences and labels
    List,
    /// Load every model, check its SHA-256, and let it look at a picture
    Verify,
}

pub(super) async fn run(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    let folder = app::models_folder(config);
    let mut sound = true;
    let mut models = Vec::new();
    for model in load_all(&folder) {
        match model {
            Ok(model) => models.push(model),
            Err(error) => {
                sound = false;
                eprintln!("lazaret: {error}");
            }
        }
    }
    match command {
        Command::List => {
            let rows: Vec<Vec<String>> = models.iter().map(row).collect();
            put!("{}", table(&["MODEL", "VERSION", "LICENCE", "INPUT", "LABELS"], &rows));
        }
        Command::Verify => {
            let ready = tokio::task::spawn_blocking({
                let library = app::runtime(config);
                move || runtime::init(library.as_deref()).and_then(|_| Classifier::start(models, 1))
            });
            match ready.await? {
                Ok(classifier) => {
                    for engine in classifier.engines() {
                        say!("{} {} is sound", engine.name, engine.version);
                    }
                }
                Err(trouble) => {
                    sound = false;
                    eprintln!("lazaret: {trouble}");
                }
            }
        }
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(model: &Manifest) -> Vec<String> {
    let input = format!("{}x{}", model.input.width, model.input.height);
    let labels = model.output.labels.join(" ");
    vec![model.name.clone(), model.version.clone(), model.licence.clone(), input, labels]
}
