//! An item's neighbours: the very same bytes, pictures that look alike, and what came before from the same of the tenant's
//! users; where an upload names none of them, from the tenant.

use super::{Console, fail::Fail, words};
use crate::{
    access::Person,
    ports::insight::{Neighbour, Sight},
    review::Opened,
    upload::{State, filename},
};

const SHOWN: u32 = 10;

pub(super) struct Near {
    pub id: String,
    pub name: String,
    pub tenant: String,
    pub state: String,
    /// What the machine said of it.
    pub verdict: String,
    pub at: String,
}

pub(super) struct Nearby {
    pub title: &'static str,
    pub about: &'static str,
    pub list: Vec<Near>,
}

impl Nearby {
    pub(super) async fn of(console: &Console, person: &Person, opened: &Opened) -> Result<[Self; 3], Fail> {
        let user = &person.user;
        // Sealed ones are in no list but beside each other.
        let sight =
            Sight { tenants: user.tenants.clone(), queues: user.queues.clone(), sealed: opened.item.sealed };
        let (upload, insight) = (&opened.upload, &console.insight);
        let uploader = upload.uploader.as_deref();
        let likeness = opened.verdict.detail.perceptual_hash.filter(|_| upload.state != State::Erased);
        let alike = async {
            match likeness {
                Some(likeness) => insight.alike(&sight, likeness, &upload.sha256, SHOWN).await,
                None => Ok(Vec::new()),
            }
        };
        let (same, alike, earlier) = tokio::try_join!(
            insight.same_bytes(&sight, &upload.sha256, upload.id, SHOWN),
            alike,
            insight.earlier(&sight, &upload.tenant, uploader, upload.id, SHOWN),
        )?;
        let of = |title, about, list: Vec<Neighbour>| Self {
            title,
            about,
            list: list.into_iter().map(near).collect(),
        };
        let same = of("The very same bytes", "other uploads with this SHA-256", same);
        let alike = of("Looks alike", "pictures that people had before them, the most alike first", alike);
        let earlier = match uploader {
            Some(_) => of("Earlier from this uploader", "of the same tenant", earlier),
            None => {
                of("Earlier from this tenant", "the upload does not say who of its users sent it", earlier)
            }
        };
        Ok([same, alike, earlier])
    }
}

fn near(one: Neighbour) -> Near {
    Near {
        id: one.upload.to_string(),
        name: one.filename.as_deref().map_or("unnamed".to_owned(), filename::display),
        tenant: one.tenant.to_string(),
        state: one.state.to_string().replace('_', " "),
        verdict: one.verdict.map_or_else(String::new, |verdict| format!("verdict: {verdict}")),
        at: words::time(one.accepted_at),
    }
}
