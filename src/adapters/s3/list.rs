//! What lies in a zone, page by page.

use super::{S3, error::failed};
use crate::{
    adapters::keys::checked,
    ports::{Kind, PortError, Result},
};
use aws_sdk_s3::types::Object;
use jiff::Timestamp;

/// What S3 gives at a time, at most.
const PAGE: usize = 1000;

/// Up to `limit` keys below `zone` that sort after `after`, in order. Names that are no keys are not ours.
pub(super) async fn keys(s3: &S3, zone: &str, after: &str, limit: usize) -> Result<Vec<String>> {
    let (mut keys, mut after) = (Vec::new(), format!("{zone}{after}"));
    while keys.len() < limit {
        let wanted = PAGE.min(limit - keys.len());
        let Some(page) = page(s3, zone, &after, wanted).await? else { break };
        let names = page.objects.iter().filter_map(Object::key).filter_map(|name| name.strip_prefix(zone));
        keys.extend(names.filter(|key| checked(key).is_ok()).map(str::to_owned));
        if page.is_last {
            break;
        }
        after = page.end;
    }
    Ok(keys)
}

/// Up to `limit` names below `zone` of what was last written before `time`.
pub(super) async fn older(s3: &S3, zone: &str, time: Timestamp) -> Result<Vec<String>> {
    let (mut names, mut after) = (Vec::new(), zone.to_owned());
    while let Some(page) = page(s3, zone, &after, PAGE).await? {
        let old = |object: &&Object| object.last_modified.is_some_and(|at| at.secs() < time.as_second());
        names.extend(page.objects.iter().filter(old).filter_map(Object::key).map(str::to_owned));
        if page.is_last {
            break;
        }
        after = page.end;
    }
    Ok(names)
}

struct Page {
    objects: Vec<Object>,
    /// The last name.
    end: String,
    is_last: bool,
}

/// `None` where nothing is left.
async fn page(s3: &S3, zone: &str, after: &str, limit: usize) -> Result<Option<Page>> {
    // No more than a page, and so within an i32.
    let request = s3.client.list_objects_v2().bucket(&s3.layout.bucket).prefix(zone).max_keys(limit as i32);
    let listed =
        request.start_after(after).send().await.map_err(|e| failed(&format!("listing {zone}"), e))?;
    let objects = listed.contents.unwrap_or_default();
    let Some(end) = objects.last().and_then(Object::key).map(str::to_owned) else { return Ok(None) };
    if end.as_str() <= after {
        return Err(PortError::new(Kind::Fail, format!("listing {zone}: the store's list does not move on")));
    }
    Ok(Some(Page { objects, end, is_last: listed.is_truncated != Some(true) }))
}
