//! Which types of file may be uploaded, and how large.

use crate::{config::sections::Types, upload::plan::matches};
use lazaret_report::Finding;

#[derive(Debug, Clone, Default)]
pub struct TypeRules {
    allow: Vec<String>,
    limits: Vec<(String, u64)>,
}

impl From<&Types> for TypeRules {
    fn from(types: &Types) -> Self {
        let limits = types.limit.iter().map(|limit| (limit.media_type.clone(), limit.max.0)).collect();
        Self { allow: types.allow.clone(), limits }
    }
}

impl TypeRules {
    /// `type.not_allowed` and `type.too_large`, where they hold.
    pub fn judge(&self, media_type: &str, size: u64) -> Vec<Finding> {
        let mut findings = Vec::new();
        if !self.allow.iter().any(|pattern| matches(pattern, media_type)) {
            let detail = format!("{media_type} is not among the types that may be uploaded");
            findings.push(Finding::new("type.not_allowed", detail));
        }
        if let Some((pattern, max)) =
            self.limits.iter().find(|(p, max)| matches(p, media_type) && size > *max)
        {
            let detail = format!("{size} bytes, and {pattern} may be {max} at most");
            findings.push(Finding::new("type.too_large", detail));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_sizes() {
        let rules = TypeRules {
            allow: vec!["image/*".into(), "text/plain".into()],
            limits: vec![("image/*".into(), 10)],
        };
        let codes = |media_type, size| -> Vec<String> {
            rules.judge(media_type, size).into_iter().map(|f| f.code).collect()
        };
        assert!(codes("image/png", 10).is_empty() && codes("text/plain", 11).is_empty());
        assert_eq!(codes("image/png", 11), ["type.too_large"]);
        assert_eq!(codes("text/html", 1), ["type.not_allowed"]);
    }
}
