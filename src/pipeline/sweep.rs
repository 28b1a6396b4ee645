//! Removes objects that no upload uses: what a crash left between writing bytes and committing their row.

use crate::{
    ports::{Blobs, PortError, Store, blobs::Zone, streams::EpisodeState},
    upload::{State, StreamId, UploadId},
};
use std::collections::{HashMap, HashSet, hash_map};

const BATCH: usize = 1000;
/// Between the id and the fence in the key of a contact sheet.
pub(super) const SHEET: &str = "sheet";

/// Who else uses these blobs?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// Nobody: store and blobs are this process's own, and what no row knows is nobody's.
    Alone,
    /// Others, now or by mistake. An upload on its way in has an object and no row yet, one that is scanned has copies that
    /// are not used yet, and a bucket beside the wrong store has nothing but objects without rows: only what the store
    /// knows to be done with is removed. Age is no better a rule: an object says when it was made (in its id) and not
    /// whose it is, and beside a store that was put back from a backup the only bytes of an upload are old and have no row.
    Others,
}

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

async fn unused(store: &dyn Store, keys: Vec<String>, company: Company) -> Result<Vec<String>, PortError> {
    // Asked in this order: an upload that is settled by the first answer has all the keys that it uses in the second.
    let states = states(store, &keys).await?;
    let used: HashSet<String> = store.used_keys(&keys).await?.into_iter().collect();
    let is_done = |key: &str| {
        let state = owner(key).and_then(|id| states.get(&id));
        company == Company::Alone || state.is_some_and(|state| state.is_settled())
    };
    Ok(keys.into_iter().filter(|key| !used.contains(key) && is_done(key)).collect())
}

/// Held keys are the ids of uploads, those of contact sheets ([`SHEET`]), or those of frames that were kept as evidence;
/// anything else is nobody's.
async fn unknown(store: &dyn Store, keys: &[String], company: Company) -> Result<Vec<String>, PortError> {
    let (frames, uploads): (Vec<_>, Vec<_>) =
        keys.iter().cloned().partition(|key| key.contains('/') && !is_sheet(key));
    let states = states(store, &uploads).await?;
    let mut unknown = Vec::new();
    for key in uploads {
        let of = owner(&key).and_then(|id| Some((id, *states.get(&id)?)));
        let is_done = match of {
            Some((_, State::Erased)) => true,
            Some((id, state)) if state.is_settled() && is_sheet(&key) => !shows(store, id, &key).await?,
            Some(_) => false,
            None => company == Company::Alone,
        };
        if is_done {
            unknown.push(key);
        }
    }
    unknown.extend(no_evidence(store, frames, company).await?);
    Ok(unknown)
}

/// Whether the upload's last verdict names this sheet; that of a scan that failed afterwards has another.
async fn shows(store: &dyn Store, id: UploadId, key: &str) -> Result<bool, PortError> {
    let verdict = store.verdict(id).await?;
    let sheet = verdict.and_then(|verdict| verdict.detail.film?.sheet);
    Ok(sheet.is_some_and(|sheet| sheet.key == key))
}

fn is_sheet(key: &str) -> bool {
    key.split('/').nth(1) == Some(SHEET)
}

/// Frames that their episode does not name: written before a crash, or worse ones took their place.
async fn no_evidence(
    store: &dyn Store,
    keys: Vec<String>,
    company: Company,
) -> Result<Vec<String>, PortError> {
    let mut episodes = HashMap::new();
    let mut unused = Vec::new();
    for key in keys {
        let Some(of) = episode(&key) else {
            if company == Company::Alone {
                unused.push(key);
            }
            continue;
        };
        if let hash_map::Entry::Vacant(place) = episodes.entry(of) {
            place.insert(store.episode(of.0, of.1).await?);
        }
        let is_done = match episodes.get(&of).and_then(Option::as_ref) {
            // One that goes on may be about to name it.
            Some(episode) => {
                (company == Company::Alone || episode.state != EpisodeState::Open)
                    && episode.evidence.iter().all(|kept| kept.key != key)
            }
            None => company == Company::Alone,
        };
        if is_done {
            unused.push(key);
        }
    }
    Ok(unused)
}

