//! What is left in the broker.

use super::records::as_one;
use crate::{load::FORBIDDEN, mail::Mail, place::Place};
use lapin::types::AMQPValue;

const DEAD: &str = "lazaret.dead";

/// No queue holds a message, delivered or not, but the dead letters'.
pub(super) async fn messages(place: &Place) -> Result<(), String> {
    let arguments = ["list_queues", "-p", &place.vhost.name, "name", "messages", "--no-table-headers"];
    let said = tokio::task::block_in_place(|| place.rabbit.control(&arguments));
    let lines = said.lines().map(|line| line.split_once('\t').expect("a name and a number"));
    let held: Vec<_> = lines
        .filter(|(name, messages)| *name != DEAD && *messages != "0")
        .map(|(name, messages)| format!("{name} holds {messages}"))
        .collect();
    as_one(&held)
}

/// The dead letters are those that were to die, and say why.
pub(super) async fn forbidden(place: &Place) -> Result<(), String> {
    let mail = Mail::new(&place.vhost.url);
    let (mut reasons, mut messages) = (Vec::new(), Vec::new());
    while let Some(message) = mail.get(DEAD).await? {
        let headers = message.delivery.properties.headers();
        let code = headers.as_ref().and_then(|headers| headers.inner().get("x-lazaret-code"));
        reasons.push(match code {
            Some(AMQPValue::LongString(code)) => code.to_string(),
            other => format!("{other:?}: {:?}", message.delivery.properties),
        });
        messages.push(message);
    }
    let wrong: Vec<_> = reasons.iter().filter(|code| *code != "source.forbidden").cloned().collect();
    if reasons.len() < FORBIDDEN {
        return Err(format!("{FORBIDDEN} were to go to the dead letters, {} did", reasons.len()));
    }
    as_one(&wrong)
}
