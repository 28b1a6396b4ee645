//! People who may use the console: their accounts and one-time links, and what they change of themselves. How they sign in is
//! in `ways.rs`, and how tries are slowed in `pace.rs`. Every refusal looks the same from outside and costs the same.

mod pace;
mod ways;

use super::{Vault, password, session::Token, totp, vault::Sealed};
use crate::{
    Task,
    ports::{
        Accounts, Clock, Kind, PortError, Random, Result,
        accounts::{Deed, Queues, Role, Session, Tenants, User},
        store::Stale,
    },
};
use pace::{Pace, blocking};
use std::{sync::Arc, time::Duration};

#[derive(Debug, Clone)]
pub struct Options {
    /// A session that was not used for so long is over.
    pub idle: Duration,
    /// And one that is this old in any case.
    pub longest: Duration,
    /// Sessions that a person may have.
    pub sessions: u32,
    /// Who decides needs a second factor.
    pub totp: bool,
    /// How long a one-time link is good.
    pub link: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(30 * 60),
            longest: Duration::from_secs(12 * 3600),
            sessions: 5,
            totp: true,
            link: Duration::from_secs(24 * 3600),
        }
    }
}

/// The longest address of an account, in bytes.
pub const LONGEST_EMAIL: usize = 254;
const PRUNE_EVERY: Duration = Duration::from_secs(3600);

