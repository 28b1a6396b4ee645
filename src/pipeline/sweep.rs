//! Removes objects that no upload uses: what a crash left between writing bytes and committing their row.

use crate::{
    ports::{Blobs, PortError, Store, blobs::Zone},
    upload::UploadId,
};
use jiff::Timestamp;
use std::{collections::HashSet, time::Duration};

const BATCH: usize = 1000;

/// Who else uses these blobs?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// Nobody: what no row knows is nobody's.
    Alone,
    /// Others, now. An upload on its way in has an object and no row yet, and one that is scanned has copies that are not
    /// used yet: young and unsettled ones are left alone.
    Others(Timestamp),
}

/// An object that is older than this and has no row was left by a process that is gone.
const YOUNG: Duration = Duration::from_secs(24 * 3600);

/// Looks at every object once; returns how many were removed.
pub async fn sweep(store: &dyn Store, blobs: &dyn Blobs, company: Company) -> Result<u64, PortError> {
    let mut removed = 0;
    for zone in [Zone::Held, Zone::Published] {
        let mut after = String::new();
        loop {
            let keys = blobs.list(zone, &after, BATCH).await?;
            let Some(last) = keys.last() else { break };
            after = last.clone();
            let unused = match zone {
                Zone::Held => unknown(store, &keys, company).await?,
                Zone::Published => unused(store, keys, company).await?,
            };
            for key in unused {
                blobs.remove(zone, &key).await?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

/// Asked in this order: an upload that is settled by the first answer has all the keys that it uses in the second.
async fn unused(store: &dyn Store, keys: Vec<String>, company: Company) -> Result<Vec<String>, PortError> {
    let busy: HashSet<UploadId> = match company {
        Company::Alone => HashSet::new(),
        Company::Others(_) => {
            let ids: HashSet<UploadId> = keys.iter().filter_map(|key| owner(key)).collect();
            store.unsettled(&ids.into_iter().collect::<Vec<_>>()).await?.into_iter().collect()
        }
    };
    let used: HashSet<String> = store.used_keys(&keys).await?.into_iter().collect();
    let is_busy = |key: &str| owner(key).is_some_and(|id| busy.contains(&id));
    Ok(keys.into_iter().filter(|key| !used.contains(key) && !is_busy(key)).collect())
}

/// Held keys are the ids of uploads; anything else is nobody's.
async fn unknown(store: &dyn Store, keys: &[String], company: Company) -> Result<Vec<String>, PortError> {
    let ids: Vec<UploadId> = keys.iter().filter_map(|key| owner(key)).collect();
    let known: HashSet<String> = store.known(&ids).await?.iter().map(UploadId::to_string).collect();
    let is_young = |key: &str| match company {
        Company::Alone => false,
        Company::Others(now) => owner(key).is_some_and(|id| {
            id.made_at()
                .is_some_and(|at| Duration::try_from(now.duration_since(at)).is_ok_and(|age| age < YOUNG))
        }),
    };
    Ok(keys.iter().filter(|key| !known.contains(*key) && !is_young(key)).cloned().collect())
}

/// The upload whose object it is.
fn owner(key: &str) -> Option<UploadId> {
    key.split('/').next()?.parse().ok()
}
