//! Signing in and out, and changing one's own account. Every refusal looks the same from outside and costs the same.

use super::{Vault, oidc::Identity, password, session::Token, totp, vault::Sealed};
use crate::{
    Task,
    ports::{
        Accounts, Clock, Federation, Kind, PortError, Random, Result,
        accounts::{Deed, Queues, Role, Session, Tenants, User},
        store::Stale,
    },
};
use jiff::Timestamp;
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

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

/// Failures after which each further one costs time.
const FREE: u32 = 5;
const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// The first wait; it doubles with each failure.
const WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// Many people may come from one address.
const ADDRESS_FREE: u32 = 30;
const DEVICE_CHARS: usize = 120;

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

/// Accounts that may be tried at the same time.
const TURNS: usize = 64;

#[derive(Clone)]
pub struct People {
    pub accounts: Arc<dyn Accounts>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub options: Options,
    /// Absent where nobody signs in, as on the command line.
    vault: Option<Arc<Vault>>,
    /// Hashing takes memory and time: a few at once.
    hashing: Arc<Semaphore>,
    /// One try at a time of an account, or many at once would all come before the first failure counts. (Of each process
    /// one: so many more than the free ones get through at most.)
    tries: Arc<[tokio::sync::Mutex<()>; TURNS]>,
}

impl People {
    pub fn new(
        accounts: Arc<dyn Accounts>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        options: Options,
    ) -> Self {
        let tries = Arc::new(std::array::from_fn(|_| tokio::sync::Mutex::default()));
        Self { accounts, clock, random, options, vault: None, hashing: Arc::new(Semaphore::new(2)), tries }
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

    /// By password. The session that begins is a full one where no second factor is asked for.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        address: &str,
        device: &str,
    ) -> std::result::Result<Person, Refused> {
        let email = email.trim().to_lowercase();
        let keys = [(format!("account:{email}"), FREE), (format!("address:{address}"), ADDRESS_FREE)];
        let _one_at_a_time = self.one_try(&keys[0].0).await;
        self.not_too_fast(&keys).await?;
        let user = self.accounts.user_by_email(&email).await?.filter(|user| user.disabled_at.is_none());
        let stored = user.as_ref().and_then(|user| user.password.clone());
        // Nobody's password costs the same as somebody's.
        let good = self.check(password, stored.as_deref()).await?;
        let Some(user) = user.filter(|_| good) else {
            for (key, _) in &keys {
                self.accounts.failed(key, self.clock.now()).await?;
            }
            return Err(Refused::Wrong);
        };
        self.accounts.forgive(&keys[0].0).await?;
        let full = user.totp.is_none();
        self.begin(user, full, device, None).await.map_err(Refused::from)
    }

    /// The second factor: a code of the moment, or a backup code. A new session takes the half one's place, so that a
    /// cookie from before is worth nothing.
    pub async fn second(&self, person: &Person, code: &str) -> std::result::Result<Person, Refused> {
        let key = format!("code:{}", person.user.id);
        let _one_at_a_time = self.one_try(&key).await;
        self.not_too_fast(&[(key.clone(), FREE)]).await?;
        let mut user = person.user.clone();
        let secret = user.totp.as_deref().map(|stored| self.vault()?.open(&user.id, stored)).transpose();
        let backup = totp::backup_hash(code);
        let has_backup = user.backup_codes.contains(&backup);
        // A backup code helps where the key is lost.
        let secret = if has_backup { None } else { secret? };
        let used = secret.and_then(|secret| totp::step_of(&secret, code, self.clock.now(), user.totp_step));
        let action = match used {
            Some(step) => {
                user.totp_step = step;
                // A process that has another key for the one of now may have sealed it since this one began.
                if let Some(stored) = &user.totp
                    && let Some(anew) = self.vault()?.reseal(&user.id, stored)?
                {
                    user.totp = Some(anew);
                }
                "user.totp_used"
            }
            None if has_backup => {
                user.backup_codes.retain(|known| *known != backup);
                "user.backup_code_used"
            }
            None => {
                self.accounts.failed(&key, self.clock.now()).await?;
                return Err(Refused::WrongCode);
            }
        };
        self.change(&user, None, action, &actor(&user)).await?;
        self.accounts.forgive(&key).await?;
        user.version += 1;
        Ok(self.begin(user, true, &person.session.device, Some(&person.session.hash)).await?)
    }

