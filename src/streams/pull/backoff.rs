//! When a source that failed is asked again. Pure.

use std::time::Duration;

const LONGEST: Duration = Duration::from_secs(30);

/// After so many failures in a row; `first` after one, then twice as long each time.
pub fn pause(first: Duration, failures: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(10))).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_and_ends() {
        let pauses: Vec<_> = (1..9).map(|n| pause(Duration::from_secs(1), n).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(pause(Duration::from_secs(1), u32::MAX), LONGEST);
    }
}
