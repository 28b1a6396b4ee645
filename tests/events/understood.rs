use lazaret::intake::submitted::{Submission, understand};

fn sample(name: &str) -> Vec<Submission> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/events/samples");
    let body = std::fs::read(format!("{folder}/{name}.json")).unwrap();
    understand(&body, Some("application/json")).unwrap()
}

#[test]
fn a_cloud_event_says_all_there_is_to_say() {
    let [one] = sample("cloudevent").try_into().unwrap();
    assert_eq!((one.object.bucket.as_str(), one.object.key.as_str()), ("acme-uploads", "new/my photo.jpg"));
    assert_eq!(one.object.version_id.as_deref(), Some("v2"));
    assert_eq!(
        (one.filename.as_deref(), one.media_type.as_deref()),
        (Some("holiday.jpg"), Some("image/jpeg"))
    );
    assert_eq!((one.size, one.external_id.as_deref()), (Some(11), Some("shop-17")));
    assert!(one.sha256.unwrap().starts_with("B94D27"));
    assert!(one.key.starts_with("event:"));
}

#[test]
fn the_notices_of_aws_name_what_was_created() {
    let [first, second] = sample("aws").try_into().unwrap();
    assert_eq!(first.object.key, "new/happy face+\u{e9}.jpg");
    assert_eq!(first.filename.as_deref(), Some("happy face+\u{e9}.jpg"));
    assert_eq!(first.object.version_id.as_deref(), Some("096fKKXTRTtl3on89fVO.nfljtsv6qko"));
    assert_eq!(first.size, Some(11), "of a version the size is what it was");
    assert_eq!((second.object.key.as_str(), second.object.version_id), ("new/second.png", None));
    assert_eq!(second.size, None, "it may have been written again since");
    assert_ne!(first.key, second.key);
    assert!(sample("aws-test").is_empty());
}

#[test]
fn the_notices_of_minio_are_the_same_in_other_words() {
    let [one] = sample("minio").try_into().unwrap();
    assert_eq!(
        (one.object.bucket.as_str(), one.object.key.as_str()),
        ("acme-uploads", "new/minio photo.jpg")
    );
    assert_eq!(
        (one.filename.as_deref(), one.media_type.as_deref()),
        (Some("minio photo.jpg"), Some("image/jpeg"))
    );
}

/// Of a record with these members of `object`.
fn notice(event: &str, object: serde_json::Value) -> Result<Vec<Submission>, &'static str> {
    let body = serde_json::json!({"Records": [{"eventSource": "aws:s3", "eventName": event,
        "eventTime": "2026-11-20T10:00:00Z", "s3": {"bucket": {"name": "b"}, "object": object}}]});
    understand(body.to_string().as_bytes(), None).map_err(|refusal| refusal.code)
}

#[test]
fn notices_that_hand_nothing_over_and_those_that_are_wrong() {
    use serde_json::json;
    let created = "ObjectCreated:Copy";
    assert_eq!(notice("ObjectRemoved:DeleteMarkerCreated", json!({"key": "k"})), Ok(vec![]));
    assert_eq!(notice("s3:ObjectAccessed:Get", json!({"key": "k"})), Ok(vec![]));
    assert_eq!(notice(created, json!({"key": "folder/", "size": 0})), Ok(vec![]));
    assert_eq!(notice(created, json!({"key": "%zz"})), Err("body.malformed"));
    assert_eq!(notice(created, json!({"size": 1})), Err("body.malformed"));
    let understood =
        |body: serde_json::Value| understand(body.to_string().as_bytes(), None).map_err(|r| r.code);
    assert_eq!(understood(json!({"Records": []})), Ok(vec![]));
    assert_eq!(understood(json!({"Records": 1})), Err("body.malformed"));
    assert_eq!(understood(json!({"Records": [{"eventName": created}]})), Err("body.malformed"));
    let queue = json!({"Records": [{"eventSource": "aws:sqs", "eventName": created}]});
    assert_eq!(understood(queue), Err("body.unknown"));
}

#[test]
fn the_same_write_has_the_same_key_and_the_next_one_another() {
    use serde_json::json;
    let key = |object| notice("ObjectCreated:Put", object).unwrap().remove(0).key;
    let one = json!({"key": "k", "sequencer": "1"});
    assert_eq!(key(one.clone()), key(one.clone()));
    for other in [
        json!({"key": "k", "sequencer": "2"}),
        json!({"key": "k", "sequencer": "1", "versionId": "v"}),
        json!({"key": "k2", "sequencer": "1"}),
        json!({"key": "k", "eTag": "1"}),
    ] {
        assert_ne!(key(one.clone()), key(other.clone()), "{other}");
    }
}
