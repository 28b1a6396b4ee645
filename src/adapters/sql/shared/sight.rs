//! Whose and what somebody may see, as conditions of statements.

use super::both::Engine;
use crate::ports::accounts::{Queues, STREAMS, Tenants};
use serde_json::{Value, json};
use sqlx::QueryBuilder;

/// What is one of these tenants'.
pub(super) fn of_tenants(query: &mut QueryBuilder<Engine>, column: &'static str, tenants: &Tenants) {
    if let Tenants::These(these) = tenants {
        query.push(" AND ").push(column).push(" IN (");
        let mut list = query.separated(", ");
        for tenant in these {
            list.push_bind(tenant.as_str().to_owned());
        }
        // Of nobody, where there are none: an empty list is not SQL everywhere.
        list.push("''");
        query.push(")");
    }
}

/// What is filed under one of these queues.
pub(super) fn of_queues(query: &mut QueryBuilder<Engine>, column: &'static str, queues: &Queues) {
    if let Queues::These(these) = queues {
        query.push(" AND (1 = 0");
        for class in these {
            query.push(" OR ").push(column).push(" = ").push_bind(class.clone());
            // Every reason of the class: '/' comes next after '.'.
            query.push(" OR (").push(column).push(" >= ").push_bind(format!("{class}."));
            query.push(" AND ").push(column).push(" < ").push_bind(format!("{class}/")).push(")");
        }
        query.push(")");
    }
}

/// Lines `a` about a stream that was erased: whose it was its last line says.
fn erased_streams(query: &mut QueryBuilder<Engine>, tenants: &Tenants) {
    query
        .push(" OR EXISTS (SELECT 1 FROM audit e WHERE e.subject = a.subject AND e.action = 'stream.erased'");
    if let Tenants::These(these) = tenants {
        query.push(" AND e.detail IN (");
        let mut list = query.separated(", ");
        for tenant in these {
            list.push_bind(of_erased(tenant.as_str()).to_string());
        }
        list.push("''");
        query.push(")");
    }
    query.push(")");
}

/// What the line `stream.erased` says beside its subject, all of it: it is compared as it is written.
pub(super) fn of_erased(tenant: &str) -> Value {
    json!({ "tenant": tenant })
}

/// Lines `a` of the audit log about what may be seen. Who sees but some queues sees what came to review in them: the rest
/// is filed under none.
pub(super) fn lines_in_sight(query: &mut QueryBuilder<Engine>, tenants: &Tenants, queues: &Queues) {
    query.push(" AND (EXISTS (SELECT 1 FROM ");
    match queues {
        Queues::All => {
            query.push("uploads u WHERE u.id = a.subject");
            of_tenants(query, "u.tenant", tenants);
        }
        Queues::These(_) => {
            query.push("reviews r WHERE r.upload = a.subject");
            of_tenants(query, "r.tenant", tenants);
            of_queues(query, "r.reason", queues);
        }
    }
    query.push(")");
    if queues.includes(STREAMS) {
        query.push(" OR EXISTS (SELECT 1 FROM streams s WHERE s.id = a.subject");
        of_tenants(query, "s.tenant", tenants);
        query.push(")");
        erased_streams(query, tenants);
    }
    if *queues == Queues::All {
        query.push(" OR EXISTS (SELECT 1 FROM api_keys k WHERE k.id = a.subject");
        of_tenants(query, "k.tenant", tenants);
        query.push(") OR EXISTS (SELECT 1 FROM policies p WHERE p.tenant = a.subject");
        of_tenants(query, "p.tenant", tenants);
        query.push(")");
    }
    query.push(")");
}
