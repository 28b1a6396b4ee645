//! What users say of an item, as far as its page holds it.

use super::words;
use crate::{
    ports::reports::{Appeal, Report},
    upload::filename,
};
use jiff::Timestamp;
use std::{cmp::Reverse, collections::BTreeMap};

/// Reports that are shown, the newest.
const SHOWN: usize = 10;
/// Bytes, on the page, of reports that are shown whole; of the others, how they begin.
const ROOM: usize = 30_000;

/// What a user said, and what came of it.
pub(super) struct Voice {
    pub at: String,
    pub who: String,
    pub about: String,
    pub text: String,
    pub outcome: String,
}

impl Voice {
    fn new(at: Timestamp, who: &str, about: String, text: &str, outcome: Option<&str>) -> Self {
        Self {
            at: words::time(at),
            who: filename::display(who),
            about,
            text: text.to_owned(),
            outcome: outcome.unwrap_or("waits").to_owned(),
        }
    }

    pub(super) fn of_appeals(appeals: &[Appeal]) -> Vec<Self> {
        appeals
            .iter()
            .map(|one| Self::new(one.at, &one.appellant, String::new(), &one.text, one.outcome.as_deref()))
            .collect()
    }
}

pub(super) struct Reports {
    /// The newest first.
    pub list: Vec<Voice>,
    /// Older ones.
    pub more: usize,
    /// Of all, the most frequent category first.
    pub counts: Vec<(String, usize)>,
}

impl Reports {
    /// `reports` come in their order.
    pub(super) fn of(reports: &[Report]) -> Self {
        let about = |report: &Report| report.category.as_str().replace('_', " ");
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for report in reports {
            *counts.entry(about(report)).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, n)| Reverse(*n));
        let mut room = ROOM;
        let list = reports.iter().rev().take(SHOWN).map(|report| {
            let text = match room.checked_sub(weight(&report.text)) {
                Some(left) => {
                    room = left;
                    report.text.clone()
                }
                None => words::brief(&report.text),
            };
            Voice::new(report.at, &report.reporter, about(report), &text, report.outcome.as_deref())
        });
        Self { list: list.collect(), more: reports.len().saturating_sub(SHOWN), counts }
    }
}

/// Bytes on a page, where some characters are written as `&#60;`.
fn weight(text: &str) -> usize {
    text.len() + 4 * text.bytes().filter(|byte| b"<>&\"'".contains(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload::report::Category;

    #[test]
    fn the_newest_reports_are_shown_and_all_are_counted() {
        let report = |n: i64| Report {
            category: if n % 3 == 0 { Category::ChildAbuse } else { Category::Spam },
            text: format!("{n} {}", "<".repeat(2_000)),
            reporter: "user".into(),
            at: Timestamp::from_second(n).unwrap(),
            outcome: (n < 5).then(|| "upheld".into()),
        };
        let all: Vec<Report> = (0..12).map(report).collect();
        let told = Reports::of(&all);
        assert_eq!((told.list.len(), told.more), (SHOWN, 2));
        assert_eq!(told.counts, [("spam".to_owned(), 8), ("child abuse".to_owned(), 4)]);
        let whole: Vec<bool> = told.list.iter().map(|voice| voice.text.len() > 2_000).collect();
        assert_eq!(whole[..3], [true, true, false], "{whole:?}");
        assert!(told.list[0].text.starts_with("11 ") && told.list[9].text.starts_with("2 "));
        assert_eq!((&*told.list[0].outcome, &*told.list[9].outcome), ("waits", "upheld"));
        assert_eq!(Reports::of(&all[..1]).more, 0);
    }
}
