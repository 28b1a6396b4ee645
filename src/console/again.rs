//! What holds nothing written, and was sent when a session was over: something is taken back, dead letters are sent back, a
//! session is ended. It is kept as other forms are, and its page says of what it is, and whether it can be done still.

use super::{Console, fail::Fail, fields::Fields, hand, words};
use crate::{
    access::Person,
    review::desk::seconds_left,
    upload::{StreamId, UploadId, filename},
};

const LATE: &str = "It cannot be taken back any more: its time is over, or it was taken back already.";
const ENDED: &str = "That session is over already.";

pub(super) struct Chance {
    /// What it is about.
    pub about: String,
    /// Why it cannot be done any more; empty where it can.
    pub over: &'static str,
}

impl Chance {
    fn of(about: String, still: bool, over: &'static str) -> Self {
        Self { about, over: if still { "" } else { over } }
    }
}

/// Of what was sent to this path.
pub(super) async fn chance(
    console: &Console,
    person: &Person,
    path: &str,
    fields: &Fields,
) -> Result<Chance, Fail> {
    let parts: Vec<&str> = path.split('/').skip(2).collect();
    match parts[..] {
        ["streams", stream, "undo"] => of_hand(console, person, stream, fields).await,
        ["episodes", stream, number, "undo"] => of_episode(console, person, (stream, number), fields).await,
        ["insight", "dead"] => {
            let about = if fields.get("do") == "all" {
                "all of them".to_owned()
            } else {
                words::brief(fields.get("id"))
            };
            // What is gone by now is told when it is sent.
            Ok(Chance::of(about, true, ""))
        }
        ["account", "end"] => of_session(console, person, fields).await,
        _ => of_items(console, person, fields).await,
    }
}

async fn of_items(console: &Console, person: &Person, fields: &Fields) -> Result<Chance, Fail> {
    let (desk, user) = (&console.desk, &person.user);
    if let Some(batch) = fields.some("batch") {
        let rulings = desk.reviews.batch(&user.id, batch).await?;
        let still = rulings.iter().filter(|ruling| desk.left(ruling, user).is_some()).count();
        let about = if still == 0 { "many items".to_owned() } else { format!("{still} items") };
        return Ok(Chance::of(about, still > 0, LATE));
    }
    let id: UploadId = fields.get("upload").parse().map_err(|_| Fail::no_page())?;
    let rulings = desk.reviews.rulings(id).await?;
    let mut these = rulings.iter().filter(|ruling| ruling.number.to_string() == fields.get("number"));
    let still = these.any(|ruling| desk.left(ruling, user).is_some());
    // What somebody may not see any more, what they sealed perhaps, has no name for them.
    let opened = desk.seen(user, id).await.ok();
    let name = opened.and_then(|opened| opened.upload.filename.as_deref().map(filename::display));
    Ok(Chance::of(name.unwrap_or_else(|| id.to_string()), still, LATE))
}

async fn of_hand(console: &Console, person: &Person, stream: &str, fields: &Fields) -> Result<Chance, Fail> {
    let last = hand::undoable(console, &person.user).await?;
    let still = last.is_some_and(|(ruling, _)| {
        ruling.stream.to_string() == stream && ruling.number.to_string() == fields.get("number")
    });
    Ok(Chance::of(format!("stream {stream}"), still, LATE))
}

async fn of_episode(
    console: &Console,
    person: &Person,
    (stream, number): (&str, &str),
    fields: &Fields,
) -> Result<Chance, Fail> {
    let of: StreamId = stream.parse().map_err(|_| Fail::no_page())?;
    let n: u32 = number.parse().map_err(|_| Fail::no_page())?;
    let (desk, now) = (&console.desk, console.desk.clock.now());
    let episode = desk.store.episode(of, n).await?;
    let same = episode.filter(|episode| episode.fence.to_string() == fields.get("fence"));
    let ruling = same.and_then(|episode| episode.ruling).filter(|ruling| ruling.by == person.user.id);
    let still = ruling.is_some_and(|ruling| seconds_left(ruling.at + desk.rules.undo, now) > 0);
    Ok(Chance::of(format!("episode {number} of stream {stream}"), still, LATE))
}

async fn of_session(console: &Console, person: &Person, fields: &Fields) -> Result<Chance, Fail> {
    let sessions = console.people.accounts.sessions(&person.user.id).await?;
    let session = sessions.into_iter().find(|session| session.hash == fields.get("session"));
    let still = session.is_some();
    let about = session.map_or_else(|| "another device".to_owned(), |session| session.device);
    Ok(Chance::of(about, still, ENDED))
}
