//! Figures, what they are held against, and how they are shown.

use serde::Serialize;
use std::fmt::Write;

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Target {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

/// One figure beside its yardstick.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    pub what: String,
    pub ours: String,
    pub beside: String,
    /// What the target is about: a ratio, mostly.
    pub value: f64,
    pub unit: &'static str,
    pub target: Option<Target>,
}

impl Line {
    fn cells(&self) -> Vec<String> {
        let shown = |value: f64| match self.unit {
            "×" => format!("{value:.2} ×"),
            unit => format!("{value:.0} {unit}"),
        };
        let (target, met) = match self.target {
            None => ("none".to_owned(), ""),
            Some(target) => {
                let (sign, value) = match target {
                    Target::AtMost(value) => ("≤", value),
                    Target::AtLeast(value) => ("≥", value),
                };
                (format!("{sign} {}", shown(value)), if target.is_met(self.value) { "ok" } else { "MISSED" })
            }
        };
        vec![
            self.what.clone(),
            self.ours.clone(),
            self.beside.clone(),
            shown(self.value),
            target,
            met.to_owned(),
        ]
    }
}

/// Where it goes, and other details.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    pub title: String,
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Section {
    pub name: &'static str,
    pub about: String,
    pub lines: Vec<Line>,
    pub tables: Vec<Table>,
    pub notes: Vec<String>,
}

const HEAD: [&str; 6] = ["what", "measured", "beside", "value", "target", ""];

impl Section {
    pub fn missed(&self) -> usize {
        let missed = |line: &&Line| line.target.is_some_and(|target| !target.is_met(line.value));
        self.lines.iter().filter(missed).count()
    }

    pub fn text(&self) -> String {
        let mut text = format!("{}\n\n{}", self.about, aligned(&strings(&HEAD), &self.cells()));
        for table in &self.tables {
            let _ = write!(text, "\n{}\n{}", table.title, aligned(&table.head, &table.rows));
        }
        self.notes.iter().for_each(|note| {
            let _ = writeln!(text, "\n{note}");
        });
        text
    }

    fn cells(&self) -> Vec<Vec<String>> {
        self.lines.iter().map(Line::cells).collect()
    }
}

fn strings(head: &[&str]) -> Vec<String> {
    head.iter().map(|cell| (*cell).to_owned()).collect()
}

fn aligned(head: &[String], rows: &[Vec<String>]) -> String {
    let all = || std::iter::once(head).chain(rows.iter().map(Vec::as_slice));
    let cell = |row: &[String], at: usize| row.get(at).cloned().unwrap_or_default();
    let width = |at: usize| all().map(|row| cell(row, at).chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    all()
        .map(|row| {
            let padded = widths.iter().enumerate().map(|(at, w)| {
                let cell = cell(row, at);
                if at == 0 { format!("{cell:<w$}") } else { format!("{cell:>w$}") }
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
        })
        .collect()
}

/// Everything, for docs/speed.md.
pub fn markdown(machine: &str, sections: &[Section]) -> String {
    let mut text = format!("Measured on: {machine}.\n\n");
    let rows = sections.iter().flat_map(Section::cells).collect::<Vec<_>>();
    text += &piped(&strings(&HEAD), &rows);
    for section in sections {
        for table in &section.tables {
            let _ = write!(text, "\n{}\n\n{}", table.title, piped(&table.head, &table.rows));
        }
        section.notes.iter().for_each(|note| {
            let _ = write!(text, "\n{note}\n");
        });
    }
    text
}

fn piped(head: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = vec!["---".to_owned(); head.len()];
    line(head) + &line(&rule) + &rows.iter().map(|row| line(row)).collect::<String>()
}

/// Milliseconds with one digit.
pub fn ms(time: std::time::Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}

/// The middle one, or the upper one of two.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
