//! The service's reading of what a child says, without a child, for fuzzing.

use crate::protocol::FromChild;
use crate::protocol::parent::hear;
use tokio::io::{AsyncReadExt, sink};
use tokio::net::UnixStream;

/// Hears answers to the request `sequence`, passing over their blobs, until the other end is gone or says what it may
/// not. `heads` are the bytes of heads that all of them may have.
pub async fn hear_out(mut socket: UnixStream, sequence: u64, mut heads: u64) -> Vec<FromChild> {
    let mut heard = Vec::new();
    while let Ok((message, blob)) = hear(&mut socket, sequence, &mut heads).await {
        heard.push(message);
        let passed = tokio::io::copy(&mut (&mut socket).take(blob as u64), &mut sink()).await;
        if passed.is_ok_and(|passed| passed < blob as u64) {
            break;
        }
    }
    heard
}
