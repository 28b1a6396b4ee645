//! Another policy, tried on what was judged already. Of no effect but what it costs: so many verdicts, for so long, one
//! at a time.

use crate::{
    ports::{Kind, PortError, Trials, trials::Past},
    upload::{
        Decision, TenantId, UploadId, filename,
        policy::{DEFAULT, DEFAULT_VERSION, Policy, PolicyError},
    },
};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// Verdicts that are looked at, the last ones.
const LAST: u32 = 500;
/// All of it takes no longer; what is left then is left.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Clone)]
pub struct Tryouts {
    pub trials: Arc<dyn Trials>,
    turn: Arc<Semaphore>,
}

/// One whose verdict would be another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flip {
    pub upload: UploadId,
    pub name: String,
    /// Where it stands now, by whoever decided.
    pub state: crate::upload::State,
    /// What it is filed under, where it ever came to review.
    pub filed_under: Option<String>,
    pub was: Decision,
    pub would_be: Decision,
    pub reasons: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many were looked at, and how many there were to look at.
    pub seen: usize,
    pub of: usize,
    /// How often each: was, would be.
    pub counts: BTreeMap<(Decision, Decision), usize>,
    pub flips: Vec<Flip>,
}

#[derive(Debug, thiserror::Error)]
pub enum Untried {
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error("another policy is being tried just now; try again in a moment")]
    Busy,
    #[error("its conditions take too long on a single upload: make them simpler")]
    Long,
    #[error(transparent)]
    Port(#[from] PortError),
}

impl Tryouts {
    pub fn new(trials: Arc<dyn Trials>) -> Self {
        Self { trials, turn: Arc::new(Semaphore::new(1)) }
    }

    /// The tenant's policy that is in force, and its number.
    pub async fn current(&self, tenant: &TenantId) -> Result<(u32, String), PortError> {
        let latest =
            self.trials.policy_versions(tenant, 1).await?.first().map_or(DEFAULT_VERSION, |v| v.number);
        Ok((latest, self.text(tenant, latest).await?.unwrap_or_else(|| DEFAULT.to_owned())))
    }

    pub async fn text(&self, tenant: &TenantId, number: u32) -> Result<Option<String>, PortError> {
        match number {
            DEFAULT_VERSION => Ok(Some(DEFAULT.to_owned())),
            _ => self.trials.policy_text(tenant, number).await,
        }
    }

    pub async fn run(&self, tenant: &TenantId, text: &str) -> Result<Outcome, Untried> {
        // A condition that does not end in time keeps the turn, so that no more than one can be at it.
        let turn = Arc::clone(&self.turn).try_acquire_owned().map_err(|_| Untried::Busy)?;
        let past = self.trials.past(tenant, LAST).await?;
        let (tenant, text) = (tenant.clone(), text.to_owned());
        let work = tokio::task::spawn_blocking(move || {
            let tried = tried(&tenant, &text, &past);
            drop(turn);
            tried
        });
        match tokio::time::timeout(2 * PATIENCE, work).await {
            Ok(Ok(tried)) => Ok(tried?),
            Ok(Err(e)) => Err(PortError::new(Kind::Fail, "the policy could not be tried").because(e).into()),
            Err(_) => Err(Untried::Long),
        }
    }
}

fn tried(tenant: &TenantId, text: &str, past: &[Past]) -> Result<Outcome, PolicyError> {
    let began = Instant::now();
    let policy = Policy::compile(text, DEFAULT_VERSION)?;
    let mut outcome = Outcome { of: past.len(), ..Outcome::default() };
    for one in past {
        if began.elapsed() >= PATIENCE {
            break;
        }
        let Past { upload, filename, state, filed_under, verdict } = one;
        let forecast = policy.forecast(verdict, filename.as_deref(), tenant.as_str());
        outcome.seen += 1;
        *outcome.counts.entry((verdict.verdict, forecast.decision)).or_default() += 1;
        if forecast.decision != verdict.verdict {
            outcome.flips.push(Flip {
                upload: *upload,
                name: filename.as_deref().map_or("unnamed".to_owned(), filename::display),
                state: *state,
                filed_under: filed_under.clone(),
                was: verdict.verdict,
                would_be: forecast.decision,
                reasons: forecast.reasons,
            });
        }
    }
    Ok(outcome)
}
