//! The adapters, chosen by URL.

use crate::{
    adapters::{
        amqp::{self, Amqp},
        fs::Fs,
        postgres::{self, Postgres},
        s3::{self, S3},
        sqlite::Sqlite,
    },
    config::Config,
    ports::{
        Accounts, Blobs, Care, Direct, Drafts, Federation, Insight, Reviews, Sources, Store, Trials, Wall,
    },
};
use anyhow::{Context, bail};
use std::{path::PathBuf, sync::Arc};

/// Where rows are, and what PostgreSQL can tell beside.
#[derive(Clone)]
pub(super) struct Rows {
    pub(super) store: Arc<dyn Store>,
    pub(super) accounts: Arc<dyn Accounts>,
    pub(super) reviews: Arc<dyn Reviews>,
    pub(super) insight: Arc<dyn Insight>,
    pub(super) trials: Arc<dyn Trials>,
    pub(super) wall: Arc<dyn Wall>,
    pub(super) federation: Arc<dyn Federation>,
    pub(super) drafts: Arc<dyn Drafts>,
    pub(super) care: Arc<dyn Care>,
    pub(super) postgres: Option<Arc<Postgres>>,
}

/// Opens the store, making and migrating it as the settings say.
pub async fn open_store(config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    open_rows(config).await.map(|rows| rows.store)
}

/// The accounts in it.
pub async fn open_accounts(config: &Config) -> anyhow::Result<Arc<dyn Accounts>> {
    open_rows(config).await.map(|rows| rows.accounts)
}

pub(super) async fn open_rows(config: &Config) -> anyhow::Result<Rows> {
    open_rows_and(config, config.store.migrate).await
}

/// As [`open_store`], migrating it in any case.
pub async fn migrate_store(config: &Config) -> anyhow::Result<()> {
    open_rows_and(config, true).await.map(drop)
}

async fn open_rows_and(config: &Config, migrate: bool) -> anyhow::Result<Rows> {
    if !config.is_embedded() {
        let options = postgres::Options {
            url: config.store.url.0.clone(),
            password: (!config.store.password.0.is_empty()).then(|| config.store.password.0.clone()),
            migrate,
            connections: config.store.connections,
        };
        let store = Postgres::open(&options)
            .await
            .with_context(|| format!("store.url: {} cannot be used", config.store.url))?;
        let store = Arc::new(store);
        return Ok(Rows {
            store: store.clone(),
            accounts: store.clone(),
            reviews: store.clone(),
            care: store.clone(),
            insight: store.clone(),
            trials: store.clone(),
            wall: store.clone(),
            federation: store.clone(),
            drafts: store.clone(),
            postgres: Some(store),
        });
    }
    let path = store_path(config)?;
    if let Some(folder) = path.parent() {
        super::folder::make(folder)?;
    }
    let store = Sqlite::open(&path)
        .await
        .with_context(|| format!("the store {} cannot be opened", path.display()))?;
    let store = Arc::new(store);
    Ok(Rows {
        store: store.clone(),
        accounts: store.clone(),
        reviews: store.clone(),
        care: store.clone(),
        insight: store.clone(),
        trials: store.clone(),
        wall: store.clone(),
        drafts: store.clone(),
        federation: store,
        postgres: None,
    })
}

/// Where bytes lie, and what S3 can do beside.
#[derive(Clone)]
pub struct Bytes {
    pub blobs: Arc<dyn Blobs>,
    pub bucket: Option<Arc<S3>>,
}

impl Bytes {
    pub fn sources(&self) -> Option<Arc<dyn Sources>> {
        self.bucket.clone().map(|bucket| bucket as Arc<dyn Sources>)
    }

    pub fn direct(&self) -> Option<Arc<dyn Direct>> {
        self.bucket.clone().map(|bucket| bucket as Arc<dyn Direct>)
    }
}

/// Opens the blobs, making their folder if need be.
pub async fn open_blobs(config: &Config) -> anyhow::Result<Bytes> {
    if config.blobs.url.starts_with("s3:") {
        let spool = config.data("spool");
        super::folder::make(&spool)?;
        let mut options = s3::Options::from_url(&config.blobs.url, spool)?;
        let set = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        options.access_key = set(&config.blobs.access_key);
        options.secret_key = set(&config.blobs.secret_key.0).map(s3::SecretKey::from);
        let bucket = S3::open(options.or_environment(|name| std::env::var(name).ok())).await?;
        let bucket = Arc::new(bucket);
        return Ok(Bytes { blobs: bucket.clone(), bucket: Some(bucket) });
    }
    let path = blobs_path(config)?;
    let blobs = Fs::open(&path).with_context(|| format!("the blobs {} cannot be opened", path.display()))?;
    Ok(Bytes { blobs: Arc::new(blobs), bucket: None })
}

/// Connects to the broker, where the settings name one. `name` is shown there.
pub async fn open_broker(config: &Config, name: &str) -> anyhow::Result<Option<Arc<Amqp>>> {
    if config.queue.url.starts_with("store:") {
        return Ok(None);
    }
    let options = amqp::Options {
        url: config.queue.url.with_password(&config.queue.password),
        ca: (!config.queue.ca.as_os_str().is_empty()).then(|| config.queue.ca.clone()),
        prefetch: config.queue.prefetch,
        hold: config.queue.ack_within.0,
        delivery_limit: config.queue.delivery_limit,
        name: name.to_owned(),
    };
    Ok(Some(Amqp::connect(options).await?))
}

/// The embedded store's file.
pub fn store_path(config: &Config) -> anyhow::Result<PathBuf> {
    local(config, &config.store.url, "sqlite:", "lazaret.db")
}

/// The embedded mode's folder of blobs.
pub fn blobs_path(config: &Config) -> anyhow::Result<PathBuf> {
    local(config, &config.blobs.url, "file:", "blobs")
}

/// `scheme:` alone is `default` in the data folder; `scheme:/path` and `scheme:///path` are that path.
fn local(config: &Config, url: &str, scheme: &str, default: &str) -> anyhow::Result<PathBuf> {
    let Some(path) = url.strip_prefix(scheme) else {
        bail!(
            "expected a URL that begins with {scheme:?}, got {:?}",
            url.split(':').next().unwrap_or_default()
        )
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    Ok(if path.is_empty() { config.data(default) } else { PathBuf::from(path) })
}
