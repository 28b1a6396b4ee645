//! An item's neighbours: the very same bytes, and what came before from the same tenant. Uploads name no uploader.

use super::{Console, fail::Fail, words};
use crate::{
    access::Person,
    ports::{
        accounts::Queues,
        insight::{Neighbour, Sight},
    },
    review::Opened,
    upload::filename,
};

const SHOWN: u32 = 10;

pub(super) struct Near {
    pub id: String,
    pub name: String,
    pub tenant: String,
    pub state: String,
    pub at: String,
}

pub(super) struct Nearby {
    pub title: &'static str,
    pub about: &'static str,
    pub list: Vec<Near>,
}

impl Nearby {
    pub(super) async fn of(console: &Console, person: &Person, opened: &Opened) -> Result<[Self; 2], Fail> {
        // Sealed ones are in no list but beside each other.
        let sight = Sight { tenants: person.user.tenants.clone(), sealed: opened.item.sealed };
        let upload = &opened.upload;
        // What never came to review is filed under no queue: whose queues are named sees none of it.
        let (same, earlier) = match person.user.queues {
            Queues::All => (
                console.insight.same_bytes(&sight, &upload.sha256, upload.id, SHOWN).await?,
                console.insight.earlier(&sight, &upload.tenant, upload.id, SHOWN).await?,
            ),
            Queues::These(_) => (Vec::new(), Vec::new()),
        };
        let of = |title, about, list: Vec<Neighbour>| Self {
            title,
            about,
            list: list.into_iter().map(near).collect(),
        };
        Ok([
            of("The very same bytes", "other uploads with this SHA-256", same),
            of("Earlier from this tenant", "uploads do not say who of its users sent them", earlier),
        ])
    }
}

fn near(one: Neighbour) -> Near {
    Near {
        id: one.upload.to_string(),
        name: one.filename.as_deref().map_or("unnamed".to_owned(), filename::display),
        tenant: one.tenant.to_string(),
        state: one.state.to_string().replace('_', " "),
        at: words::time(one.accepted_at),
    }
}
