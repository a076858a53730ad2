//! What the pages are generated from: the only place where the tasks know the binary.

/// The command line.
pub(super) fn command() -> clap::Command {
    triage::command()
}

/// Code, name and meaning of every exit.
pub(super) fn exit_codes() -> Vec<(u8, &'static str, &'static str)> {
    triage::exit::EXIT_CODES.to_vec()
}

/// Name and JSON schema of every record type.
pub(super) fn schemas() -> Vec<(&'static str, serde_json::Value)> {
    triage::schemas()
}
