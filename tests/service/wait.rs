//! Polling with a deadline.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

/// More than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(25);

/// Asks until there is an answer. `Err` tells how things stand, for the message of the failure.
///
/// # Panics
/// When there is none within [`PATIENCE`].
pub async fn until<T, E: Debug>(what: &str, mut ask: impl AsyncFnMut() -> Result<T, E>) -> T {
    let began = Instant::now();
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(state) if began.elapsed() > PATIENCE => panic!("{what}: not within {PATIENCE:?}: {state:?}"),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
