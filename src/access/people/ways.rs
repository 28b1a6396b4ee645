//! Ways to sign in, and what holds while somebody is: by password, second factor, link or a provider's word.

use super::{LONGEST_EMAIL, People, Person, Refused, actor, pace::Count};
use crate::{
    access::{Token, oidc::Identity, totp},
    ports::{
        Federation, Result,
        accounts::{Session, User},
        store::Stale,
    },
};
use std::time::Duration;

const DEVICE_CHARS: usize = 120;
/// What a session's time of last use may be late by.
const LATE: Duration = Duration::from_secs(60);

impl People {
    /// By password. The session that begins is a full one where no second factor is asked for.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        address: &str,
        device: &str,
    ) -> std::result::Result<Person, Refused> {
        let email = email.trim();
        if email.len() > LONGEST_EMAIL {
            // No account has it, which anybody may know: so nothing is hashed, and it is not stored either.
            let counts = [Count::of_address(address)];
            self.not_too_fast(&counts).await?;
            self.all_failed(&counts).await?;
            return Err(Refused::Wrong);
        }
        let email = email.to_lowercase();
        let counts = [Count::of_one(format!("account:{email}")), Count::of_address(address)];
        let _one_at_a_time = self.one_try(&counts[0].key).await;
        self.not_too_fast(&counts).await?;
        let user = self.accounts.user_by_email(&email).await?.filter(|user| user.disabled_at.is_none());
        let stored = user.as_ref().and_then(|user| user.password.clone());
        // Nobody's password costs the same as somebody's.
        let good = self.check(password, stored.as_deref()).await?;
        let Some(user) = user.filter(|_| good) else {
            self.all_failed(&counts).await?;
            return Err(Refused::Wrong);
        };
        self.accounts.forgive(&counts[0].key).await?;
        let full = user.totp.is_none();
        self.begin(user, full, device, None).await
    }

    /// The second factor: a code of the moment, or a backup code. A new session takes the half one's place, so that a
    /// cookie from before is worth nothing.
    pub async fn second(&self, person: &Person, code: &str) -> std::result::Result<Person, Refused> {
        let count = Count::of_one(format!("code:{}", person.user.id));
        let _one_at_a_time = self.one_try(&count.key).await;
        self.not_too_fast(std::slice::from_ref(&count)).await?;
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
                self.failed(&count).await?;
                return Err(Refused::WrongCode);
            }
        };
        self.change(&user, None, action, &actor(&user)).await?;
        self.accounts.forgive(&count.key).await?;
        user.version += 1;
        self.begin(user, true, &person.session.device, Some(&person.session.hash)).await
    }

    /// By a one-time link, which is used up. It stands for the password, and not for the second factor.
    pub async fn by_link(&self, token: &Token, device: &str) -> std::result::Result<Person, Refused> {
        let (hash, now) = (token.hash(), self.clock.now());
        let id = self.accounts.link(&hash, now).await?.ok_or(Refused::Link)?;
        let user = self.accounts.user(&id).await?.filter(|user| user.disabled_at.is_none());
        let user = user.ok_or(Refused::Link)?;
        // Used after the account was read: whatever ended the link is in it, or ends the session.
        self.accounts.take_link(&hash, now).await?.ok_or(Refused::Link)?;
        let full = user.totp.is_none();
        self.begin(user, full, device, None).await
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
        // They may have been reset before the account was read.
        if federation.known_as(&identity.issuer, &identity.subject).await?.as_ref() != Some(&user.id) {
            return Err(Refused::Identity);
        }
        let full = user.totp.is_none();
        self.begin(user, full, device, None).await
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

    /// Whose cookie is this? `None` where it is nobody's, too old, or its person was disabled. Asking does not make the
    /// session last longer.
    pub async fn who(&self, token: Token) -> Result<Option<Person>> {
        let Some((session, user)) = self.accounts.session(&token.hash()).await? else { return Ok(None) };
        let good = !self.is_over(&session) && user.disabled_at.is_none();
        Ok(good.then_some(Person { user, session, token }))
    }

    /// The person did something: their session lasts longer.
    pub async fn was_here(&self, person: &Person) -> Result<()> {
        let now = self.clock.now();
        // Not at every request: a minute more or less is no matter, nor a tenth of what is shorter than ten.
        let seldom = LATE.min(self.options.idle / 10);
        if person.session.seen_at + seldom <= now {
            self.accounts.touch_session(&person.session.hash, now).await?;
        }
        Ok(())
    }

    /// Is this person's session still good, for what they might see when it was asked before? Asking does not make it last
    /// longer.
    pub async fn still(&self, person: &Person) -> Result<bool> {
        let Some((session, user)) = self.accounts.session(&person.token.hash()).await? else {
            return Ok(false);
        };
        let good = !self.is_over(&session) && user.disabled_at.is_none();
        // Whatever else changes of the account ends its sessions, or is no matter, as that a code was used.
        let rights = |user: &User| (user.role, user.tenants.clone(), user.queues.clone());
        Ok(good && rights(&user) == rights(&person.user))
    }

    fn is_over(&self, session: &Session) -> bool {
        let now = self.clock.now();
        session.seen_at + self.options.idle <= now || session.created_at + self.options.longest <= now
    }

    pub async fn sign_out(&self, person: &Person) -> Result<()> {
        let actor = person.actor();
        let deed = self.deed(&actor, "session.ended");
        self.accounts.end_session(&person.user.id, &person.session.hash, deed).await?;
        Ok(())
    }

    /// Is it the person's own password?
    pub async fn confirm(&self, person: &Person, password: &str) -> std::result::Result<(), Refused> {
        let count = Count::of_one(format!("account:{}", person.user.email));
        let _one_at_a_time = self.one_try(&count.key).await;
        self.not_too_fast(std::slice::from_ref(&count)).await?;
        if self.check(password, person.user.password.as_deref()).await? {
            return Ok(());
        }
        self.failed(&count).await?;
        Err(Refused::Wrong)
    }

    /// `user` is as it was read when it was decided that they come in.
    pub(super) async fn begin(
        &self,
        user: User,
        full: bool,
        device: &str,
        old: Option<&str>,
    ) -> std::result::Result<Person, Refused> {
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
        match self.accounts.begin_session(&session, &user, self.options.sessions, old, deed).await? {
            Ok(()) => Ok(Person { user, session, token }),
            Err(Stale) => Err(Refused::Changed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::people::Options,
        adapters::sqlite::Sqlite,
        ports::{
            accounts::{Queues, Role, Tenants},
            clock::SystemClock,
            random::SystemRandom,
        },
    };
    use std::sync::Arc;

    #[tokio::test]
    async fn what_somebody_reads_goes_on_while_they_sign_in_elsewhere_and_ends_with_their_rights() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Sqlite::open(&folder.path().join("lazaret.db")).await.unwrap());
        let people = People::new(store, Arc::new(SystemClock), Arc::new(SystemRandom), Options::default());
        let made = people.invite("eve@example.org", Role::Auditor, Tenants::All, Queues::All, "cli").await;
        let (_, link) = made.unwrap().expect("nobody has the address");
        let person = people.by_link(&link, "a browser").await.unwrap();
        let change = async |change: fn(&mut User)| {
            let mut user = people.accounts.user(&person.user.id).await.unwrap().unwrap();
            change(&mut user);
            people.change(&user, None, "user.changed", "cli").await.unwrap();
            people.still(&person).await.unwrap()
        };
        assert!(change(|user| user.totp_step += 1).await, "a code was used");
        assert!(!change(|user| user.queues = "image".parse().unwrap()).await);
        assert!(change(|user| user.queues = Queues::All).await);
        assert!(!change(|user| user.role = Role::Moderator).await);
    }
}
