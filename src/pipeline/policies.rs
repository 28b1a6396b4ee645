//! Each tenant's policy, compiled once a version.

use crate::{
    ports::{PortError, Store, store::StoredPolicy},
    upload::{
        TenantId,
        policy::{DEFAULT, DEFAULT_VERSION, Policy, PolicyError},
    },
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

pub struct Policies {
    store: Arc<dyn Store>,
    default: Arc<Policy>,
    compiled: Mutex<HashMap<TenantId, Arc<Policy>>>,
}

impl Policies {
    pub fn new(store: Arc<dyn Store>) -> Result<Self, PolicyError> {
        let default = Arc::new(Policy::compile(DEFAULT, DEFAULT_VERSION)?);
        Ok(Self { store, default, compiled: Mutex::default() })
    }

    /// The tenant's own latest, else the default. A stored policy that does not compile any more is an error, not the
    /// default: nobody chose the default.
    pub async fn of(&self, tenant: &TenantId) -> Result<Arc<Policy>, PortError> {
        let Some(stored) = self.store.policy(tenant).await? else {
            return Ok(Arc::clone(&self.default));
        };
        let known = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        if let Some(policy) = known.filter(|policy| policy.version().version == stored.version) {
            return Ok(policy);
        }
        let policy = Arc::new(compile(tenant, &stored)?);
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.insert(tenant.clone(), Arc::clone(&policy));
        Ok(policy)
    }
}

fn compile(tenant: &TenantId, stored: &StoredPolicy) -> Result<Policy, PortError> {
    Policy::compile(&stored.text, stored.version).map_err(|error| {
        let message = format!("policy version {} of tenant {tenant} does not compile", stored.version);
        PortError::new(crate::ports::Kind::Fail, message).because(error)
    })
}