    /// By a one-time link, which is used up. It stands for the password, and not for the second factor.
    pub async fn by_link(&self, token: &Token, device: &str) -> std::result::Result<Person, Refused> {
        let id = self.accounts.take_link(&token.hash(), self.clock.now()).await?.ok_or(Refused::Link)?;
        let user = self.accounts.user(&id).await?.filter(|user| user.disabled_at.is_none());
        let user = user.ok_or(Refused::Link)?;
        let full = user.totp.is_none();
        Ok(self.begin(user, full, device, None).await?)
    }

    /// By a provider's word, for which the browser kept `secret`. It stands for the password, and not for the second
    /// factor.
    pub async fn by_identity(
        &self,
        federation: &dyn Federation,
        secret: &Token,
        identity: &Identity,
        device: &str,
    ) -> std::result::Result<Person, Refused> {
        let now = self.clock.now();
        if !federation.end_once(&secret.hash(), now, now + self.options.longest).await? {
            return Err(Refused::Identity);
        }
        let id = match federation.known_as(&identity.issuer, &identity.subject).await? {
            Some(id) => Some(id),
            None => self.bound(federation, identity).await?,
        };
        let user = match id {
            Some(id) => self.accounts.user(&id).await?,
            None => None,
        };
        let user = user.filter(|user| user.disabled_at.is_none()).ok_or(Refused::Identity)?;
        let full = user.totp.is_none();
        Ok(self.begin(user, full, device, None).await?)
    }

    /// The first time, the address that the provider vouches for says who it is; from then on its own id does.
    async fn bound(&self, federation: &dyn Federation, identity: &Identity) -> Result<Option<String>> {
        let Some(email) = &identity.email else { return Ok(None) };
        let Some(user) = self.accounts.user_by_email(email).await? else { return Ok(None) };
        let actor = actor(&user);
        let deed = self.deed(&actor, "user.bound");
        let bound = federation.bind(&identity.issuer, &identity.subject, &user.id, deed).await?;
        Ok(bound.then_some(user.id))
    }

    /// Whose cookie is this? `None` where it is nobody's, too old, or its person was disabled.
    pub async fn who(&self, token: Token) -> Result<Option<Person>> {
        let Some((session, user)) = self.accounts.session(&token.hash()).await? else { return Ok(None) };
        let now = self.clock.now();
        let over =
            session.seen_at + self.options.idle <= now || session.created_at + self.options.longest <= now;
        if over || user.disabled_at.is_some() {
            return Ok(None);
        }
        // Not at every request: a minute more or less is no matter.
        if session.seen_at + Duration::from_secs(60) <= now {
            self.accounts.touch_session(&session.hash, now).await?;
        }
        Ok(Some(Person { user, session, token }))
    }

    /// Is this person's session still good? Asking does not make it last longer.
    pub async fn still(&self, person: &Person) -> Result<bool> {
        let Some((session, user)) = self.accounts.session(&person.token.hash()).await? else {
            return Ok(false);
        };
        let now = self.clock.now();
        let over =
            session.seen_at + self.options.idle <= now || session.created_at + self.options.longest <= now;
        Ok(!over && user.disabled_at.is_none() && user.version == person.user.version)
    }

    pub async fn sign_out(&self, person: &Person) -> Result<()> {
        let actor = person.actor();
        let deed = self.deed(&actor, "session.ended");
        self.accounts.end_session(&person.user.id, &person.session.hash, deed).await?;
        Ok(())
    }

