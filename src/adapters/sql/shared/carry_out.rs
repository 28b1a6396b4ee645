//! A ruling becomes what is: the upload's state, its renditions, outbox entry and audit line in one commit.

use super::{
    both::{Connection, This, append, begin, tell},
    tally::Tallies,
};
use crate::{
    adapters::sql::{damaged, parse, signed, time, unsigned},
    ports::{
        Kind, PortError, Result,
        accounts::Deed,
        reviews::{CarriedOut, Ruling, Standing},
        store::Stale,
    },
    upload::{Decision, State, TenantId, state::Event},
};
use serde_json::json;

pub(super) async fn carry_out(
    store: &This,
    ruling: &Ruling,
    done: &CarriedOut,
    deed: Deed<'_>,
) -> Result<std::result::Result<Vec<String>, Stale>> {
    let id = ruling.upload.to_string();
    let (standing, outcome) = match done {
        CarriedOut::Failed(why) => (Standing::Failed, Some(why.as_str())),
        _ => (Standing::Done, None),
    };
    let mut tx = begin(store).await?;
    let changed = sqlx::query(
        "UPDATE rulings SET standing = $4, outcome = $5, due_at = NULL WHERE upload = $1 AND number = $2 AND fence = $3 \
         AND standing = 'waiting'",
    )
    .bind(&id)
    .bind(i64::from(ruling.number))
    .bind(signed(ruling.fence)?)
    .bind(standing.as_str())
    .bind(outcome)
    .execute(&mut *tx)
    .await?;
    if changed.rows_affected() == 0 {
        tx.rollback().await?;
        return Ok(Err(Stale));
    }
    let (tenant, state, version, external_id, sha256): (String, String, i64, Option<String>, String) =
        sqlx::query_as("SELECT tenant, state, version, external_id, sha256 FROM uploads WHERE id = $1")
            .bind(&id)
            .fetch_optional(&mut *tx)
            .await?
            .ok_or_else(|| damaged("a ruling on no upload"))?;
    let (tenant, state): (TenantId, State) = (parse(&tenant)?, parse(&state)?);
    if let (CarriedOut::Stays, None) = (done, ruling.kind.decision()) {
        // Nothing more than that it cannot be taken back any more.
        append(&mut tx, deed, &id, json!({ "number": ruling.number, "kind": ruling.kind.as_str() })).await?;
        tx.commit().await?;
        return Ok(Ok(Vec::new()));
    }
    let (decision, renditions) = match done {
        CarriedOut::Published(renditions) => (Decision::Publish, &renditions[..]),
        CarriedOut::Quarantined => (Decision::Quarantine, &[][..]),
        CarriedOut::Stays => (ruling.kind.decision().unwrap_or(Decision::Review), &[][..]),
        CarriedOut::Failed(why) => {
            // Back to people, where it waits for them; what was settled otherwise meanwhile stays so.
            let open = if state == State::InReview { "open" } else { "closed" };
            // Who agreed before did not know of it: it takes two again, and any two.
            super::rule::forget_firsts(&mut tx, &id, why).await?;
            super::answer::back(&mut tx, &id, open).await?;
            let detail = json!({ "number": ruling.number, "why": why });
            append(&mut tx, deed, &id, detail).await?;
            tx.commit().await?;
            return Ok(Ok(Vec::new()));
        }
    };
    let stays = matches!(done, CarriedOut::Stays);
    let as_is = match decision {
        Decision::Publish => state == State::Published,
        Decision::Quarantine => state == State::Quarantined,
        Decision::Review => false,
    };
    let next = if stays { as_is.then_some(state) } else { state.apply(Event::Ruled(decision)).ok() };
    let Some(next) = next else {
        tx.rollback().await?;
        return Ok(Err(Stale));
    };
    let mut keys: Vec<String> = Vec::new();
    if !stays {
        keys = sqlx::query_scalar("DELETE FROM renditions WHERE upload = $1 RETURNING key")
            .bind(&id)
            .fetch_all(&mut *tx)
            .await?;
        let moved = sqlx::query(
            "UPDATE uploads SET state = $3, version = version + 1, settled_at = $4 WHERE id = $1 AND version = $2",
        )
        .bind(&id)
        .bind(version)
        .bind(next.as_str())
        .bind(deed.at.as_millisecond())
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() != 1 {
            return Err(PortError::new(Kind::Retry, "the upload changed while a ruling was carried out"));
        }
    }
    for rendition in renditions {
        sqlx::query(
            "INSERT INTO renditions (upload, name, key, media_type, sha256, size, width, height) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&id)
        .bind(rendition.name.as_str())
        .bind(&rendition.key)
        .bind(&rendition.media_type)
        .bind(&rendition.sha256)
        .bind(signed(rendition.size)?)
        .bind(rendition.width.map(i64::from))
        .bind(rendition.height.map(i64::from))
        .execute(&mut *tx)
        .await?;
    }
    if decision == Decision::Publish {
        // What anybody may see is no evidence that is kept from them: only who may see what is sealed got here.
        sqlx::query("UPDATE reviews SET sealed = 0 WHERE upload = $1").bind(&id).execute(&mut *tx).await?;
    }
    count(&mut tx, tenant.as_str(), ruling).await?;
    let appealed = super::answer::answer(&mut tx, ruling, decision).await?;
    if !stays {
        let body = json!({
            "id": id, "tenant": tenant.as_str(), "external_id": external_id, "who": "ruling", "ruling": ruling.number,
            "verdict": decision, "reasons": [ruling.reason], "overrides": ruling.overrides, "sha256": sha256,
        });
        tell(&mut tx, ruling.upload, &tenant, crate::adapters::sql::event(decision), body, deed.at).await?;
    }
    if let Some(appeal) = appealed {
        // Of the decision that was appealed against.
        let (event, first) = match decision {
            Decision::Publish => ("appeal.upheld", "overturned"),
            _ => ("appeal.rejected", "upheld"),
        };
        let body = json!({
            "id": id, "tenant": tenant.as_str(), "external_id": external_id, "appeal": appeal, "ruling": ruling.number,
            "verdict": decision, "decision": first, "reasons": [ruling.reason],
        });
        tell(&mut tx, ruling.upload, &tenant, event, body, deed.at).await?;
    }
    let detail = json!({
        "number": ruling.number, "kind": ruling.kind.as_str(), "by": ruling.by, "reason": ruling.reason, "sha256": sha256,
        "version": unsigned(version)? + u64::from(!stays), "stays": stays, "appeal": appealed,
    });
    append(&mut tx, deed, &id, detail).await?;
    tx.commit().await?;
    Ok(Ok(keys))
}

async fn count(tx: &mut Connection, tenant: &str, ruling: &Ruling) -> Result<()> {
    let id = ruling.upload.to_string();
    let verdict: Option<String> = sqlx::query_scalar(
        "SELECT CAST(detail AS TEXT) FROM verdicts WHERE upload = $1 ORDER BY number DESC LIMIT 1",
    )
    .bind(&id)
    .fetch_optional(&mut *tx)
    .await?;
    let queued_at: Option<i64> = sqlx::query_scalar("SELECT queued_at FROM reviews WHERE upload = $1")
        .bind(&id)
        .fetch_optional(&mut *tx)
        .await?;
    let (Some(verdict), Some(queued_at)) = (verdict, queued_at) else { return Ok(()) };
    let verdict = serde_json::from_str(&verdict).map_err(damaged)?;
    let before: Option<(String, String)> = match ruling.over.strip_prefix("ruling ") {
        Some(number) => {
            sqlx::query_as("SELECT person, kind FROM rulings WHERE upload = $1 AND number = $2")
                .bind(&id)
                .bind(number.parse::<i64>().map_err(damaged)?)
                .fetch_optional(&mut *tx)
                .await?
        }
        None => None,
    };
    let before = before.as_ref().map(|(person, kind)| (person.as_str(), kind != ruling.kind.as_str()));
    let mut tallies = Tallies::default();
    tallies.ruling(tenant, ruling, &verdict, time(queued_at)?, before);
    tallies.write(tx).await
}
