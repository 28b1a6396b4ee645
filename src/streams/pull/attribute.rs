//! Lists of attributes, as HLS playlists and challenges for a password have them. Pure.

/// Of `NAME=value,NAME="value, with commas"`.
pub fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = list;
    while let Some((key, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, next) = quoted.split_once('"')?;
                (value, next.trim_start_matches(','))
            }
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::attribute;

    #[test]
    fn attributes_are_found_behind_others() {
        let list = "realm=\"a, \", nonce=\"n=1\",stale=FALSE, qop=\"auth\"";
        let found = ["realm", "Nonce", "stale", "qop", "a"].map(|name| attribute(list, name));
        assert_eq!(found, [Some("a, "), Some("n=1"), Some("FALSE"), Some("auth"), None]);
        assert_eq!(attribute("open=\"never closed", "open"), None);
    }
}
