//! The engines, as the settings want them.

use super::{cores, folder, mark, or};
use crate::{
    config::{
        Config,
        sections::{Clamd, Sandbox, Signatures},
    },
    pipeline::{Archives, Classifiers, ContentModels, Engines, Examiner, Films, Patience, TypeRules},
    ports::{Clock, Random, random::SystemRandom},
    streams::pull::srt::Caller,
    upload::{KnownBad, plan::SwitchedOff},
};
use anyhow::Context;
use lazaret_antivirus::{Address, Antivirus, LARGEST_FILE, Limits, Managed, Signatures as Supply, Source};
use lazaret_sandbox::{Budget, ChildSetup, Confinement, Outpost, Pool, PoolConfig};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// The signatures of demonstrations and tests; they serve only where `antivirus.signatures = "test"` is written down.
const TEST_SIGNATURES: &str = include_str!("../../fixtures/signatures/test.ndb");
/// Films that a child sees before a fresh one takes its place: for their decoders that is little.
const FILMS_PER_CHILD: u32 = 50;

/// Starts the engines; those that cannot start are unavailable, and say why when they are asked. A managed clamd lives
/// in the folder `clamd`.
pub async fn start_engines(config: &Config, clamd: &Path, clock: Arc<dyn Clock>) -> anyhow::Result<Engines> {
    let threads = or(config.models.threads, cores());
    let antivirus = &config.antivirus;
    let limits = Limits {
        max_file_bytes: antivirus.max_file.0,
        max_scan_bytes: antivirus.max_scan.0.min(LARGEST_FILE),
        deadline: antivirus.deadline.0,
        concurrency: antivirus.concurrency,
        max_signature_age: antivirus.max_signature_age.0,
        canary_every: antivirus.canary_every.0,
        test_signatures: antivirus.signatures == Signatures::Test,
        ..Limits::default()
    };
    let source = source(config, clamd)?;
    let antivirus = Antivirus::start(source, limits, move || clock.now()).await;
    let classifiers = Classifiers::new(models_folder(config), runtime(config), threads);
    let pool = children(config, or(config.media.children, cores() * 2), None)?;
    let content = ContentModels::new(threads, runtime(config));
    Ok(Engines {
        content,
        antivirus,
        media: pool,
        video: films(config, or(config.video.children, cores()))?,
        classifiers,
    })
}

/// So many children at a time, under the settings' limits. With `deadline` a request may take no longer than that, and
/// nothing is rendered.
pub(super) fn children(config: &Config, size: usize, deadline: Option<Duration>) -> anyhow::Result<Pool> {
    let media = &config.media;
    Ok(Pool::new(PoolConfig {
        child: child(config)?,
        size,
        wall: deadline.unwrap_or(media.wall.0),
        cpu: deadline.unwrap_or(media.cpu.0),
        memory_bytes: media.memory.0,
        max_output_bytes: media.max_output.0,
        max_jobs_per_child: media.files_per_child,
        confinement: confinement(config),
        setup: ChildSetup {
            mark: if deadline.is_none() { mark(config)? } else { None },
            budget: budget(config),
        },
    }))
}

/// So many children that decode films.
pub(super) fn films(config: &Config, size: usize) -> anyhow::Result<Pool> {
    let video = &config.video;
    Ok(Pool::new(PoolConfig {
        child: beside(&video.child, "lazaret-video", "video.child")?,
        size,
        wall: video.wall.0,
        cpu: video.cpu.0,
        memory_bytes: video.memory.0,
        max_output_bytes: video.max_output.0,
        max_jobs_per_child: FILMS_PER_CHILD.min(config.media.files_per_child),
        confinement: confinement(config),
        setup: ChildSetup { mark: mark(config)?, budget: budget(config) },
    }))
}

/// The children that follow sources of streams: one each, for as long as it goes on.
pub(super) fn followers(config: &Config) -> anyhow::Result<Pool> {
    let (video, streams) = (&config.video, &config.streams);
    Ok(Pool::new(PoolConfig {
        child: beside(&video.child, "lazaret-video", "video.child")?,
        size: streams.pulls,
        // Most of it is waiting for what comes.
        wall: streams.pull_stall.0 * 2,
        cpu: video.cpu.0.min(streams.pull_stall.0 * 2),
        memory_bytes: video.memory.0,
        max_output_bytes: streams.max_frame.0,
        // What a source left behind in its child goes with it.
        max_jobs_per_child: 1,
        confinement: confinement(config),
        setup: ChildSetup { mark: None, budget: budget(config) },
    }))
}

/// What speaks SRT.
pub fn caller(config: &Config) -> anyhow::Result<Caller> {
    Ok(Caller::new(Outpost::new(child(config)?, confinement(config)), config.streams.srt.clone()))
}

fn confinement(config: &Config) -> Confinement {
    match config.media.sandbox {
        Sandbox::Enforced => Confinement::Enforced,
        Sandbox::BestEffort => Confinement::BestEffort,
    }
}

