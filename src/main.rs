//! The `lazaret` executable.

use std::process::ExitCode;

fn main() -> ExitCode {
    lazaret::cli::main()
}
