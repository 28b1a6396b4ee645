//! `lazaret completions`.

use std::process::ExitCode;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: lazaret completions bash > /etc/bash_completion.d/lazaret")]
pub(super) struct Args {
    shell: clap_complete::Shell,
}

pub(super) fn run(args: Args, command: &mut clap::Command) -> anyhow::Result<ExitCode> {
    clap_complete::generate(args.shell, command, "lazaret", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}
