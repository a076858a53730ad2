//! Shards on this machine, so many at once, with nothing but the shell.

use super::{SHARD, merge, numbers, quoted, script_of};
use crate::{BatchPlan, Submission};

pub(super) fn submit(plan: &BatchPlan, submission: &Submission<'_>) -> String {
    let shard = quoted(&script_of(submission.results, SHARD));
    format!(
        "#!/bin/sh\n\
         # A shard that fails does not stop the others; merging names it.\n\
         printf '%s\\n' {} | xargs -P {} -n 1 sh {shard}\n\
         {}\n",
        numbers(plan).join(" "),
        submission.workers,
        merge(submission)
    )
}
