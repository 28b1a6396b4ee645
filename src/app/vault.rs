//! The key that secrets in the store are sealed under.

use super::stores::open_rows;
use crate::{
    access::{Vault, vault::Sealed},
    config::{Config, units::Secret},
    ports::{Clock, accounts::Tenants, clock::SystemClock},
};
use std::sync::Arc;

/// Open streams whose sources are looked at.
const STREAMS: u32 = 10_000;

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
    let mut previous = Vec::new();
    for text in &config.console.previous_keys {
        let key: Secret =
            text.0.parse().map_err(|why: String| anyhow::anyhow!("console.previous_keys: expected {why}"))?;
        previous.push(key.0);
    }
    Ok(Some(Arc::new(Vault::new(&key.0)?.with_previous(&previous)?)))
}

/// Secrets in the store, by what they are sealed under.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Secrets {
    pub now: usize,
    pub before: usize,
    /// Under a key that is not here.
    pub elsewhere: usize,
    /// Not yet.
    pub plain: usize,
}

/// `None` where there is no key to tell by. Makes none.
pub async fn secrets(config: &Config) -> anyhow::Result<Option<Secrets>> {
    if config.console.key.0.is_empty() && config.is_embedded() && !config.data("console.key").exists() {
        return Ok(None);
    }
    let Some(vault) = vault(config)? else { return Ok(None) };
    let rows = open_rows(config).await?;
    let (users, streams) = (
        rows.accounts.users().await?,
        rows.wall.open_streams(&Tenants::All.into(), None, SystemClock.now(), STREAMS).await?,
    );
    let factors = users.iter().filter_map(|user| user.totp.as_deref());
    let sources = streams.iter().filter_map(|open| Some(open.stream.source.as_ref()?.reveal()));
    let mut secrets = Secrets::default();
    for stored in factors.chain(sources) {
        *match vault.sealed(stored) {
            Sealed::Not => &mut secrets.plain,
            Sealed::Now => &mut secrets.now,
            Sealed::Before => &mut secrets.before,
            Sealed::Elsewhere => &mut secrets.elsewhere,
        } += 1;
    }
    Ok(Some(secrets))
}
