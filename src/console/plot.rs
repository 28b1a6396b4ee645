//! Plots as SVG, made here: no script draws them. Beside each stands its table, for who does not see it.

use super::words;
use askama::Template;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 200.0;
/// Room for the numbers at the left, the dates below, and some air above.
const LEFT: f64 = 44.0;
const BELOW: f64 = 22.0;
const ABOVE: f64 = 8.0;

/// A column a day, of parts that stand on each other.
#[derive(Template)]
#[template(path = "plot_days.html")]
pub(super) struct Days {
    title: &'static str,
    /// For `aria-labelledby`.
    id: &'static str,
    parts: Vec<Part>,
    columns: Vec<Column>,
    lines: Vec<Line>,
    base: String,
    left: String,
    width: f64,
    height: f64,
}

/// What a column is made of: its class in the style sheet, and its name.
#[derive(Clone)]
pub(super) struct Part {
    pub class: &'static str,
    pub name: String,
}

struct Column {
    day: String,
    /// Written below it.
    below: Option<(String, String)>,
    total: u64,
    counts: Vec<u64>,
    boxes: Vec<Rect>,
}

struct Rect {
    class: &'static str,
    x: String,
    y: String,
    width: String,
    height: String,
}

struct Line {
    y: String,
    text_y: String,
    words: String,
}

impl Days {
    /// `counts[day][part]`, from `first` on, one a day.
    pub(super) fn new(
        title: &'static str,
        id: &'static str,
        first: i64,
        parts: Vec<Part>,
        counts: Vec<Vec<u64>>,
    ) -> Self {
        let most = counts.iter().map(|day| day.iter().sum::<u64>()).max().unwrap_or(0);
        let top = ceiling(most);
        let (height, step) = (HEIGHT - ABOVE - BELOW, (WIDTH - LEFT) / counts.len().max(1) as f64);
        let y_of = |n: f64| ABOVE + height * (1.0 - n / top as f64);
        let every = counts.len().div_ceil(8).max(1);
        let columns = counts.into_iter().enumerate().map(|(n, counts)| {
            let x = LEFT + step * n as f64;
            let mut below = 0;
            let mut boxes = Vec::new();
            for (part, count) in parts.iter().zip(&counts).filter(|(_, count)| **count > 0) {
                let (from, to) = (y_of((below + count) as f64), y_of(below as f64));
                below += count;
                boxes.push(Rect {
                    class: part.class,
                    x: px(x + step * 0.12),
                    y: px(from),
                    width: px(step * 0.76),
                    height: px(to - from),
                });
            }
            let day = words::day(first + n as i64);
            let label = (n % every == 0).then(|| (px(x + step / 2.0), day[5..].to_owned()));
            Column { day, below: label, total: counts.iter().sum(), counts, boxes }
        });
        let lines = [0, top / 2, top].into_iter().map(|n| Line {
            y: px(y_of(n as f64)),
            text_y: px(y_of(n as f64) + 4.0),
            words: short(n),
        });
        Self {
            title,
            id,
            columns: columns.collect(),
            lines: lines.collect(),
            parts,
            base: px(HEIGHT - 6.0),
            left: px(LEFT),
            width: WIDTH,
            height: HEIGHT,
        }
    }
}

fn px(n: f64) -> String {
    format!("{n:.1}")
}

/// The next of 2, 4, 10, 20, 40, …: even, so that its half is a number too.
fn ceiling(most: u64) -> u64 {
    let mut unit = 1;
    loop {
        for step in [2, 4, 10] {
            if most <= step * unit {
                return step * unit;
            }
        }
        unit *= 10;
    }
}

fn short(n: u64) -> String {
    match n {
        0..10_000 => n.to_string(),
        10_000..1_000_000 => format!("{} k", n / 1_000),
        _ => format!("{:.1} M", n as f64 / 1e6),
    }
}

/// A row with a bar in it: of a table that is a plot as it stands.
pub(super) struct Bar {
    pub name: String,
    /// Beside the bar.
    pub cells: Vec<String>,
    /// 0 to 100.
    pub width: String,
}

impl Bar {
    pub(super) fn new(name: String, cells: Vec<String>, n: u64, of: u64) -> Self {
        Self { name, cells, width: px(100.0 * n as f64 / of.max(1) as f64) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_a_plot_is_a_round_number_above_all() {
        let tops = [0, 1, 2, 3, 9, 10, 11, 39, 41, 999, 100_000, 100_001].map(ceiling);
        assert_eq!(tops, [2, 2, 2, 4, 10, 10, 20, 40, 100, 1_000, 100_000, 200_000]);
        assert_eq!([short(999), short(12_345), short(2_500_000)], ["999", "12 k", "2.5 M"]);
    }

    #[test]
    fn a_plot_says_in_its_table_what_it_draws_and_escapes_names() {
        let parts = vec![
            Part { class: "p-low", name: "publish".into() },
            Part { class: "p-high", name: "<script>".into() },
        ];
        let plot = Days::new("Verdicts", "verdicts", 20_000, parts, vec![vec![3, 1], vec![0, 0], vec![2, 0]]);
        let text = plot.render().unwrap();
        assert_eq!(text.matches("<rect").count(), 3, "nothing is drawn of nothing: {text}");
        assert!(text.contains("2024-10-04") && text.contains("<td class=\"num\">3</td>"));
        assert!(!text.contains("<script>") && !text.contains("style="), "{text}");
        let none = Days::new("Verdicts", "verdicts", 20_000, Vec::new(), Vec::new()).render().unwrap();
        assert!(!none.contains("NaN") && !none.contains("inf"));
    }
}
