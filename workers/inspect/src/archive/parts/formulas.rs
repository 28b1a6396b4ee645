//! Formulas of spreadsheets that fetch, or start programs. In OpenDocument, and where Excel marks what is new, words and
//! a dot may stand before a name.

const FETCHING: [&str; 8] = ["WEBSERVICE", "IMAGE", "RTD", "DDE", "CALL", "EXEC", "REGISTER", "REGISTER.ID"];

/// The first function of such a name, whatever is between it and its bracket.
pub(super) fn fetching(formula: &str) -> Option<&'static str> {
    let upper = formula.to_uppercase();
    upper.match_indices('(').find_map(|(at, _)| {
        let before = upper[..at].trim_end();
        let start = before
            .rfind(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.'))
            .map_or(0, |i| i + before[i..].chars().next().map_or(1, char::len_utf8));
        let name = &before[start..];
        FETCHING
            .into_iter()
            .find(|known| name.strip_suffix(known).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
    })
}
