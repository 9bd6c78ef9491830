//! The `damonlab` command; everything is in the library's `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    damonlab::cli::main()
}
