//! Who may do what: API keys by tenant, and the scopes they carry; people, their sessions and their rights.

pub mod key;
pub mod oidc;
pub mod password;
pub mod people;
pub mod rights;
pub mod scope;
pub mod session;
pub mod totp;
pub mod vault;

pub use key::{Presented, Secret, mint_key};
pub use people::{Owes, People, Person, Refused};
pub use rights::{Right, may};
pub use scope::{Scope, Scopes};
pub use session::Token;
pub use vault::Vault;

use crate::{
    ports::{Result, Store},
    upload::TenantId,
};

/// Somebody whose key was found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub tenant: TenantId,
    /// Public part of the key.
    pub key: String,
    pub scopes: Scopes,
}

impl Caller {
    /// As the audit log names them.
    pub fn actor(&self) -> String {
        format!("key:{}", self.key)
    }
}

/// Who presents this key? `None` where it is not a key, nobody's, revoked, or its secret is wrong: the same to whoever
/// asks. The store is asked each time, so that a revocation shows at the next request.
pub async fn authenticate(store: &dyn Store, text: &str) -> Result<Option<Caller>> {
    let Some(presented) = Presented::parse(text) else { return Ok(None) };
    let known = store.key(&presented.id).await?;
    // An unknown key costs the same comparison as a known one.
    let good = presented.matches(&known.as_ref().map_or([0; 32], |key| key.hash));
    Ok(known.filter(|key| good && key.revoked_at.is_none()).map(|key| Caller {
        scopes: Scopes::stored(&key.scopes),
        tenant: key.tenant,
        key: key.id,
    }))
}