    /// A new password ends all other sessions, and this one goes on under a new cookie.
    pub async fn set_password(&self, person: &Person, new: &str) -> std::result::Result<Person, Refused> {
        if let Some(why) = password::weakness(new, &person.user.email) {
            return Err(Refused::Weak(why));
        }
        let mut user = person.user.clone();
        let (password, random) = (new.to_owned(), Arc::clone(&self.random));
        let _turn = self.turn().await?;
        user.password = Some(blocking(move || password::hash(&password, &*random)).await?);
        self.change(&user, Some(&person.session.hash), "user.password_changed", &person.actor()).await?;
        user.version += 1;
        let (device, old) = (&person.session.device, &person.session.hash);
        Ok(self.begin(user, person.session.full, device, Some(old)).await?)
    }

    /// Is it the person's own password?
    pub async fn confirm(&self, person: &Person, password: &str) -> std::result::Result<(), Refused> {
        let key = format!("account:{}", person.user.email);
        let _one_at_a_time = self.one_try(&key).await;
        self.not_too_fast(&[(key.clone(), FREE)]).await?;
        if self.check(password, person.user.password.as_deref()).await? {
            return Ok(());
        }
        self.accounts.failed(&key, self.clock.now()).await?;
        Err(Refused::Wrong)
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

    async fn begin(&self, user: User, full: bool, device: &str, old: Option<&str>) -> Result<Person> {
        let (token, now) = (Token::mint(&*self.random)?, self.clock.now());
        let device: String = device.chars().filter(|c| !c.is_control()).take(DEVICE_CHARS).collect();
        let session = Session {
            hash: token.hash(),
            user: user.id.clone(),
            full,
            device,
            created_at: now,
            seen_at: now,
        };
        let actor = actor(&user);
        let deed = full.then(|| self.deed(&actor, "session.began"));
        self.accounts.begin_session(&session, self.options.sessions, old, deed).await?;
        Ok(Person { user, session, token })
    }

    async fn check(&self, password: &str, stored: Option<&str>) -> Result<bool> {
        let _turn = self.turn().await?;
        let (password, stored) = (password.to_owned(), stored.map(str::to_owned));
        let random = Arc::clone(&self.random);
        blocking(move || match stored {
            Some(stored) => password::matches(&password, &stored),
            None => password::hash(&password[..password.floor_char_boundary(password::LONGEST)], &*random)
                .map(|_| false),
        })
        .await
    }

    async fn turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>> {
        self.hashing.acquire().await.map_err(|_| PortError::new(Kind::Retry, "the service is stopping"))
    }

    async fn one_try(&self, key: &str) -> tokio::sync::MutexGuard<'_, ()> {
        let place = key.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        self.tries[place % TURNS].lock().await
    }

    async fn not_too_fast(&self, keys: &[(String, u32)]) -> std::result::Result<(), Refused> {
        for (key, free) in keys {
            if let Some(tries) = self.accounts.tries(key).await? {
                let again = tries.last_at + wait(tries.failures, *free);
                let now = self.clock.now();
                if again > now {
                    return Err(Refused::Slow(seconds(again, now)));
                }
            }
        }
        Ok(())
    }
}

/// What somebody has to do first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owes {
    Password,
    Totp,
}

fn wait(failures: u32, free: u32) -> Duration {
    if failures < free {
        return Duration::ZERO;
    }
    WAIT.saturating_mul(1 << (failures - free).min(16)).min(LONGEST_WAIT)
}

fn seconds(again: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(again.as_second() - now.as_second()).unwrap_or(0).max(1)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| PortError::new(Kind::Retry, "a password could not be checked").because(e))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_beyond_the_free_ones_doubles_the_wait() {
        let waits: Vec<_> = [0, 4, 5, 6, 7, 12, 40, 4_000].map(|n| wait(n, FREE).as_secs()).into();
        assert_eq!(waits, [0, 0, 2, 4, 8, 256, 900, 900]);
    }
}
