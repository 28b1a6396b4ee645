//! Where a message waits that is to come again later: queues of fixed waits, since one queue's messages leave it in order.

use std::time::Duration;

pub(super) struct Step {
    /// Of the exchange and of the queue.
    pub name: &'static str,
    pub wait: Duration,
}

pub(super) const STEPS: [Step; 5] = [
    Step { name: "lazaret.retry.1s", wait: Duration::from_secs(1) },
    Step { name: "lazaret.retry.5s", wait: Duration::from_secs(5) },
    Step { name: "lazaret.retry.30s", wait: Duration::from_secs(30) },
    Step { name: "lazaret.retry.2m", wait: Duration::from_secs(120) },
    Step { name: "lazaret.retry.10m", wait: Duration::from_secs(600) },
];

/// The shortest step that is not over before `delay`, or the longest one and how much of `delay` is left after it.
pub(super) fn step(delay: Duration) -> (&'static Step, Duration) {
    const LONGEST: &Step = &STEPS[STEPS.len() - 1];
    let step = STEPS.iter().find(|step| step.wait >= delay).unwrap_or(LONGEST);
    (step, delay.saturating_sub(step.wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_too_early() {
        for (delay_ms, name, left_s) in [
            (1, "lazaret.retry.1s", 0),
            (1000, "lazaret.retry.1s", 0),
            (1001, "lazaret.retry.5s", 0),
            (120_000, "lazaret.retry.2m", 0),
            (600_000, "lazaret.retry.10m", 0),
            (3_600_000, "lazaret.retry.10m", 3000),
        ] {
            let (step, left) = step(Duration::from_millis(delay_ms));
            assert_eq!((step.name, left.as_secs()), (name, left_s), "{delay_ms} ms");
        }
    }
}
