//! What commands print: to people, or to machines.

use crate::upload::Decision;
use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

/// As `println!`, but a reader that went away (`lazaret … | head`) ends the command instead of making it panic.
macro_rules! say {
    ($($words:tt)*) => { $crate::cli::output::put!("{}\n", format_args!($($words)*)) };
}

/// As `print!`, in the way of [`say!`].
macro_rules! put {
    ($($words:tt)*) => { $crate::cli::output::write(format_args!($($words)*)) };
}

pub(super) use {put, say};

pub(super) fn write(words: std::fmt::Arguments<'_>) {
    if let Err(error) = std::io::stdout().lock().write_fmt(words) {
        let gone = error.kind() == std::io::ErrorKind::BrokenPipe;
        if !gone {
            eprintln!("lazaret: standard output cannot be written: {error}");
        }
        std::process::exit(if gone { 0 } else { i32::from(TROUBLE) });
    }
}

/// 2: the command could not do its work.
pub(super) const TROUBLE: u8 = 2;

/// Prints the error with its causes, each once.
pub(super) fn failure(error: &anyhow::Error) -> ExitCode {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(&cause);
        }
    }
    eprintln!("lazaret: {text}");
    ExitCode::from(TROUBLE)
}

/// Colours, where standard output is a terminal and NO_COLOR is not set.
#[derive(Clone, Copy)]
pub(super) struct Paint(bool);

impl Paint {
    pub(super) fn stdout() -> Self {
        Self(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none())
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(super) fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    pub(super) fn doubtful(self, text: &str) -> String {
        self.wrap("33", text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.wrap("31", text)
    }

    pub(super) fn faint(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// A decision, padded to the longest one's width.
    pub(super) fn decision(self, decision: Decision) -> String {
        let text = format!("{:<10}", decision.as_str());
        match decision {
            Decision::Publish => self.good(&text),
            Decision::Review => self.doubtful(&text),
            Decision::Quarantine => self.bad(&text),
        }
    }
}

/// Text from outside, safe for a terminal: control and bidirectional characters are escaped.
pub(super) fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        let hidden = matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}');
        if c.is_control() || hidden {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        out
    })
}

/// Rows under headings, each column as wide as its widest cell.
pub(super) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |i: usize| {
        let cells = rows.iter().map(|row| row.get(i).map_or(0, |cell| cell.chars().count()));
        cells.chain([headings[i].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())))
            .collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(headings.to_vec());
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up_and_names_cannot_move_the_cursor() {
        let rows = vec![vec!["a".into(), "bb".into()], vec!["ccc".into(), "d".into()]];
        assert_eq!(table(&["x", "y"], &rows), "x    y\na    bb\nccc  d\n");
        assert_eq!(printable("a\x1b[2J\u{202E}é"), "a\\u{1b}[2J\\u{202e}é");
    }
}
