//! The adapters, chosen by URL.

use crate::{
    adapters::{fs::Fs, sqlite::Sqlite},
    config::Config,
    ports::{Blobs, Store},
};
use anyhow::{Context, bail};
use std::{path::PathBuf, sync::Arc};

/// Opens the store, making and migrating it if need be.
pub async fn open_store(config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    let path = store_path(config)?;
    if let Some(folder) = path.parent() {
        super::folder::make(folder)?;
    }
    let store = Sqlite::open(&path)
        .await
        .with_context(|| format!("the store {} cannot be opened", path.display()))?;
    Ok(Arc::new(store))
}

/// Opens the blobs, making their folder if need be.
pub async fn open_blobs(config: &Config) -> anyhow::Result<Arc<dyn Blobs>> {
    let path = blobs_path(config)?;
    let blobs = Fs::open(&path).with_context(|| format!("the blobs {} cannot be opened", path.display()))?;
    Ok(Arc::new(blobs))
}

pub fn store_path(config: &Config) -> anyhow::Result<PathBuf> {
    local(config, &config.store.url, "sqlite:", "lazaret.db")
}

pub fn blobs_path(config: &Config) -> anyhow::Result<PathBuf> {
    local(config, &config.blobs.url, "file:", "blobs")
}

/// `scheme:` alone is `default` in the data folder; `scheme:/path` and `scheme:///path` are that path.
fn local(config: &Config, url: &str, scheme: &str, default: &str) -> anyhow::Result<PathBuf> {
    let Some(path) = url.strip_prefix(scheme) else {
        bail!("expected a URL that begins with {scheme:?}, got {url:?}")
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    Ok(if path.is_empty() { config.data(default) } else { PathBuf::from(path) })
}
