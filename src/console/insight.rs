//! What the whole comes to: how much there was, how long it waits, how often people see it otherwise.

use super::{
    Console,
    fail::Fail,
    fields::Fields,
    page::{Frame, render},
    plot::{Bar, Days, Part},
    visitor::{Signed, needs},
    words,
};
use crate::{
    access::{Person, Right},
    ports::insight::{Tally, WAITED, What, day},
    upload::Decision,
};
use askama::Template;
use axum::{extract::State, http::Uri, response::Response};
use std::{collections::BTreeMap, time::Duration};

/// Days of one page.
const SPANS: [i64; 3] = [7, 30, 90];
/// Rows of one table: the most frequent.
const ROWS: usize = 40;

const HOUR: u64 = 3_600;
/// Ages of what waits, from young to old.
const AGES: [(&str, u64); 5] = [
    ("under an hour", HOUR),
    ("1 to 4 hours", 4 * HOUR),
    ("4 to 24 hours", 24 * HOUR),
    ("1 to 3 days", 72 * HOUR),
    ("3 to 7 days", 168 * HOUR),
];
const OLDER: &str = "over a week";

#[derive(Template)]
#[template(path = "insight.html")]
struct Page {
    frame: Frame,
    days: i64,
    spans: [i64; 3],
    volume: Days,
    verdicts: u64,
    ages: Vec<Bar>,
    waiting: u64,
    /// Appeals that nobody is left to decide.
    stranded: usize,
    waited: Vec<Bar>,
    ruled: u64,
    /// How long most of them waited, in words.
    median: String,
    rates: [Rates; 3],
}

struct Rates {
    title: &'static str,
    about: &'static str,
    /// What its rows are.
    of: &'static str,
    bars: Vec<Bar>,
}

pub(super) async fn insight(
    State(console): State<Console>,
    Signed(person): Signed,
    uri: Uri,
) -> Result<Response, Fail> {
    needs(&person, Right::Insight)?;
    let (days, first) = span(&console, &uri);
    let tenants = &person.user.tenants;
    let now = console.desk.clock.now();
    let times = AGES.map(|(_, seconds)| now - Duration::from_secs(seconds));
    let others: Vec<What> =
        What::ALL.into_iter().filter(|what| !matches!(what, What::Verdict | What::Check)).collect();
    let (mut tallies, sums_of_others, queued) = tokio::try_join!(
        console.insight.tallies(tenants, &[What::Verdict], first),
        console.insight.sums(tenants, &others, first),
        console.insight.queued_since(tenants, &times),
    )?;
    tallies.extend(sums_of_others);
    let people = people(&console, &tallies).await?;
    let frame = Frame::of(&console, &person, "Insight").await?;
    let waited = sums(&tallies, What::Waited);
    let page = Page {
        days,
        spans: SPANS,
        volume: volume(first, days, &tallies),
        verdicts: sums(&tallies, What::Verdict).values().sum(),
        ages: ages(&queued),
        waiting: queued.last().copied().unwrap_or(0),
        stranded: console.desk.stranded_appeals(&person.user).await?,
        ruled: waited.values().sum(),
        median: median(&waited),
        waited: waits(&waited),
        rates: [
            Rates {
                title: "Overturned by rule",
                about: "people decided otherwise than the machine, by the first reason of its verdict",
                of: "Rule",
                bars: rates(&tallies, What::Ruled, What::Overturned, words::reason),
            },
            Rates {
                title: "Overturned by model",
                about: "the same, by each model that had looked at the item",
                of: "Model",
                bars: rates(&tallies, What::ModelRuled, What::ModelOverturned, str::to_owned),
            },
            Rates {
                title: "Reversed by person",
                about: "their rulings that somebody ruled otherwise on later",
                of: "Person",
                bars: people,
            },
        ],
        frame: frame.clone(),
    };
    Ok(render(&page, &frame))
}

/// Days that are asked for, and the first of them.
pub(super) fn span(console: &Console, uri: &Uri) -> (i64, i64) {
    let asked = Fields::of(uri).get("days").parse().unwrap_or(30);
    let days = SPANS.into_iter().find(|days| *days == asked).unwrap_or(30);
    (days, day(console.desk.clock.now()) - days + 1)
}

fn sums(tallies: &[Tally], what: What) -> BTreeMap<&str, u64> {
    let mut sums = BTreeMap::new();
    for tally in tallies.iter().filter(|tally| tally.what == what) {
        *sums.entry(tally.name.as_str()).or_default() += tally.n;
    }
    sums
}

/// A column a day of what has these names.
pub(super) fn by_day(first: i64, days: i64, tallies: &[Tally], what: What, names: &[&str]) -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0; names.len()]; usize::try_from(days).unwrap_or(0)];
    for tally in tallies.iter().filter(|tally| tally.what == what) {
        let at = usize::try_from(tally.day - first).ok();
        let part = names.iter().position(|name| *name == tally.name);
        if let (Some(day), Some(part)) = (at.and_then(|at| counts.get_mut(at)), part) {
            day[part] += tally.n;
        }
    }
    counts
}

