//! The one binary: everything is in the library beside it, so that tasks can ask for its help.

use std::process::ExitCode;

fn main() -> ExitCode {
    triage::main()
}
