//! Removes objects that no upload uses: what a crash left between writing bytes and committing their row.

use crate::{
    ports::{Blobs, PortError, Store, blobs::Zone},
    upload::UploadId,
};
use std::collections::HashSet;

const BATCH: usize = 1000;

/// Looks at every object once. Only for the start of a process that alone uses these blobs: an upload on its way in
/// has an object and no row yet.
pub async fn sweep(store: &dyn Store, blobs: &dyn Blobs) -> Result<u64, PortError> {
    let mut removed = 0;
    for zone in [Zone::Held, Zone::Published] {
        let mut after = String::new();
        loop {
            let keys = blobs.list(zone, &after, BATCH).await?;
            let Some(last) = keys.last() else { break };
            after = last.clone();
            let unused = match zone {
                Zone::Held => unknown(store, &keys).await?,
                Zone::Published => {
                    let used: HashSet<String> = store.used_keys(&keys).await?.into_iter().collect();
                    keys.into_iter().filter(|key| !used.contains(key)).collect()
                }
            };
            for key in unused {
                blobs.remove(zone, &key).await?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

/// Held keys are the ids of uploads; anything else is nobody's.
async fn unknown(store: &dyn Store, keys: &[String]) -> Result<Vec<String>, PortError> {
    let ids: Vec<UploadId> = keys.iter().filter_map(|key| key.parse().ok()).collect();
    let known: HashSet<String> = store.known(&ids).await?.iter().map(UploadId::to_string).collect();
    Ok(keys.iter().filter(|key| !known.contains(*key)).cloned().collect())
}
