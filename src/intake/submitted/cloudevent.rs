//! `io.lazaret.upload.submitted.v1`, a CloudEvent 1.0 in structured mode.

use super::{BODY_UNKNOWN, Refusal, Submission, is_media_type};
use crate::{intake::external, ports::sources::ObjectRef};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

pub const TYPE: &str = "io.lazaret.upload.submitted.v1";

#[derive(Deserialize)]
struct Envelope {
    specversion: String,
    id: String,
    source: String,
    r#type: String,
    time: Option<String>,
    #[serde(default)]
    data: Option<Value>,
}

#[derive(Deserialize)]
struct Data {
    source: Source,
    filename: Option<String>,
    media_type: Option<String>,
    size: Option<u64>,
    sha256: Option<String>,
    external_id: Option<String>,
    uploader: Option<String>,
    /// Has to be an object, of which nothing is kept but who sent the file.
    metadata: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct Source {
    url: String,
    version_id: Option<String>,
}

pub(super) fn understand(body: Value) -> Result<Submission, Refusal> {
    let malformed = |error: serde_json::Error| Refusal::malformed(format!("the CloudEvent: {error}"));
    let event = Envelope::deserialize(body).map_err(malformed)?;
    if event.specversion != "1.0" || event.r#type != TYPE {
        let got = format!("{:?} of specversion {:?}", event.r#type, event.specversion);
        return Err(Refusal::new(
            BODY_UNKNOWN,
            format!("expected {TYPE:?} of specversion \"1.0\", got {got}"),
        ));
    }
    if event.id.is_empty() || event.source.is_empty() {
        return Err(Refusal::malformed("the CloudEvent's id and source may not be empty"));
    }
    let data = event.data.ok_or_else(|| Refusal::malformed("the CloudEvent has no data"))?;
    let data = Data::deserialize(data).map_err(malformed)?;
    let object = ObjectRef::from_url(&data.source.url, data.source.version_id.filter(|id| !id.is_empty()))
        .ok_or_else(|| Refusal::malformed("source.url is not s3://bucket/key"))?;
    if data.external_id.as_deref().is_some_and(|id| !external::is_legal(id)) {
        return Err(Refusal::malformed(format!("external_id is {}", external::EXPECTED)));
    }
    if data.media_type.as_deref().is_some_and(|text| !is_media_type(text)) {
        return Err(Refusal::malformed("media_type is 1 to 255 visible ASCII characters"));
    }
    let uploader = match (data.uploader, data.metadata.and_then(|mut data| data.remove("uploader"))) {
        (Some(name), _) | (None, Some(Value::String(name))) => Some(name),
        (None, None | Some(Value::Null)) => None,
        (None, Some(_)) => return Err(Refusal::malformed("metadata.uploader is not a string")),
    };
    if uploader.as_deref().is_some_and(|name| !external::is_uploader(name)) {
        return Err(Refusal::malformed(format!("uploader is {}", external::UPLOADER)));
    }
    let is_sum = |sum: &str| sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit());
    if data.sha256.as_deref().is_some_and(|sum| !is_sum(sum)) {
        return Err(Refusal::malformed("sha256 is 64 hex digits"));
    }
    Ok(Submission {
        object,
        key: key("event", &[&event.source, &event.id]),
        filename: data.filename,
        media_type: data.media_type,
        size: data.size,
        sha256: data.sha256,
        external_id: data.external_id,
        // It is shown, and decides nothing.
        at: event.time.and_then(|time| time.parse().ok()),
        uploader,
    })
}

/// An Idempotency-Key out of what identifies a message: no part can reach into the next.
pub(super) fn key(kind: &str, parts: &[&str]) -> String {
    let mut sum = Sha256::new();
    for part in parts {
        sum.update((part.len() as u64).to_be_bytes());
        sum.update(part);
    }
    format!("{kind}:{}", crate::hex(&sum.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::submitted::BODY_MALFORMED;
    use serde_json::json;

    fn sample() -> Value {
        json!({"specversion": "1.0", "id": "1", "source": "/app", "type": TYPE, "data": {
            "source": {"url": "s3://b/k"}, "external_id": "e", "media_type": "image/jpeg", "sha256": "ab".repeat(32), "metadata": {"a": 1}}})
    }

    #[test]
    fn events_that_are_refused() {
        assert!(understand(sample()).is_ok());
        let cases = [
            ("/specversion", json!("0.3"), BODY_UNKNOWN),
            ("/type", json!("com.example.other"), BODY_UNKNOWN),
            ("/id", json!(""), BODY_MALFORMED),
            ("/source", json!(1), BODY_MALFORMED),
            ("/data", json!(null), BODY_MALFORMED),
            ("/data/source", json!("s3://b/k"), BODY_MALFORMED),
            ("/data/source/url", json!("https://b/k"), BODY_MALFORMED),
            ("/data/external_id", json!("a\nb"), BODY_MALFORMED),
            ("/data/media_type", json!("image/jpeg\r\n"), BODY_MALFORMED),
            ("/data/sha256", json!("abc"), BODY_MALFORMED),
            ("/data/metadata", json!("x"), BODY_MALFORMED),
            ("/data/metadata", json!({ "uploader": 17 }), BODY_MALFORMED),
            ("/data/metadata", json!({ "uploader": "x".repeat(256) }), BODY_MALFORMED),
        ];
        for (place, value, code) in cases {
            let mut event = sample();
            *event.pointer_mut(place).unwrap() = value;
            assert_eq!(understand(event).unwrap_err().code, code, "{place}");
        }
    }

    #[test]
    fn the_uploader_is_named_in_data_or_in_its_metadata() {
        let named = |data: Option<&str>, metadata: Value| {
            let mut event = sample();
            event["data"]["uploader"] = json!(data);
            event["data"]["metadata"] = metadata;
            understand(event).unwrap().uploader
        };
        assert_eq!(named(Some("a"), json!({ "uploader": "b" })).as_deref(), Some("a"));
        assert_eq!(named(None, json!({ "uploader": "b" })).as_deref(), Some("b"));
        assert_eq!((named(None, json!({})), named(None, json!(null))), (None, None));
    }

    #[test]
    fn the_key_is_of_source_and_id() {
        let with = |source: &str, id: &str| {
            let mut event = sample();
            (event["source"], event["id"]) = (json!(source), json!(id));
            understand(event).unwrap().key
        };
        assert_eq!(with("/app", "1"), with("/app", "1"));
        assert_ne!(with("/app", "1"), with("/app", "2"));
        assert_ne!(with("/app1", "1"), with("/app", "11"));
    }
}
