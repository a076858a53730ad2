//! Hidden verbs for packagers: completions, man pages, JSON schemas.

use std::io::{Write, stdout};

use clap::Args;
use clap_complete::Shell;

use crate::failure::Failure;
use crate::{exit, schema};

/// Print shell completions
#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Print a man page
#[derive(Args, Debug)]
pub(crate) struct ManArgs {
    /// The verb, such as `scan`; without one the page of the program
    verb: Option<String>,
}

/// Print the JSON schema of a record type
#[derive(Args, Debug)]
pub(crate) struct SchemaArgs {
    /// The record type; without one their names
    name: Option<String>,
}

pub(crate) fn completions(args: &CompletionsArgs) -> Result<u8, Failure> {
    clap_complete::generate(args.shell, &mut crate::command(), "triage", &mut stdout());
    Ok(exit::COMPLETE)
}

pub(crate) fn man(args: &ManArgs) -> Result<u8, Failure> {
    let mut command = crate::command();
    command.build();
    let page = match &args.verb {
        None => command,
        Some(name) => command
            .find_subcommand(name)
            .cloned()
            .ok_or_else(|| Failure::usage("unknown verb").at(name))?,
    };
    clap_mangen::Man::new(page).render(&mut stdout())?;
    Ok(exit::COMPLETE)
}

pub(crate) fn schema(args: &SchemaArgs) -> Result<u8, Failure> {
    let all = schema::schemas();
    let mut out = stdout().lock();
    match &args.name {
        None => {
            for (name, _) in all {
                writeln!(out, "{name}")?;
            }
        }
        Some(name) => {
            let (_, schema) = all
                .into_iter()
                .find(|(known, _)| known == name)
                .ok_or_else(|| Failure::usage("unknown record type").at(name))?;
            writeln!(out, "{schema:#}")?;
        }
    }
    Ok(exit::COMPLETE)
}
