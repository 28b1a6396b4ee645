//! Notices of buckets, as AWS
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>) and MinIO write them;
//! MinIO puts `EventName` and `Key` on top and `s3:` before the event's name.

use super::{BODY_UNKNOWN, Refusal, Submission, cloudevent::key, is_media_type, reference};
use crate::ports::sources::ObjectRef;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: String,
    event_source: Option<String>,
    event_time: Option<String>,
    s3: Option<S3>,
}

#[derive(Deserialize)]
struct S3 {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    key: String,
    size: Option<u64>,
    content_type: Option<String>,
    version_id: Option<String>,
    sequencer: Option<String>,
    e_tag: Option<String>,
}

/// What AWS sends when notices are switched on.
pub(super) fn is_test(body: &Value) -> bool {
    let says = |member: &str, text: &str| body.get(member).and_then(Value::as_str) == Some(text);
    says("Service", "Amazon S3") && says("Event", "s3:TestEvent")
}

pub(super) fn understand(mut body: Value) -> Result<Vec<Submission>, Refusal> {
    let records = Vec::<Record>::deserialize(body["Records"].take())
        .map_err(|error| Refusal::malformed(format!("the bucket notice: {error}")))?;
    let read: Result<Vec<_>, _> = records.into_iter().map(submission).collect();
    Ok(read?.into_iter().flatten().collect())
}

/// `None` of what hands nothing over: deletions, folders' markers.
fn submission(record: Record) -> Result<Option<Submission>, Refusal> {
    if let Some(other) = record.event_source.filter(|source| !source.ends_with(":s3")) {
        return Err(Refusal::new(BODY_UNKNOWN, format!("a record is of {other:?}, which is no bucket")));
    }
    let name = record.event_name.strip_prefix("s3:").unwrap_or(&record.event_name);
    if !name.starts_with("ObjectCreated:") {
        return Ok(None);
    }
    let Some(S3 { bucket, object }) = record.s3 else {
        return Err(Refusal::malformed("a record of the bucket notice has no member s3"));
    };
    let Some(name) = reference::decode(&object.key) else {
        return Err(Refusal::malformed("a key in the bucket notice is not percent-encoded UTF-8"));
    };
    if name.ends_with('/') && object.size == Some(0) {
        return Ok(None);
    }
    let version_id = object.version_id.filter(|id| !id.is_empty());
    let at = record.event_time.as_deref().and_then(|time| time.parse().ok());
    // Without a sequencer or a version, what tells one write from the next is what was written, and when.
    let bare = object.sequencer.is_none() && version_id.is_none();
    let written = if bare { [object.e_tag, record.event_time] } else { [object.sequencer, None] };
    let [first, second] = written.map(Option::unwrap_or_default);
    let version = version_id.as_deref().unwrap_or_default();
    let key = key("notice", &[&bucket.name, &name, version, &first, &second]);
    Ok(Some(Submission {
        key,
        filename: name.rsplit('/').next().map(str::to_owned),
        media_type: object.content_type.filter(|text| is_media_type(text)),
        // Without a version the object may have been written again since, which is told by a notice of its own.
        size: object.size.filter(|_| version_id.is_some()),
        sha256: None,
        external_id: None,
        at,
        uploader: None,
        object: ObjectRef { bucket: bucket.name, key: name, version_id },
    }))
}