/// The episode whose frame it is: `STREAM/NUMBER-…`. A stream's newest frame is none's: it goes when nobody asks for it.
fn episode(key: &str) -> Option<(StreamId, u32)> {
    let (stream, rest) = key.split_once('/')?;
    Some((stream.parse().ok()?, rest.split_once('-')?.0.parse().ok()?))
}

async fn states(store: &dyn Store, keys: &[String]) -> Result<HashMap<UploadId, State>, PortError> {
    let ids: HashSet<UploadId> = keys.iter().filter_map(|key| owner(key)).collect();
    Ok(store.states(&ids.into_iter().collect::<Vec<_>>()).await?.into_iter().collect())
}

/// The upload whose object it is.
fn owner(key: &str) -> Option<UploadId> {
    key.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        adapters::{fs::Fs, sqlite::Sqlite},
        ports::contract::samples::{at, claimed, id, settlement, tenant, upload},
        upload::Decision,
    };

    #[tokio::test]
    async fn beside_others_only_what_the_store_is_done_with_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("a.db")).await.unwrap();
        let blobs = Fs::open(folder.path().join("blobs")).unwrap();
        let spool = blobs.spool().await.unwrap();
        for n in 1..=3 {
            blobs.put(Zone::Held, &id(n).to_string(), &spool).await.unwrap();
            blobs.put(Zone::Published, &format!("{}/1/original", id(n)), &spool).await.unwrap();
        }
        // 1 waits, 2 is erased, 3 is not this store's.
        for n in 1..=2 {
            store.accept(&upload(n)).await.unwrap();
        }
        store.erase(&tenant("acme"), id(2), "key:k1", at(9)).await.unwrap();
        assert_eq!(sweep(&store, &blobs, Company::Others).await.unwrap(), 2);
        let left = blobs.list(Zone::Published, "", 10).await.unwrap();
        assert_eq!(left, [1, 3].map(|n| format!("{}/1/original", id(n))));
        assert_eq!(blobs.list(Zone::Held, "", 10).await.unwrap(), [1, 3].map(|n| id(n).to_string()));
        assert_eq!(sweep(&store, &blobs, Company::Alone).await.unwrap(), 3, "all but what waits");
    }

    #[tokio::test]
    async fn the_contact_sheet_of_the_verdict_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("a.db")).await.unwrap();
        let blobs = Fs::open(folder.path().join("blobs")).unwrap();
        let spool = blobs.spool().await.unwrap();
        let mut keys = Vec::new();
        for n in 1..=3 {
            let lease = claimed(&store, &upload(n), 9).await;
            for fence in 1..=2 {
                keys.push(format!("{}/{SHEET}/{fence}", id(n)));
                blobs.put(Zone::Held, keys.last().unwrap(), &spool).await.unwrap();
            }
            if n > 1 {
                let mut settlement = settlement(&lease, Decision::Review, at(10));
                settlement.verdict.film = Some(film(&format!("{}/{SHEET}/2", id(n))));
                store.settle(&lease, &settlement).await.unwrap().unwrap();
            }
        }
        store.erase(&tenant("acme"), id(3), "key:k1", at(11)).await.unwrap();
        for company in [Company::Others, Company::Alone] {
            sweep(&store, &blobs, company).await.unwrap();
            let left = blobs.list(Zone::Held, "", 10).await.unwrap();
            // 1 is being scanned, 2 shows its second, 3 is erased.
            assert_eq!(left, [&keys[0], &keys[1], &keys[3]].map(String::as_str), "{company:?}");
        }
    }

    fn film(key: &str) -> crate::upload::film::FilmDetail {
        serde_json::from_value(serde_json::json!({
            "width": 320, "height": 180, "duration_ms": 1000, "frames_seen": 1, "frames_total": 25, "sound": "none",
            "sheet": {"key": key, "sha256": "0", "size": 1, "frames": []},
        }))
        .unwrap()
    }
}
