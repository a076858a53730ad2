//! GNU parallel: a log of jobs, failed ones again, logins of other machines by its own options.

use super::{SHARD, merge, numbers, quoted, script_of};
use crate::{BatchPlan, Submission};

pub(super) fn submit(plan: &BatchPlan, submission: &Submission<'_>) -> String {
    let shard = quoted(&script_of(submission.results, SHARD));
    let log = quoted(&script_of(submission.results, "parallel.log"));
    let options: String =
        submission.options.iter().map(|option| format!("{} ", quoted(option))).collect();
    format!(
        "#!/bin/sh\n\
         # Started again, it runs what the log does not say to have ended well.\n\
         printf '%s\\n' {} | parallel --jobs {} --retries 3 --joblog {log} --resume-failed \
         {options}sh {shard} '{{}}'\n\
         {}\n",
        numbers(plan).join(" "),
        submission.workers,
        merge(submission)
    )
}
