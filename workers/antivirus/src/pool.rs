//! Daemons that somebody else runs: each is proven, again and again, and asked only while the proof holds.

use crate::{
    canary::{self, Depth},
    engine::Engine,
};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// Every so many proofs of a healthy daemon include the size canary, which costs it some seconds of work.
const SIZE_CANARY_EVERY: u32 = 12;

pub(crate) async fn watch(engine: Arc<Engine>) {
    let mut proofs = 0_u32;
    let mut pause = SHORTEST_PAUSE;
    loop {
        let Some(address) = engine.address() else { return };
        if !engine.health().is_healthy() {
            proofs = 0;
        }
        let depth =
            if proofs.is_multiple_of(SIZE_CANARY_EVERY) { Depth::AlertsAndSize } else { Depth::Alerts };
        let wait = match canary::prove(&address, &engine.limits, engine.now(), depth).await {
            Ok(proof) => {
                engine.proven(&proof);
                proofs += 1;
                pause = SHORTEST_PAUSE;
                engine.limits.canary_every
            }
            Err(error) => {
                engine.unhealthy(format!("clamd at {address}: {error}"));
                pause = (pause * 2).min(LONGEST_PAUSE);
                pause.min(engine.limits.canary_every)
            }
        };
        if engine.health().is_healthy() {
            let _woken = timeout(wait, engine.wake.notified()).await;
        } else {
            tokio::time::sleep(wait).await;
        }
    }
}

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
