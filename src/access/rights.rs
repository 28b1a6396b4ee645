//! What each role may do in the console.

use crate::ports::accounts::Role;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Look at items and the queue.
    Look,
    /// Take items and rule on them.
    Decide,
    /// Reverse what was carried out, see what was escalated.
    Overrule,
    /// See sealed items; each view is on record.
    Sealed,
    /// Read the audit log.
    Audit,
    /// Make and change accounts.
    Accounts,
    /// See what the whole comes to: numbers by rule, model and person, policies.
    Insight,
    /// Change policies, give dead letters a second chance.
    Operate,
}

pub fn may(role: Role, right: Right) -> bool {
    match right {
        Right::Look => true,
        Right::Decide => role != Role::Auditor,
        Right::Overrule | Right::Sealed => matches!(role, Role::Senior | Role::Admin),
        Right::Audit => matches!(role, Role::Auditor | Role::Admin),
        Right::Accounts | Right::Operate => role == Role::Admin,
        Right::Insight => role != Role::Moderator,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_rights() {
        let rights = [
            Right::Look,
            Right::Decide,
            Right::Overrule,
            Right::Sealed,
            Right::Audit,
            Right::Accounts,
            Right::Insight,
            Right::Operate,
        ];
        let table = Role::ALL.map(|role| rights.map(|right| u8::from(may(role, right))));
        assert_eq!(
            table,
            [
                [1, 0, 0, 0, 1, 0, 1, 0], // auditor
                [1, 1, 0, 0, 0, 0, 0, 0], // moderator
                [1, 1, 1, 1, 0, 0, 1, 0], // senior
                [1, 1, 1, 1, 1, 1, 1, 1], // admin
            ]
        );
    }
}
