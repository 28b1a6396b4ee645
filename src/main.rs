//! The `lazaret` executable.

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// The system's has locks that threads wait on when one frees what another allocated, as servers do all the time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    lazaret::cli::main()
}