#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("the address or the password is wrong")]
    Wrong,
    #[error("the code is wrong, or was used already")]
    WrongCode,
    #[error("too many tries: wait {0} s")]
    Slow(u64),
    #[error("choose another password: {0}")]
    Weak(&'static str),
    #[error("the link is not good any more: ask for a new one")]
    Link,
    #[error("the provider's word is for nobody here, or it was used already")]
    Identity,
    #[error("the account changed meanwhile: try again")]
    Changed,
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Person {
    pub user: User,
    pub session: Session,
    pub token: Token,
}

impl Person {
    /// As the audit log names them.
    pub fn actor(&self) -> String {
        actor(&self.user)
    }
}

pub fn actor(user: &User) -> String {
    format!("user:{}", user.id)
}

#[derive(Clone)]
pub struct People {
    pub accounts: Arc<dyn Accounts>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub options: Options,
    /// Absent where nobody signs in, as on the command line.
    vault: Option<Arc<Vault>>,
    pace: Pace,
}

impl People {
    pub fn new(
        accounts: Arc<dyn Accounts>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        options: Options,
    ) -> Self {
        Self { accounts, clock, random, options, vault: None, pace: Pace::default() }
    }

    #[must_use]
    pub fn with(self, vault: Arc<Vault>) -> Self {
        Self { vault: Some(vault), ..self }
    }

    fn vault(&self) -> Result<&Vault> {
        self.vault
            .as_deref()
            .ok_or_else(|| PortError::new(Kind::Fail, "there is no key for second factors here"))
    }

    /// Seals what is there from before there was a key, or from before this one. Returns how many secrets.
    pub async fn seal_all(&self) -> Result<u32> {
        let vault = self.vault()?;
        let mut sealed = 0;
        for mut user in self.accounts.users().await? {
            let Some(stored) = &user.totp else { continue };
            if !matches!(vault.sealed(stored), Sealed::Not | Sealed::Before) {
                continue;
            }
            match vault.reseal(&user.id, stored) {
                Ok(anew) => user.totp = anew,
                // One that is damaged is its owner's trouble, and not everybody's.
                Err(error) => {
                    tracing::warn!(user.id, %error, "a second factor stays as it is");
                    continue;
                }
            }
            // Changed at this moment by its owner: what they wrote is sealed, or will be at the next start.
            if let Ok(()) =
                self.accounts.change_user(&user, None, self.deed("system", "user.totp_sealed")).await?
            {
                sealed += 1;
            }
        }
        Ok(sealed)
    }

    /// A new account, and the token of the link that signs its owner in. `None` where the address has one.
    pub async fn invite(
        &self,
        email: &str,
        role: Role,
        tenants: Tenants,
        queues: Queues,
        actor: &str,
    ) -> Result<Option<(User, Token)>> {
        let mut id = [0; 8];
        self.random.fill(&mut id)?;
        let user = User {
            id: crate::hex(&id),
            email: email.to_lowercase(),
            role,
            tenants,
            queues,
            password: None,
            totp: None,
            totp_step: 0,
            backup_codes: Vec::new(),
            created_at: self.clock.now(),
            disabled_at: None,
            version: 1,
        };
        let deed = self.deed(actor, "user.added");
        if !self.accounts.add_user(&user, deed).await? {
            return Ok(None);
        }
        let token = self.new_link(&user, actor).await?;
        Ok(Some((user, token)))
    }

    /// A one-time link for somebody new, or who lost password and phone.
    pub async fn new_link(&self, user: &User, actor: &str) -> Result<Token> {
        let token = Token::mint(&*self.random)?;
        let until = self.clock.now() + self.options.link;
        self.accounts.add_link(&token.hash(), &user.id, until, self.deed(actor, "user.link")).await?;
        Ok(token)
    }

    /// A new password ends all other sessions, and this one goes on under a new cookie.
    pub async fn set_password(&self, person: &Person, new: &str) -> std::result::Result<Person, Refused> {
        let (password, email) = (new.to_owned(), person.user.email.clone());
        if let Some(why) = blocking(move || Ok(password::weakness(&password, &email))).await? {
            return Err(Refused::Weak(why));
        }
        let mut user = person.user.clone();
        let (password, random) = (new.to_owned(), Arc::clone(&self.random));
        let _turn = self.turn().await?;
        user.password = Some(blocking(move || password::hash(&password, &*random)).await?);
        self.change(&user, Some(&person.session.hash), "user.password_changed", &person.actor()).await?;
        user.version += 1;
        let (device, old) = (&person.session.device, &person.session.hash);
        self.begin(user, person.session.full, device, Some(old)).await
    }

    /// Takes the second factor up, once a code shows that the phone has the secret. Gives the backup codes, to be shown
    /// once.
    pub async fn enrol(
        &self,
        person: &Person,
        secret: &str,
        code: &str,
    ) -> std::result::Result<Vec<String>, Refused> {
        let mut user = person.user.clone();
        let step = totp::step_of(secret, code, self.clock.now(), 0).ok_or(Refused::WrongCode)?;
        let (shown, kept) = totp::backup_codes(&*self.random)?;
        user.totp = Some(self.vault()?.seal(&user.id, secret)?);
        user.totp_step = step;
        user.backup_codes = kept;
        self.change(&user, Some(&person.session.hash), "user.totp_enrolled", &person.actor()).await?;
        Ok(shown)
    }

    /// Writes a changed account; a change of role, tenants or rights ends its sessions.
    pub async fn change(
        &self,
        user: &User,
        ends: Option<&str>,
        action: &'static str,
        actor: &str,
    ) -> std::result::Result<(), Refused> {
        match self.accounts.change_user(user, ends, self.deed(actor, action)).await? {
            Ok(()) => Ok(()),
            Err(Stale) => Err(Refused::Changed),
        }
    }

    /// For who lost password or phone, or was made anew at a provider's: all that they sign in by is forgotten, and they come by
    /// a new link, or by the address that the provider vouches for.
    pub async fn reset(&self, user: &User, actor: &str) -> std::result::Result<(), Refused> {
        match self.accounts.reset_user(user, self.deed(actor, "user.reset")).await? {
            Ok(()) => Ok(()),
            Err(Stale) => Err(Refused::Changed),
        }
    }

    /// Sessions that are over are forgotten, every hour.
    pub fn prune(&self) -> Task {
        let people = self.clone();
        Task::start("forgetting sessions", |stop| async move {
            while !stop.is_cancelled() {
                let now = people.clock.now();
                let before = now - people.options.longest.max(people.options.idle);
                if let Err(error) = people.accounts.prune_sessions(before, now).await {
                    tracing::warn!(%error, "sessions that are over stay for now");
                }
                let _ = stop.run_until_cancelled(tokio::time::sleep(PRUNE_EVERY)).await;
            }
        })
    }

    /// What the person still has to do before they may go on.
    pub fn owes(&self, user: &User) -> Option<Owes> {
        if user.password.is_none() {
            return Some(Owes::Password);
        }
        (self.options.totp && user.totp.is_none()).then_some(Owes::Totp)
    }

    pub fn deed<'a>(&self, actor: &'a str, action: &'static str) -> Deed<'a> {
        Deed { actor, action, at: self.clock.now() }
    }
}

/// What somebody has to do first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owes {
    Password,
    Totp,
}
