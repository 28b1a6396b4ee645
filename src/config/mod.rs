//! Settings: the embedded defaults, then `lazaret.toml`, then the environment, then flags.

mod check;
pub mod sections;
pub mod units;

use figment::{
    Figment, Profile,
    providers::{Env, Format, Serialized, Toml},
};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The embedded layer, with every key explained.
pub const DEFAULT: &str = include_str!("default.toml");
/// Where the file is looked for when no flag names one.
pub const FILE: &str = "lazaret.toml";
const ENV_PREFIX: &str = "LAZARET__";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: sections::Server,
    pub store: sections::Store,
    pub queue: sections::Queue,
    pub blobs: sections::Blobs,
    pub intake: sections::Intake,
    pub types: sections::Types,
    pub checks: sections::Checks,
    pub hashes: sections::Hashes,
    pub antivirus: sections::Antivirus,
    pub media: sections::Media,
    pub video: sections::Video,
    pub archives: sections::Archives,
    pub models: sections::Models,
    pub pipeline: sections::Pipeline,
    pub streams: sections::Streams,
    pub renditions: sections::Renditions,
    pub watermark: sections::Watermark,
    pub delivery: sections::Delivery,
    pub events: sections::Events,
    pub console: sections::Console,
    pub log: sections::Log,
}

/// What is wrong, where it was written, and what was expected. One line a mistake.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl Config {
    /// Reads all layers. `file` must exist where it is given; else `lazaret.toml` is read if it is there. `flags` are
    /// `("section.key", "value")`.
    pub fn load(file: Option<&Path>, flags: &[(&str, serde_json::Value)]) -> Result<Self, ConfigError> {
        Self::from_layers(file, Env::prefixed(ENV_PREFIX).split("__"), flags)
    }

    fn from_layers(
        file: Option<&Path>,
        env: impl figment::Provider,
        flags: &[(&str, serde_json::Value)],
    ) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Toml::string(DEFAULT));
        match file {
            Some(path) if !path.exists() || path.is_dir() => {
                return Err(ConfigError(format!("{}: there is no such file", path.display())));
            }
            Some(path) => figment = figment.merge(Toml::file_exact(path)),
            None if Path::new(FILE).is_file() => figment = figment.merge(Toml::file_exact(FILE)),
            None => {}
        }
        figment = figment.merge(env);
        for (key, value) in flags {
            figment = figment.merge(Serialized::default(key, value).profile(Profile::Default));
        }
        let config: Self = figment.extract().map_err(|error| ConfigError(explain(&error)))?;
        config.check().map_err(ConfigError)?;
        Ok(config)
    }

    /// One machine, whose store no other process shares.
    pub fn is_embedded(&self) -> bool {
        self.store.url.starts_with("sqlite:")
    }

    /// The path of something in the data folder.
    pub fn data(&self, name: &str) -> PathBuf {
        self.server.data.join(name)
    }
}

/// Each mistake with its source, its key and what was expected.
fn explain(errors: &figment::Error) -> String {
    let lines = errors.clone().into_iter().map(|error| {
        let source = match &error.metadata {
            Some(metadata) => match &metadata.source {
                Some(figment::Source::File(path)) => path.display().to_string(),
                _ if metadata.name.contains("environment") => "environment".to_owned(),
                _ => metadata.name.to_string(),
            },
            None => "settings".to_owned(),
        };
        let key = error.path.join(".");
        if source == "environment" {
            let name = format!("{ENV_PREFIX}{}", key.to_uppercase().replace('.', "__"));
            return format!("{source}: {name}: {}", error.kind);
        }
        if key.is_empty() {
            format!("{source}: {}", error.kind)
        } else {
            format!("{source}: {key}: {}", error.kind)
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
