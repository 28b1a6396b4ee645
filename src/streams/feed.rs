//! Frames that come through the broker, for as long as this process watches their stream.

use super::{
    frame::{self, Frame, HEADER},
    hub::Shared,
    key::Presented,
    live::Live,
};
use crate::ports::frames::{Feed, Frames, Parcel};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// Before a queue that was lost is asked for again.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn feed(hub: Arc<Shared>, live: Arc<Live>, frames: Arc<dyn Frames>) {
    let over = live.over();
    let taking = async {
        let mut told = false;
        loop {
            let error = match frames.feed(live.id).await {
                Ok(mut feed) => {
                    told = false;
                    take(&hub, &live, &mut *feed).await
                }
                Err(error) => error,
            };
            // Once an outage.
            if !std::mem::replace(&mut told, true) {
                tracing::warn!(stream.id = %live.id, %error, "no frames come through the broker; trying again");
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let _over: Option<()> = over.run_until_cancelled(taking).await;
}

async fn take(hub: &Shared, live: &Live, feed: &mut dyn Feed) -> crate::ports::PortError {
    loop {
        let Parcel { body, key, is_dropped } = match feed.next().await {
            Ok(parcel) => parcel,
            Err(error) => return error,
        };
        let now = hub.clock.now();
        let key = key.as_deref().and_then(Presented::parse);
        // Whoever may publish to the exchange is not yet this stream's publisher.
        if !key.is_some_and(|key| key.opens(&live.shown().key, now)) {
            if !is_dropped {
                live.refused();
            }
            continue;
        }
        if is_dropped {
            // One with a number is counted by the gap that it leaves.
            if !frame::is_numbered(&body) {
                live.skipped();
            }
            continue;
        }
        // The broker holds nobody to the limit that the calls have.
        let fits = body.len() <= hub.options.max_frame + HEADER;
        let Some(frame) = fits.then(|| Frame::read(body).ok()).flatten() else {
            live.spoiled();
            continue;
        };
        // Nobody waits for an answer.
        let (reply, _) = mpsc::unbounded_channel();
        live.feed(frame, now, reply);
    }
}
