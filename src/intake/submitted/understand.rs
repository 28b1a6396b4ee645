//! Which of the known forms a message has.

use super::{BODY_UNKNOWN, Refusal, Submission, cloudevent, notice};
use serde_json::Value;

/// What the message submits; nothing, where it is one that asks for nothing (a bucket's test, a deletion).
/// Known are CloudEvents in structured mode, and the bucket notices of AWS and of MinIO.
pub fn understand(body: &[u8], content_type: Option<&str>) -> Result<Vec<Submission>, Refusal> {
    if let Some(other) = content_type.map(essence).filter(|essence| !is_json(essence)) {
        let detail = format!("the content type is {other:?}; JSON is understood");
        return Err(Refusal::new(BODY_UNKNOWN, detail));
    }
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::malformed(format!("the body is not JSON: {error}")))?;
    if body.get("specversion").is_some() {
        return cloudevent::understand(body).map(|one| vec![one]);
    }
    if body.get("Records").is_some() {
        return notice::understand(body);
    }
    if notice::is_test(&body) {
        return Ok(Vec::new());
    }
    let detail = "the body is neither a CloudEvent in structured mode nor a bucket notice";
    Err(Refusal::new(BODY_UNKNOWN, detail))
}

fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Many clients name no type, or the one for any bytes.
fn is_json(essence: &str) -> bool {
    ["", "application/octet-stream", "text/plain", "application/json", "text/json"].contains(&essence)
        || essence.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::submitted::BODY_MALFORMED;

    #[test]
    fn what_is_not_understood_says_why() {
        let cases = [
            ("", None, BODY_MALFORMED),
            ("{", None, BODY_MALFORMED),
            ("\u{ff}", None, BODY_MALFORMED),
            ("{}", None, BODY_UNKNOWN),
            ("[]", None, BODY_UNKNOWN),
            ("17", None, BODY_UNKNOWN),
            ("{}", Some("application/xml"), BODY_UNKNOWN),
            ("{\"Event\":\"s3:TestEvent\"}", None, BODY_UNKNOWN),
        ];
        for (body, content_type, code) in cases {
            assert_eq!(understand(body.as_bytes(), content_type).unwrap_err().code, code, "{body}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_body_panics(body in ".{0,300}") {
            let _ = understand(body.as_bytes(), None);
        }
    }
}
