//! Other programs: run and show, run and keep the output, look whether one is installed.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::error::{Error, Outcome};

/// The cargo that runs this task.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(crate::workspace::root()).stdin(Stdio::null());
    command
}

/// The name and the arguments of a command, for messages.
pub(crate) fn line(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    words.join(" ")
}

/// Runs a command with its output on ours.
pub(crate) fn show(command: &mut Command) -> Outcome {
    let status =
        command.status().map_err(|source| Error::Start { program: line(command), source })?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed { program: line(command), status: status.to_string() })
}

/// Runs a command and keeps its output; failure is an error that carries what it said.
pub(crate) fn keep(command: &mut Command) -> Outcome<Output> {
    let output =
        command.output().map_err(|source| Error::Start { program: line(command), source })?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let status = format!("{}: {}", output.status, said.trim());
    Err(Error::Failed { program: line(command), status })
}

/// Where a program is on `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let paths = env::var_os("PATH")?;
    env::split_paths(&paths).map(|folder| folder.join(program)).find(|path| path.is_file())
}
