//! Keys as bucket notices write them.

/// A key in a notice: percent-encoded, with `+` for a space.
pub(super) fn decode(key: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
                digit(rest.next()?)? << 4 | digit(rest.next()?)?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok().filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::sources::ObjectRef;

    #[test]
    fn urls_and_keys() {
        for (url, read) in [
            ("s3://b/k", Some(("b", "k"))),
            ("s3://b/a/b c%20?x#y", Some(("b", "a/b c%20?x#y"))),
            ("s3://b/", None),
            ("s3:///k", None),
            ("s3://b", None),
            ("https://b/k", None),
        ] {
            let got = ObjectRef::from_url(url, None);
            assert_eq!(got.as_ref().map(|o| (o.bucket.as_str(), o.key.as_str())), read, "{url}");
        }
        for (key, read) in [
            ("a/b.jpg", Some("a/b.jpg")),
            ("my+photo%2B1%20%C3%A9.jpg", Some("my photo+1 \u{e9}.jpg")),
            ("a=b&c", Some("a=b&c")),
            ("%zz", None),
            ("%4", None),
            ("%+1", None),
            ("%ff", None),
            ("", None),
        ] {
            assert_eq!(decode(key).as_deref(), read, "{key}");
        }
    }
}