/// What the lists of the settings name.
pub fn known_bad(config: &Config) -> anyhow::Result<Arc<KnownBad>> {
    let (hashes, mut known) = (&config.hashes, KnownBad::default());
    let own = hashes.tenants.iter().map(|own| (Some(&own.tenant), &own.known_bad));
    for (tenant, lists) in [(None, &hashes.known_bad)].into_iter().chain(own) {
        for path in lists {
            let list = std::fs::read_to_string(path);
            let list = list.with_context(|| format!("hashes: {} cannot be read", path.display()))?;
            known.add(tenant, &list).with_context(|| format!("hashes: {}", path.display()))?;
        }
    }
    Ok(Arc::new(known))
}

/// The checks, as the settings want them.
pub fn examiner(
    config: &Config,
    engines: Engines,
    known: Arc<KnownBad>,
    patience: Patience,
) -> anyhow::Result<Examiner> {
    let mut secret = [0; 32];
    SystemRandom.fill(&mut secret)?;
    Ok(Examiner {
        engines,
        types: TypeRules::from(&config.types),
        off: config.checks.off.iter().map(SwitchedOff::from).collect(),
        budget: budget(config),
        films: Films {
            secret,
            max_gap: config.video.max_gap.0,
            near_gap: config.video.near_gap.0,
            near: config.video.near,
            random_every: config.video.random_every.0,
            max_frames: config.video.max_frames,
            max_pixels: config.media.max_pixels,
            time: config.video.time.0,
        },
        archives: Archives {
            depth: config.archives.depth,
            members: config.archives.members,
            max_expanded: config.archives.max_expanded.0,
            ratio: config.archives.ratio,
            ratio_from: config.archives.ratio_from.0,
            time: config.archives.time.0,
            // `lazaret scan` has no folder of its own.
            folder: match patience {
                Patience::Wait => config.server.data.clone(),
                Patience::GoOn => std::env::temp_dir(),
            },
        },
        known,
        patience,
    })
}

fn budget(config: &Config) -> Budget {
    let media = &config.media;
    Budget {
        max_frames: media.max_frames,
        max_pixels: media.max_pixels,
        max_total_pixels: media.max_total_pixels,
    }
}

fn source(config: &Config, folder: &Path) -> anyhow::Result<Source> {
    match &config.antivirus.clamd {
        Clamd::Pool(addresses) => {
            let addresses = addresses
                .iter()
                .map(|address| {
                    address.parse::<Address>().with_context(|| format!("antivirus.clamd: {address:?}"))
                })
                .collect::<anyhow::Result<Vec<_>>>()?;
            Ok(Source::Pool(addresses))
        }
        Clamd::Word(_) => {
            let signatures = match config.antivirus.signatures {
                Signatures::System => Supply::System(config.antivirus.signature_folder.clone()),
                Signatures::Test => Supply::Test(signatures_folder(folder)?),
            };
            Ok(Source::Managed(Managed::new(folder, signatures)))
        }
    }
}

/// Writes the test signatures beside the private clamd, and says where.
pub fn signatures_folder(folder: &Path) -> anyhow::Result<PathBuf> {
    let signatures = folder.join("test-signatures");
    folder::make(&signatures)?;
    let path = signatures.join("test.ndb");
    std::fs::write(&path, TEST_SIGNATURES)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(signatures)
}

/// The decoders' executable.
pub fn child(config: &Config) -> anyhow::Result<PathBuf> {
    beside(&config.media.child, "lazaret-media", "media.child")
}

/// The path that is configured, or the executable of this name beside our own.
fn beside(configured: &Path, name: &str, key: &str) -> anyhow::Result<PathBuf> {
    if !configured.as_os_str().is_empty() {
        return Ok(configured.to_owned());
    }
    let own = std::env::current_exe()
        .with_context(|| format!("this executable's own path is not known; set {key}"))?;
    Ok(own.with_file_name(name))
}

/// Beside the executable, where packages put it, or in the checkout it was built from. Never in the current folder,
/// which may hold what an uploader put there.
pub fn models_folder(config: &Config) -> PathBuf {
    if !config.models.folder.as_os_str().is_empty() {
        return config.models.folder.clone();
    }
    let own = std::env::current_exe().unwrap_or_default();
    let beside = own.parent().map(|folder| [folder.join("models"), folder.join("../share/lazaret/models")]);
    beside
        .into_iter()
        .flatten()
        .chain([PathBuf::from("/usr/share/lazaret/models")])
        .find(|folder| folder.is_dir())
        .unwrap_or_else(|| checkout("models"))
}

/// The ONNX Runtime, where it is not left to the loader.
pub fn runtime(config: &Config) -> Option<PathBuf> {
    if !config.models.runtime.as_os_str().is_empty() {
        return Some(config.models.runtime.clone());
    }
    Some(checkout(".setup/lib/libonnxruntime.so")).filter(|path| path.is_file())
}

/// A path in the checkout that this executable was built from.
fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
