//! Times: of files in units of their own, of ours in microseconds; and the processor time that is used up.

use ffmpeg_next::Rational;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// A timestamp in microseconds.
pub(crate) fn micros(timestamp: i64, unit: Rational) -> i64 {
    scaled(timestamp, unit, Rational(1, 1_000_000))
}

/// From one unit to another, rounded down.
pub(crate) fn scaled(timestamp: i64, from: Rational, to: Rational) -> i64 {
    let over = i128::from(from.1) * i128::from(to.0);
    if over <= 0 {
        return 0;
    }
    let scaled = (i128::from(timestamp) * i128::from(from.0) * i128::from(to.1)).div_euclid(over);
    scaled.clamp(i128::from(i64::MIN / 4), i128::from(i64::MAX / 4)) as i64
}

/// Of this process.
pub(crate) fn used() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec.try_into().unwrap_or(0), used.tv_nsec.try_into().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        assert_eq!(micros(90_000, Rational(1, 90_000)), 1_000_000);
        assert_eq!(micros(-1, Rational(1, 1000)), -1000);
        assert_eq!(scaled(1001, Rational(1, 30_000), Rational(1, 90_000)), 3003);
        assert_eq!(micros(5, Rational(1, 0)), 0, "a unit that is none");
        assert!(micros(i64::MAX, Rational(i32::MAX, 1)) > 0);
    }
}
