//! What is counted, in the commit in which it happens.

use super::both::{Connection, Engine};
use crate::{
    adapters::sql::signed,
    ports::{
        Result,
        insight::{WAITED, What, day},
        reviews::Ruling,
    },
    upload::{Decision, verdict::VerdictDetail},
};
use jiff::Timestamp;
use sqlx::QueryBuilder;
use std::collections::BTreeMap;

/// In the order of their key: two transactions that count the same do not wait for each other in a circle.
#[derive(Debug, Default)]
pub(super) struct Tallies(BTreeMap<(&'static str, i64, String, String), u64>);

impl Tallies {
    fn add(&mut self, what: What, at: Timestamp, tenant: &str, name: &str) {
        *self.0.entry((what.as_str(), day(at), tenant.to_owned(), name.to_owned())).or_default() += 1;
    }

    pub(super) fn verdict(&mut self, tenant: &str, verdict: &VerdictDetail, at: Timestamp) {
        self.add(What::Verdict, at, tenant, verdict.verdict.as_str());
        for check in &verdict.checks {
            if !matches!(check.coverage.as_str(), "complete" | "not_applicable") {
                self.add(What::Check, at, tenant, &format!("{} {}", check.check, check.coverage));
            }
        }
    }

    /// A ruling that was carried out. `before` is the ruling that it went over, if it was one.
    pub(super) fn ruling(
        &mut self,
        tenant: &str,
        ruling: &Ruling,
        verdict: &VerdictDetail,
        queued_at: Timestamp,
        before: Option<(&str, bool)>,
    ) {
        let Some(decision) = ruling.kind.decision() else { return };
        let at = ruling.at;
        self.add(What::PersonRuled, at, tenant, &ruling.by);
        if let Some((person, was_otherwise)) = before {
            if was_otherwise {
                self.add(What::PersonOverturned, at, tenant, person);
            }
            return;
        }
        // What the machine held back and people let through, and the other way round.
        let otherwise = (verdict.verdict == Decision::Publish) != (decision == Decision::Publish);
        let rule = verdict.reasons.first().map_or("none", String::as_str);
        let models = verdict
            .checks
            .iter()
            .filter(|check| matches!(check.check.as_str(), "image" | "video"))
            .filter_map(|check| check.engine.as_deref());
        self.add(What::Ruled, at, tenant, rule);
        for model in models.clone() {
            self.add(What::ModelRuled, at, tenant, model);
        }
        if otherwise {
            self.add(What::Overturned, at, tenant, rule);
            for model in models {
                self.add(What::ModelOverturned, at, tenant, model);
            }
        }
        let waited = at.as_second() - queued_at.as_second();
        if let Some((name, _)) = WAITED.iter().find(|(_, below)| waited < *below) {
            self.add(What::Waited, at, tenant, name);
        }
    }

    /// Before the audit line, for which all others wait.
    pub(super) async fn write(self, tx: &mut Connection) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::<Engine>::new("INSERT INTO tallies (what, day, tenant, name, n) ");
        let rows = self.0.into_iter().map(|(key, n)| Ok((key, signed(n)?))).collect::<Result<Vec<_>>>()?;
        query.push_values(rows, |mut row, ((what, day, tenant, name), n)| {
            row.push_bind(what).push_bind(day).push_bind(tenant).push_bind(name).push_bind(n);
        });
        query.push(" ON CONFLICT (what, day, tenant, name) DO UPDATE SET n = tallies.n + excluded.n");
        query.build().execute(tx).await?;
        Ok(())
    }
}
