//! Frames that come through the broker, for as long as this process watches their stream.

use super::{
    frame::{Frame, HEADER},
    hub::Shared,
    key::Presented,
    live::Live,
    order::Order,
};
use crate::ports::frames::{Feed, Frames, Parcel};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// Before a queue that was lost is asked for again.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn feed(hub: Arc<Shared>, live: Arc<Live>, frames: Arc<dyn Frames>) {
    let over = live.over();
    let taking = async {
        let mut order = Order::default();
        let mut told = false;
        loop {
            let error = match frames.feed(live.id).await {
                Ok(mut feed) => {
                    told = false;
                    take(&hub, &live, &mut order, &mut *feed).await
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

async fn take(hub: &Shared, live: &Live, order: &mut Order, feed: &mut dyn Feed) -> crate::ports::PortError {
    loop {
        let Parcel { body, key } = match feed.next().await {
            Ok(parcel) => parcel,
            Err(error) => return error,
        };
        // The broker holds nobody to the limit that the calls have.
        if body.len() > hub.options.max_frame + HEADER {
            live.spoiled();
            continue;
        }
        let now = hub.clock.now();
        let key = key.as_deref().and_then(Presented::parse);
        let frame = match Frame::read(body) {
            // Whoever may publish to the exchange is not yet this stream's publisher.
            Ok(frame) if key.is_some_and(|key| key.opens(&live.shown().key, now)) => frame,
            _ => {
                live.spoiled();
                continue;
            }
        };
        // Nobody waits for an answer.
        let (reply, _) = mpsc::unbounded_channel();
        live.offer(frame, order, now, reply);
    }
}
