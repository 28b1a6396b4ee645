//! CloudEvents and bucket notices, as they come from a broker: a content type on the first line, then the body.

use crate::lines;
use lazaret::intake::submitted::understand;

pub fn run(data: &[u8]) {
    let [content_type, body] = lines::<2>(data);
    let content_type = std::str::from_utf8(content_type).ok().filter(|text| !text.is_empty());
    let understood = understand(body, content_type);
    assert_eq!(understood, understand(body, content_type), "the same message is the same submission");
    for submission in understood.into_iter().flatten() {
        assert!(!submission.object.bucket.is_empty() && !submission.object.key.is_empty(), "{submission:?}");
        assert_ne!(submission.object.version_id.as_deref(), Some(""));
        let (kind, digest) = submission.key.split_once(':').unwrap_or_default();
        assert!(["event", "notice"].contains(&kind) && digest.len() == 64, "{submission:?}");
        let is_sum = |sum: &String| sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(submission.sha256.iter().all(is_sum), "{submission:?}");
        let visible = |text: &String| text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        assert!(submission.media_type.iter().all(visible), "{submission:?}");
        assert!(submission.uploader.iter().all(|name| name.len() <= 255), "{submission:?}");
        assert!(submission.external_id.iter().all(|id| !id.contains(char::is_control)), "{submission:?}");
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let samples: [&str; 4] = [
        include_str!("../../../tests/events/samples/cloudevent.json"),
        include_str!("../../../tests/events/samples/aws.json"),
        include_str!("../../../tests/events/samples/aws-test.json"),
        include_str!("../../../tests/events/samples/minio.json"),
    ];
    let mut seeds: Vec<_> = samples.iter().map(|sample| format!("\n{sample}").into_bytes()).collect();
    seeds.push(format!("application/cloudevents+json; charset=utf-8\n{}", samples[0]).into_bytes());
    seeds
}
