//! Whether the sandbox holds, shown by real children that try to get out of it.

use crate::layers::{Act, Confinement, Layer, Layers};
use crate::pool::{Pool, PoolConfig};
use crate::process::Wall;
use crate::protocol::{FromChild, ToChild};
use crate::{ChildSetup, Unavailable};
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;

/// What the children tried, and which layers they were under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTest {
    pub layers: Layers,
    pub attempts: Vec<Attempt>,
}

/// One child's attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub act: Act,
    /// Under Landlock and limits alone, without what would have killed before Landlock was asked.
    pub without_seccomp: bool,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// By the signal that the kernel sends for it.
    Killed,
    /// The child lives on and has not done it.
    Denied(String),
    /// It came about, or nobody can tell.
    Done(String),
}

impl Attempt {
    /// As the sandbox is designed: under all layers the child is killed, under Landlock alone it is told no.
    pub fn holds(&self) -> bool {
        match &self.outcome {
            Outcome::Killed => true,
            Outcome::Denied(_) => self.without_seccomp,
            Outcome::Done(_) => false,
        }
    }
}

impl SelfTest {
    /// What does not hold, each in a few words.
    pub fn holes(&self) -> Vec<String> {
        let without = |attempt: &Attempt| if attempt.without_seccomp { " under Landlock alone" } else { "" };
        let hole = |attempt: &Attempt| {
            let what = format!("a child could {}{}", attempt.act.as_str(), without(attempt));
            match &attempt.outcome {
                Outcome::Denied(why) => format!("{what}, but for {why:?}"),
                Outcome::Done(how) => format!("{what}: {how}"),
                Outcome::Killed => what,
            }
        };
        self.attempts.iter().filter(|attempt| !attempt.holds()).map(hole).collect()
    }
}

impl Pool {
    /// Starts a child for every [`Act`], which tries it. None of them sees a file, and none is used again. The error
    /// means that no child can be had, with the reason: under [`Confinement::Enforced`] that is the missing layer.
    pub async fn self_test(&self) -> Result<SelfTest, Unavailable> {
        let config = PoolConfig { setup: ChildSetup::default(), ..self.shared.config.clone() };
        let layers = self.shared.start(&config).await?.layers;
        let mut attempts = Vec::new();
        for act in Act::ALL {
            attempts.push(self.attempt(&config, act, false).await?);
        }
        if layers.landlock.is_ok() {
            let config = PoolConfig { confinement: Confinement::Without(vec![Layer::Seccomp]), ..config };
            for act in [Act::OpenFile, Act::WriteFile, Act::Exec] {
                attempts.push(self.attempt(&config, act, true).await?);
            }
        }
        Ok(SelfTest { layers, attempts })
    }

    async fn attempt(
        &self,
        config: &PoolConfig,
        act: Act,
        without_seccomp: bool,
    ) -> Result<Attempt, Unavailable> {
        const SIGSYS: i32 = 31;
        const SIGXFSZ: i32 = 25;
        let mut child = self.shared.start(config).await?;
        let mut wall = Wall(config.wall);
        let file = memfd_create("lazaret-self-test", MemfdFlags::CLOEXEC)
            .map_err(|error| self.shared.unavailable(error.to_string()))?;
        let told = child.tell(&ToChild::Attempt(act), Some(File::from(file).as_fd()), &mut wall).await;
        let heard = match told {
            Ok(()) => child.hear(&mut wall).await,
            Err(trouble) => Err(trouble),
        };
        let outcome = match heard {
            Ok((FromChild::Attempted { denied: Some(why) }, 0)) => Outcome::Denied(why),
            Ok((FromChild::Attempted { denied: None }, 0)) => Outcome::Done("nothing kept it".into()),
            Ok((other, _)) => Outcome::Done(format!("it answered with {}", other.name())),
            Err(trouble) => match child.status().await.and_then(|status| status.signal()) {
                Some(SIGSYS | SIGXFSZ) => Outcome::Killed,
                _ => Outcome::Done(trouble.to_string()),
            },
        };
        child.kill().await;
        Ok(Attempt { act, without_seccomp, outcome })
    }
}
