//! `fixtures`: builds test trees from a recipe. The same seed gives the same names and the same
//! bytes.
//!
//! It only makes new folders: an existing one is refused.

mod hostile;
mod names;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::error::{Error, Outcome, at};

/// What the task is asked.
#[derive(Args)]
pub(crate) struct FixturesArgs {
    #[command(subcommand)]
    fixture: Fixture,
}

#[derive(Subcommand)]
enum Fixture {
    /// A large tree of ordinary and odd names, deep folders, log-normal sizes, links
    Tree(TreeArgs),
    /// What a walker must survive: FIFO, socket, 1 TiB sparse file, loops, a path of 5,000 folders
    Hostile {
        /// The folder to make
        dir: PathBuf,
    },
}

/// The recipe of a tree.
#[derive(Args)]
pub(crate) struct TreeArgs {
    /// The folder to make
    dir: PathBuf,
    /// Regular files in it
    #[arg(long, default_value_t = 100_000)]
    files: u64,
    /// Half of the files are smaller than this, in bytes
    #[arg(long, default_value_t = 2048)]
    median: u64,
    /// Another seed gives another tree
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Builds one fixture.
///
/// # Errors
/// The folder exists, or cannot be filled.
pub(crate) fn run(args: &FixturesArgs) -> Outcome {
    match &args.fixture {
        Fixture::Tree(args) => {
            make(&args.dir)?;
            let recipe = tree::Recipe { files: args.files, median: args.median, seed: args.seed };
            let built = tree::build(&args.dir, &recipe)?;
            println!("{built}");
        }
        Fixture::Hostile { dir } => {
            make(dir)?;
            for line in hostile::build(dir)? {
                println!("{line}");
            }
        }
    }
    Ok(())
}

fn make(dir: &Path) -> Outcome {
    if dir.symlink_metadata().is_ok() {
        return Err(Error::Refused(format!("{dir:?} exists: a fixture is built in a new folder")));
    }
    fs::create_dir_all(dir).map_err(at("make", dir))
}
