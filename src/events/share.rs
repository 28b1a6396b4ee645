//! Which lane work goes on in: a tenant with more than its share in flight makes room for the others.

use crate::{
    ports::{publisher::Lane, store::OutboxEntry},
    upload::TenantId,
};
use std::collections::HashMap;

/// Unsettled uploads by tenant, as last counted and as the outbox told since.
#[derive(Debug, Default)]
pub(super) struct Shares {
    most: u64,
    counts: HashMap<TenantId, u64>,
}

impl Shares {
    /// `most` is how many unsettled uploads a tenant may have before its next ones stand in the other line.
    pub(super) fn new(most: u64) -> Self {
        Self { most, counts: HashMap::new() }
    }

    pub(super) fn count(&mut self, backlogs: Vec<(TenantId, u64)>) {
        self.counts = backlogs.into_iter().collect();
    }

    /// The lane of one more upload of the tenant.
    pub(super) fn lane(&mut self, entry: &OutboxEntry) -> Lane {
        let count = self.counts.entry(entry.tenant.clone()).or_default();
        *count += 1;
        if *count > self.most { Lane::Bulk } else { Lane::Main }
    }

    /// One of the tenant's is settled.
    pub(super) fn settled(&mut self, entry: &OutboxEntry) {
        // A stream never stood in a line.
        if entry.kind.starts_with("upload.")
            && let Some(count) = self.counts.get_mut(&entry.tenant)
        {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload::UploadId;

    #[test]
    fn above_its_share_a_tenant_goes_on_in_the_other_lane_until_some_are_settled() {
        let entry = |tenant: &str| OutboxEntry {
            sequence: 1,
            upload: UploadId::new(jiff::Timestamp::UNIX_EPOCH, &[0; 10]),
            tenant: tenant.parse().unwrap(),
            kind: "upload.received".into(),
            body: "{}".into(),
            at: jiff::Timestamp::UNIX_EPOCH,
        };
        let mut shares = Shares::new(2);
        shares.count(vec![("big".parse().unwrap(), 1)]);
        assert_eq!(shares.lane(&entry("big")), Lane::Main);
        assert_eq!(shares.lane(&entry("big")), Lane::Bulk);
        assert_eq!(shares.lane(&entry("small")), Lane::Main);
        shares.settled(&entry("big"));
        shares.settled(&entry("big"));
        shares.settled(&entry("nobody"));
        assert_eq!(shares.lane(&entry("big")), Lane::Main);
        shares.count(vec![("big".parse().unwrap(), 10_000)]);
        assert_eq!(shares.lane(&entry("big")), Lane::Bulk);
    }
}
