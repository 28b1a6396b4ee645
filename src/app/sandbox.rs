//! Whether children are confined, shown before the first file.

use crate::config::{Config, sections::Sandbox};
use anyhow::bail;
use lazaret_sandbox::Pool;

/// Has children try to get out. Refuses where one could, or where the kernel lacks a layer, unless the settings say
/// that best effort will do.
pub async fn prove_sandbox(config: &Config, media: &Pool) -> anyhow::Result<()> {
    let holes = match media.self_test().await {
        Ok(test) => {
            let lacking = [("landlock", &test.layers.landlock), ("seccomp", &test.layers.seccomp)];
            let lacking = lacking.into_iter().filter_map(|(layer, held)| Some((layer, held.as_ref().err()?)));
            let lacking = lacking.map(|(layer, why)| format!("{layer} is not enforced: {why}"));
            lacking.chain(test.holes()).collect()
        }
        Err(trouble) => vec![trouble.why],
    };
    match config.media.sandbox {
        _ if holes.is_empty() => Ok(()),
        Sandbox::Enforced => bail!("the sandbox does not hold: {}", holes.join("; ")),
        Sandbox::BestEffort => {
            tracing::warn!(media.sandbox = "best-effort", "the sandbox does not hold: {}", holes.join("; "));
            Ok(())
        }
    }
}
