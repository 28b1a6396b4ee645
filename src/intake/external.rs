//! What the sender names in its own words: an upload's id, and who of its users sent it.

const CHARS: usize = 255;

/// What an id has to be, for error messages.
pub const EXPECTED: &str = "1 to 255 characters, none of them a control character";

pub fn is_legal(id: &str) -> bool {
    (1..=CHARS).contains(&id.chars().count()) && !id.contains(char::is_control)
}

pub const UPLOADER_BYTES: usize = 255;

/// What an uploader's name has to be, for error messages.
pub const UPLOADER: &str = "1 to 255 bytes, none of them of a control character";

pub fn is_uploader(name: &str) -> bool {
    (1..=UPLOADER_BYTES).contains(&name.len()) && !name.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_taken_and_not() {
        for good in ["1", "order-17/photo 2", "\u{e9}", &"x".repeat(255)] {
            assert!(is_legal(good), "{good}");
        }
        for bad in ["", "a\nb", "\0", &"x".repeat(256)] {
            assert!(!is_legal(bad), "{bad:?}");
        }
        let most = "\u{e9}".repeat(127);
        assert!(is_uploader("user-17") && is_uploader(&most) && !is_uploader(&format!("{most}\u{e9}")));
        assert!(!is_uploader("") && !is_uploader("a\nb"));
    }
}
