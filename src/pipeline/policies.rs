//! Each tenant's policy, compiled once a version.

use crate::{
    ports::{Kind, PortError, Store, store::StoredPolicy},
    upload::{
        TenantId,
        policy::{DEFAULT, DEFAULT_VERSION, Policy, PolicyError},
        verdict::PolicyVersion,
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

    /// Of the default.
    pub fn default_version(&self) -> PolicyVersion {
        self.default.version().clone()
    }

    /// The tenant's own of this version, or a later one; else the default. A stored policy that does not compile any
    /// more is an error, not the default: nobody chose the default.
    pub async fn of(&self, tenant: &TenantId, version: u32) -> Result<Arc<Policy>, PortError> {
        if version == DEFAULT_VERSION {
            return Ok(Arc::clone(&self.default));
        }
        let known = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        if let Some(policy) = known.filter(|policy| policy.version().version >= version) {
            return Ok(policy);
        }
        let stored = self.store.policy(tenant).await?.filter(|stored| stored.version >= version);
        let Some(stored) = stored else {
            let message = format!("policy version {version} of tenant {tenant} is not in the store");
            return Err(PortError::new(Kind::Fail, message));
        };
        let policy = Arc::new(compile(tenant, &stored)?);
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.insert(tenant.clone(), Arc::clone(&policy));
        Ok(policy)
    }
}

fn compile(tenant: &TenantId, stored: &StoredPolicy) -> Result<Policy, PortError> {
    Policy::compile(&stored.text, stored.version).map_err(|error| {
        let message = format!("policy version {} of tenant {tenant} does not compile", stored.version);
        PortError::new(Kind::Fail, message).because(error)
    })
}
