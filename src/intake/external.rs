//! The sender's own id for an upload.

const CHARS: usize = 255;

/// What an id has to be, for error messages.
pub const EXPECTED: &str = "1 to 255 characters, none of them a control character";

pub fn is_legal(id: &str) -> bool {
    (1..=CHARS).contains(&id.chars().count()) && !id.contains(char::is_control)
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
    }
}