fn volume(first: i64, days: i64, tallies: &[Tally]) -> Days {
    let all =
        [(Decision::Publish, "p-low"), (Decision::Review, "p-medium"), (Decision::Quarantine, "p-high")];
    let parts = all.map(|(decision, class)| Part { class, name: decision.as_str().to_owned() });
    let names = all.map(|(decision, _)| decision.as_str());
    let counts = by_day(first, days, tallies, What::Verdict, &names);
    Days::new("Verdicts", "volume", first, parts.to_vec(), counts)
}

/// `queued` counts what came after each edge; the last is all.
fn ages(queued: &[u64]) -> Vec<Bar> {
    let all = queued.last().copied().unwrap_or(0);
    let mut younger = 0;
    let names = AGES.iter().map(|(name, _)| *name).chain([OLDER]);
    names
        .zip(queued)
        .map(|(name, count)| {
            let here = count.saturating_sub(younger);
            younger = *count;
            Bar::new(name.to_owned(), vec![here.to_string()], here, all)
        })
        .collect()
}

fn waits(waited: &BTreeMap<&str, u64>) -> Vec<Bar> {
    let all: u64 = waited.values().sum();
    WAITED
        .iter()
        .map(|(name, _)| {
            let n = waited.get(name).copied().unwrap_or(0);
            let words =
                if *name == "more" { "over a day".to_owned() } else { format!("under {}", spelt(name)) };
            Bar::new(words, vec![n.to_string()], n, all)
        })
        .collect()
}

/// The span below which half of them lie.
fn median(waited: &BTreeMap<&str, u64>) -> String {
    let all: u64 = waited.values().sum();
    let mut below = 0;
    for (name, _) in WAITED {
        below += waited.get(name).copied().unwrap_or(0);
        if all > 0 && below * 2 >= all {
            return if name == "more" { "over a day".to_owned() } else { format!("under {}", spelt(name)) };
        }
    }
    "–".to_owned()
}

fn spelt(span: &str) -> String {
    let (n, unit) = span.split_at(span.len() - 1);
    let unit = match unit {
        "m" => "min",
        "h" => "h",
        _ => "d",
    };
    format!("{n} {unit}")
}

/// Those that came up most: how often people decided, and how often otherwise.
fn rates(tallies: &[Tally], ruled: What, overturned: What, name: impl Fn(&str) -> String) -> Vec<Bar> {
    let (all, otherwise) = (sums(tallies, ruled), sums(tallies, overturned));
    let mut rows: Vec<(&str, u64)> = all.into_iter().collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    rows.truncate(ROWS);
    rows.into_iter()
        .map(|(code, of)| {
            let n = otherwise.get(code).copied().unwrap_or(0);
            let rate = format!("{:.0} %", 100.0 * n as f64 / of.max(1) as f64);
            Bar::new(name(code), vec![of.to_string(), n.to_string(), rate], n, of)
        })
        .collect()
}

async fn people(console: &Console, tallies: &[Tally]) -> Result<Vec<Bar>, Fail> {
    if !tallies.iter().any(|tally| tally.what == What::PersonRuled) {
        return Ok(Vec::new());
    }
    let users = console.people.accounts.users().await?;
    let names: BTreeMap<_, _> = users.into_iter().map(|user| (user.id, user.email)).collect();
    let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned());
    Ok(rates(tallies, What::PersonRuled, What::PersonOverturned, name))
}

/// May this person see what concerns the whole machine?
pub(super) fn sees_all(person: &Person) -> bool {
    person.user.tenants == crate::ports::accounts::Tenants::All
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(what: What, day: i64, name: &str, n: u64) -> Tally {
        Tally { what, day, name: name.to_owned(), n }
    }

    #[test]
    fn rates_are_of_those_that_were_decided() {
        let tallies = [
            tally(What::Ruled, 1, "a", 3),
            tally(What::Ruled, 2, "a", 1),
            tally(What::Overturned, 2, "a", 1),
            tally(What::Ruled, 2, "b", 9),
        ];
        let bars = rates(&tallies, What::Ruled, What::Overturned, str::to_owned);
        let shown: Vec<_> = bars.iter().map(|bar| (bar.name.as_str(), bar.cells.join(" "))).collect();
        assert_eq!(shown, [("b", "9 0 0 %".to_owned()), ("a", "4 1 25 %".to_owned())]);
    }

    #[test]
    fn ages_and_waits_add_up() {
        let shown: Vec<String> = ages(&[2, 2, 5, 5, 6, 10]).iter().map(|bar| bar.cells.join("")).collect();
        assert_eq!(shown, ["2", "0", "3", "0", "1", "4"]);
        assert_eq!(median(&BTreeMap::from([("1m", 4), ("1h", 5), ("more", 1)])), "under 1 h");
        assert_eq!(median(&BTreeMap::from([("more", 1)])), "over a day");
        assert_eq!(median(&BTreeMap::new()), "–");
        let days = by_day(
            10,
            3,
            &[tally(What::Verdict, 11, "b", 7), tally(What::Verdict, 99, "b", 1)],
            What::Verdict,
            &["a", "b"],
        );
        assert_eq!(days, [vec![0, 0], vec![0, 7], vec![0, 0]]);
    }
}
