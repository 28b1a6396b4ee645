//! An outbox entry as a CloudEvent 1.0, in the JSON format, structured mode
//! (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>).

use crate::ports::{Kind, PortError, Result, store::OutboxEntry};
use serde::Serialize;
use serde_json::Value;

pub const MEDIA_TYPE: &str = "application/cloudevents+json";

/// Upload waits for its scan: work for this service, news for nobody.
pub const RECEIVED: &str = "upload.received";

#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: String,
    source: &'a str,
    r#type: String,
    subject: String,
    time: String,
    datacontenttype: &'static str,
    /// The extension `sequence`: sorts as text.
    sequence: String,
    data: Value,
}

/// The same whenever and wherever the entry is told. Without a dot, which separates what a webhook's signature is over.
pub fn id(entry: &OutboxEntry) -> String {
    format!("{}-{}", entry.sequence, entry.upload)
}

/// `source` says which Lazaret it is, as a URI reference.
pub fn event(entry: &OutboxEntry, source: &str) -> Result<Vec<u8>> {
    let unwritable =
        |error| PortError::new(Kind::Fail, "an outbox entry cannot be written as an event").because(error);
    let event = CloudEvent {
        specversion: "1.0",
        id: id(entry),
        source,
        r#type: format!("io.lazaret.{}.v1", entry.kind),
        subject: entry.upload.to_string(),
        time: entry.at.to_string(),
        datacontenttype: "application/json",
        sequence: format!("{:020}", entry.sequence),
        data: serde_json::from_str(&entry.body).map_err(unwritable)?,
    };
    serde_json::to_vec(&event).map_err(unwritable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload::UploadId;
    use jiff::Timestamp;

    #[test]
    fn the_written_form() {
        let entry = OutboxEntry {
            sequence: 17,
            upload: UploadId::new(Timestamp::UNIX_EPOCH, &[7; 10]),
            tenant: "acme".parse().unwrap(),
            kind: "upload.published".into(),
            body: r#"{"id":"x","verdict":"publish","verdict_digest":"ab"}"#.into(),
            at: "2026-11-20T10:00:00.125Z".parse().unwrap(),
        };
        let text = String::from_utf8(event(&entry, "urn:lazaret:test").unwrap()).unwrap();
        insta::assert_snapshot!(text);
        assert!(!id(&entry).contains('.'));
        assert!(event(&OutboxEntry { body: "{".into(), ..entry }, "x").is_err());
    }
}
