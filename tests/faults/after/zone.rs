//! What lies in the published zone.

use super::records::as_one;
use crate::{files::WIDTH, place::Place};
use lazaret::ports::blobs::Zone;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use std::{collections::BTreeMap, io::Read};

struct Copied {
    key: String,
    sha256: String,
    found: bool,
}

/// Each object is a rendition of a published upload, byte for byte; of the same bytes a copy may be left by a worker that
/// was killed, which the sweeper finds. Each rendition is there. Each verdict behind them is complete.
pub(super) async fn only_published(place: &Place, store: &mut PgConnection) -> Result<(), String> {
    type Row = (String, String, String, String, String, String, String);
    let query = "SELECT u.id, u.state, u.sha256, r.name, r.key, r.sha256, v.detail::text FROM renditions r \
        JOIN uploads u ON u.id = r.upload JOIN verdicts v ON v.upload = u.id";
    let rows: Vec<Row> = sqlx::query_as(query).fetch_all(store).await.map_err(|e| e.to_string())?;
    let mut copies: BTreeMap<(String, String), Copied> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (id, state, bytes, name, key, sha256, detail) in rows {
        let verdict: Value = serde_json::from_str(&detail).map_err(|e| e.to_string())?;
        if state != "published" || verdict["sha256"] != bytes || !is_complete(&verdict) {
            wrong.push(format!("{key} is there in spite of {state}, {detail}"));
        }
        if !verdict["type"]["media_type"].as_str().is_some_and(|kind| kind.starts_with("image/"))
            && sha256 != bytes
        {
            wrong.push(format!("{key} is not the bytes that were checked"));
        }
        copies.insert((id, name), Copied { key, sha256, found: false });
    }
    let blobs = place.blobs().await;
    let keys = blobs.list(Zone::Published, "", 100_000).await.map_err(|e| e.to_string())?;
    for key in keys {
        let mut bytes = Vec::new();
        let file = blobs.open(Zone::Published, &key).await.map_err(|e| e.to_string())?;
        file.ok_or_else(|| format!("{key} is gone"))?.read_to_end(&mut bytes).map_err(|e| e.to_string())?;
        let mut parts = key.split('/');
        let (id, name) = (parts.next().unwrap_or_default(), parts.next_back().unwrap_or_default());
        // Every picture is of one size, but the one that is put in the place of others.
        if name == "original" && bytes.starts_with(b"\xff\xd8") {
            let header = turbojpeg::read_header(&bytes).map_err(|e| e.to_string())?;
            if header.width != WIDTH as usize {
                wrong.push(format!("{key} is a picture that nobody sent"));
            }
        }
        match copies.get_mut(&(id.to_owned(), name.to_owned())) {
            Some(copy) if copy.sha256 == lazaret::hex(&Sha256::digest(&bytes)) => {
                copy.found |= copy.key == key;
            }
            _ => wrong.push(format!("{key} has no verdict")),
        }
    }
    wrong.extend(copies.values().filter(|copy| !copy.found).map(|copy| format!("{} is not there", copy.key)));
    as_one(&wrong)
}

fn is_complete(verdict: &Value) -> bool {
    let whole = |check: &Value| check["coverage"] == "complete" || check["coverage"] == "not_applicable";
    verdict["verdict"] == "publish" && verdict["checks"].as_array().is_some_and(|all| all.iter().all(whole))
}
