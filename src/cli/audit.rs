//! `lazaret audit`.

use super::output::say;
use crate::{
    config::Config,
    ports::store::{AuditHead, Forged},
};
use serde_json::json;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check that no line of the audit log was changed or taken out
    Verify {
        /// A line that was written down before, as this command or an export told it: it must be in the log still. May be
        /// given more than once
        #[arg(long, value_name = "SEQUENCE:HASH")]
        expect: Vec<AuditHead>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    let Command::Verify { expect, json } = command;
    let walked = super::store(config).await?.audit_walk(&expect).await?;
    match walked {
        Ok(AuditHead { sequence, hash }) if json => {
            let head = json!({ "sequence": sequence, "hash": crate::hex(&hash) });
            say!("{}", json!({ "lines": sequence, "head": head, "wrong": null }));
        }
        Ok(head) => {
            say!("{} lines, each fits the one before it", head.sequence);
            for noted in &expect {
                say!("line {} is the one that was expected", noted.sequence);
            }
            say!("the last is {head}");
        }
        Err(forged) => {
            let (wrong, sequence, words) = in_words(forged);
            if json {
                say!("{}", json!({ "wrong": wrong, "sequence": sequence }));
            } else {
                say!("line {sequence} {words}");
            }
        }
    }
    Ok(if walked.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn in_words(forged: Forged) -> (&'static str, u64, &'static str) {
    match forged {
        Forged::Line(line) => ("line", line, "does not fit the one before it: the log was changed"),
        Forged::Noted(line) => {
            let words = "is not the one that was expected: the log was written anew, or is another";
            ("expected", line, words)
        }
    }
}
