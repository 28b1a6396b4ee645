//! Tenants take turns, so that nobody's thousand uploads stand before another's first.

use jiff::Timestamp;

/// At most this many tenants are asked at a time.
const TENANTS: usize = 64;

/// Those of `tenants` to ask now: begun elsewhere each time where there are more than are asked.
pub(in crate::adapters) fn asked(tenants: Vec<String>, now: Timestamp) -> Vec<String> {
    if tenants.len() <= TENANTS {
        return tenants;
    }
    let start = usize::try_from(now.as_millisecond().unsigned_abs()).unwrap_or(0) % tenants.len();
    tenants.iter().cycle().skip(start).take(TENANTS).cloned().collect()
}

/// One of each line after the other, until there are enough.
pub(in crate::adapters) fn in_turns<T>(mut lines: Vec<impl Iterator<Item = T>>, most: usize) -> Vec<T> {
    let mut all = Vec::new();
    while !lines.is_empty() && all.len() < most {
        lines.retain_mut(|line| match line.next() {
            Some(next) if all.len() < most => {
                all.push(next);
                true
            }
            Some(_) => true,
            None => false,
        });
    }
    all
}
