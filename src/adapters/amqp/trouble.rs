//! lapin's errors in words: what is wrong, in one line, and whether it may pass.

use super::options::Target;
use crate::ports::{Kind, PortError, Result};
use lapin::{Error, ErrorKind};
use std::{io, time::Duration};

/// For every question to the broker but dialling and confirms.
pub(super) const ANSWER: Duration = Duration::from_secs(20);

pub(super) const NOT_FOUND: u16 = 404;
const ACCESS_REFUSED: u16 = 403;
const PRECONDITION_FAILED: u16 = 406;
const NOT_ALLOWED: u16 = 530;

/// What an account of this service's uses: `amq.default` is what the broker calls the exchange without a name.
const OURS: &str = r"^(lazaret|stream\.frame\.|amq\.default$)";

/// What the broker said, where it was the broker.
pub(super) fn said(error: &Error) -> Option<(u16, &str)> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some((error.get_id(), error.get_message().as_str())),
        _ => None,
    }
}

/// The connection or the channel went away; another attempt gets a new one.
pub(super) fn lost(doing: &str, error: Error) -> PortError {
    PortError::new(Kind::Retry, format!("the broker was lost while {doing}")).because(error)
}

pub(super) fn silent(doing: &str) -> PortError {
    PortError::new(Kind::Retry, format!("the broker did not answer in time while {doing}"))
}

/// Asks the broker something, and waits no longer than [`ANSWER`].
pub(super) async fn asked<T>(doing: &str, answer: impl Future<Output = lapin::Result<T>>) -> Result<T> {
    match tokio::time::timeout(ANSWER, answer).await {
        Ok(answer) => answer.map_err(|error| lost(doing, error)),
        Err(_) => Err(silent(doing)),
    }
}

pub(super) fn dialling(target: &Target, error: Error) -> PortError {
    let vhost = &target.uri.vhost;
    match (said(&error), error.kind()) {
        (Some((ACCESS_REFUSED, _)), _) => {
            PortError::new(Kind::Fail, format!("queue.url: {target} refuses this user or password"))
        }
        (Some((NOT_ALLOWED, text)), _) if text.contains("not found") => {
            PortError::new(Kind::Fail, format!("queue.url: {target} has no vhost {vhost:?}; add it there"))
        }
        (Some((NOT_ALLOWED, _)), _) => PortError::new(
            Kind::Fail,
            format!("queue.url: {target} does not let this user into the vhost {vhost:?}"),
        ),
        (_, ErrorKind::IOError(io)) if io.kind() == io::ErrorKind::ConnectionRefused => {
            PortError::new(Kind::Retry, format!("queue.url: nobody listens at {target}"))
        }
        _ => PortError::new(Kind::Retry, format!("queue.url: no connection to {target}")).because(error),
    }
}

/// `what` is "queue" or "exchange".
pub(super) fn declaring(what: &str, name: &str, error: Error) -> PortError {
    match said(&error) {
        Some((PRECONDITION_FAILED, text)) => {
            let setting =
                if text.contains("'x-delivery-limit'") { "queue.delivery_limit" } else { "queue.url" };
            let difference = text.strip_prefix("PRECONDITION_FAILED - ").unwrap_or(text);
            PortError::new(
                Kind::Fail,
                format!(
                    "{setting}: the {what} {name} is there already and differs: {difference}; make them alike, or delete the {what} there"
                ),
            )
        }
        Some((ACCESS_REFUSED, _)) => PortError::new(
            Kind::Fail,
            format!(
                "queue.url: this user may not declare, read or write the {what} {name}; it needs all three permissions on {OURS}"
            ),
        ),
        _ => lost(&format!("declaring the {what} {name}"), error),
    }
}

/// AMQP's short strings hold 255 bytes.
pub(super) fn short(what: &str, text: &str) -> Result<()> {
    if text.len() <= 255 {
        return Ok(());
    }
    Err(PortError::new(Kind::Fail, format!("{what} is longer than the 255 bytes that AMQP has for it")))
}
