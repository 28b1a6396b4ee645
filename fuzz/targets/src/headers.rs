//! What callers write into headers and parameters: an API key, a digest, a range, a condition, a duration, one a line.

use crate::lines;
use axum::http::{HeaderMap, HeaderValue, header};
use lazaret::{
    access::key::Presented,
    delivery::conditional::{Answer, answer},
    http::duration,
    intake::digest::Expected,
};

const SIZE: u64 = 1000;
const ETAG: &str = "\"abc\"";

pub fn run(data: &[u8]) {
    let [key, digest, range, condition, time] = lines::<5>(data);
    let [key, digest, time] = [key, digest, time].map(|line| std::str::from_utf8(line).unwrap_or_default());
    if let Some(key) = Presented::parse(key) {
        assert!(key.id.len() == 12 && key.id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{}", key.id);
    }
    if let Ok(expected) = Expected::parse(digest) {
        let agrees = expected.agrees(&expected.sums().finish());
        assert!(agrees || !expected.is_empty(), "what asks for nothing agrees with all");
    }
    if let Some(duration) = duration::parse(time) {
        assert!(time.starts_with(|c: char| c.is_ascii_digit()), "{duration:?}");
    }
    let mut headers = HeaderMap::new();
    for (name, value) in
        [(header::RANGE, range), (header::IF_NONE_MATCH, condition), (header::IF_RANGE, condition)]
    {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(name, value);
        }
    }
    for size in [SIZE, 0] {
        if let Answer::Part(part) = answer(&headers, ETAG, size) {
            assert!(part.start < part.end && part.end <= size, "{part:?} of {size}");
        }
    }
}

pub fn seeds() -> Vec<Vec<u8>> {
    let key = format!("lz_abcdefghijkm_{}", "A".repeat(43));
    let sum = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:;a=b, md5=:AAAA:";
    let ranges = [
        "bytes=0-9",
        "bytes=-10",
        "bytes=990-",
        "BYTES = 5-6",
        "bytes=0-1,5-6",
        "bytes=999-99999999999999999999",
    ];
    let seed = |range: &&str| format!("{key}\n{sum}\n{range}\n{ETAG}\n10m").into_bytes();
    ranges.iter().map(seed).collect()
}
