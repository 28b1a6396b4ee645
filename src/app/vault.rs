//! The key that secrets in the store are sealed under.

use crate::{
    access::Vault,
    config::{Config, units::Secret},
};
use std::sync::Arc;

/// Under the key of the settings, or one that the embedded mode makes for itself. `None` where several machines were
/// given none.
pub(super) fn vault(config: &Config) -> anyhow::Result<Option<Arc<Vault>>> {
    let key: Secret = match config.console.key.0.as_str() {
        "" if !config.is_embedded() => return Ok(None),
        "" => {
            super::folder::make(&config.server.data)?;
            super::signer::own(&config.data("console.key"))?
        }
        text => text.parse().map_err(|why: String| anyhow::anyhow!("console.key: expected {why}"))?,
    };
    Ok(Some(Arc::new(Vault::new(&key.0)?)))
}
