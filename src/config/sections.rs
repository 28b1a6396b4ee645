//! The sections of the settings, as `default.toml` explains them key by key.

use super::units::{Connection, Hidden, Secret, Size, Span};
use crate::{
    streams::{Limit, Rules, Tuning, Unseen, pull::network::Network},
    upload::{Check, TenantId, plan::SwitchedOff, rendition::RenditionName},
};
use serde::Deserialize;
use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub roles: Vec<Role>,
    pub listen: SocketAddr,
    pub data: PathBuf,
    pub grace: Span,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Takes uploads, and answers about them.
    Api,
    /// Scans, and takes what is submitted through the queue.
    Worker,
    /// Watches live streams.
    Streams,
    /// Serves signed URLs.
    Delivery,
    /// Tells what happened: the outbox, webhooks.
    Events,
    /// Serves the moderators' pages.
    Console,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Worker => "worker",
            Self::Streams => "streams",
            Self::Delivery => "delivery",
            Self::Events => "events",
            Self::Console => "console",
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub url: Connection,
    pub password: Hidden,
    pub connections: u32,
    pub migrate: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    pub url: Connection,
    pub password: Hidden,
    pub ca: PathBuf,
    pub prefetch: u16,
    pub delivery_limit: u32,
    pub ack_within: Span,
    pub share: u64,
    pub poll: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blobs {
    pub url: Connection,
    pub access_key: String,
    pub secret_key: Hidden,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intake {
    pub max_upload: Size,
    pub reserve: Size,
    pub direct: Span,
    pub sources: Vec<Source>,
}

/// Where a tenant's files lie.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub tenant: TenantId,
    pub bucket: String,
    #[serde(default)]
    pub prefix: String,
    #[serde(default)]
    pub user: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Types {
    pub allow: Vec<String>,
    pub limit: Vec<TypeLimit>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeLimit {
    pub media_type: String,
    pub max: Size,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checks {
    pub off: Vec<Off>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Off {
    pub check: Check,
    pub media_type: String,
    pub because: String,
}

impl From<&Off> for SwitchedOff {
    fn from(off: &Off) -> Self {
        Self { check: off.check, media_type: off.media_type.clone(), because: off.because.clone() }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Antivirus {
    pub clamd: Clamd,
    pub signatures: Signatures,
    pub signature_folder: PathBuf,
    pub max_signature_age: Span,
    pub max_file: Size,
    pub max_scan: Size,
    pub deadline: Span,
    pub concurrency: usize,
    pub canary_every: Span,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "\"managed\", or a list of addresses such as [\"unix:/run/clamav/clamd.ctl\"]")]
pub enum Clamd {
    Word(ClamdWord),
    Pool(Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClamdWord {
    Managed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signatures {
    System,
    Test,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    pub child: PathBuf,
    pub sandbox: Sandbox,
    pub children: usize,
    pub wall: Span,
    pub cpu: Span,
    pub memory: Size,
    pub max_output: Size,
    pub files_per_child: u32,
    pub max_frames: u32,
    pub max_pixels: u64,
    pub max_total_pixels: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Video {
    pub child: PathBuf,
    pub children: usize,
    pub wall: Span,
    pub cpu: Span,
    pub memory: Size,
    pub max_output: Size,
    pub max_gap: Span,
    pub near_gap: Span,
    pub near: f32,
    pub random_every: Span,
    pub max_frames: u32,
    pub time: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archives {
    pub depth: u32,
    pub members: u32,
    pub max_expanded: Size,
    pub ratio: u64,
    pub ratio_from: Size,
    pub time: Span,
}

/// What to do where the kernel cannot confine the children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sandbox {
    Enforced,
    BestEffort,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Models {
    pub folder: PathBuf,
    pub runtime: PathBuf,
    pub threads: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    pub workers: usize,
    pub lease: Span,
    pub attempts: u32,
    pub retry: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hashes {
    pub known_bad: Vec<PathBuf>,
    pub tenants: Vec<TenantHashes>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantHashes {
    pub tenant: TenantId,
    pub known_bad: Vec<PathBuf>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Streams {
    pub labels: Vec<Limit>,
    pub window: usize,
    pub hits: usize,
    pub calm: Span,
    pub deadline: Span,
    pub spoiled: f32,
    pub tolerate: Vec<Unseen>,
    pub fastest: Span,
    pub slowest: Span,
    pub tenants: Vec<TenantTuning>,
    pub max_frame: Size,
    pub max_pixels: u64,
    pub frame_deadline: Span,
    pub places: usize,
    pub term: Span,
    pub evidence: usize,
    pub keep: Span,
    pub max_open: u32,
    pub key_expires: Span,
    pub pulls: usize,
    pub srt: PathBuf,
    pub pull_private: Vec<Network>,
    pub pull_stall: Span,
    pub pull_patience: Span,
    pub allow_private: bool,
    pub kill: Vec<KillHook>,
}

impl Streams {
    /// Those of streams whose tenant and opener set none.
    pub fn rules(&self) -> Rules {
        Rules {
            labels: self.labels.clone(),
            window: self.window,
            hits: self.hits,
            calm: self.calm.0,
            deadline: self.deadline.0,
            spoiled: self.spoiled,
            tolerate: self.tolerate.iter().copied().collect(),
            fastest: self.fastest.0,
            slowest: self.slowest.0,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantTuning {
    pub tenant: TenantId,
    pub tuning: Tuning,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KillHook {
    pub tenant: TenantId,
    pub url: String,
    #[serde(default)]
    pub authorization: Hidden,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renditions {
    pub make: Vec<RenditionName>,
    pub thumbnail: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watermark {
    pub text: String,
    pub image: PathBuf,
    pub fonts: Vec<PathBuf>,
    pub color: String,
    pub position: String,
    pub tile: bool,
    pub scale: f32,
    pub opacity: f32,
    pub margin: f32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    pub public_url: String,
    pub expires: Span,
    pub max_expires: Span,
    pub keys: BTreeMap<String, Secret>,
    pub current: String,
    pub mode: DeliveryMode,
    pub redirect_expires: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryMode {
    Proxy,
    Redirect,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    pub source: String,
    pub keep: Span,
    pub allow_private: bool,
    pub deadline: Span,
    pub webhooks: Vec<Webhook>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    pub name: String,
    pub tenant: TenantId,
    pub url: String,
    pub secrets: Vec<Hidden>,
    #[serde(default)]
    pub events: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Console {
    pub totp: bool,
    pub idle: Span,
    pub longest: Span,
    pub sessions: u32,
    pub proxies: Vec<std::net::IpAddr>,
    pub link: Span,
    pub lease: Span,
    pub undo: Span,
    pub second: Vec<String>,
    pub preview: u32,
    pub oidc: Oidc,
    pub key: Hidden,
    pub previous_keys: Vec<Hidden>,
    pub care: Care,
}

/// Off where no issuer is named.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Hidden,
    pub url: String,
    pub name: String,
}

/// What people may look at in a day.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Care {
    pub offer: f32,
    pub low: CareLimit,
    pub medium: CareLimit,
    pub high: CareLimit,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CareLimit {
    pub views: u32,
    pub time: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub level: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Auto,
    Pretty,
    Json,
}
