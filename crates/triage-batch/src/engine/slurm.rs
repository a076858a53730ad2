//! Slurm: one array for each storage and priority, and a merge that waits for all of them.
//!
//! `sbatch(1)` of Slurm 22.05: `--array`, `--licenses`, `--requeue`, `--nice`, `--dependency`. A
//! node that dies gives its tasks back to the queue, and each goes on where its journal ends. The
//! merge depends on `afterany`, not on `afterok`: it must name what is missing.

use std::collections::BTreeMap;

use super::{SHARD, SUBMIT, merge, quoted, script_of};
use crate::{BatchPlan, Submission};

/// Of arrays that wait, one of the next lower priority is so much nicer.
const NICE_STEP: usize = 1000;

/// Shards that are submitted together.
struct Array {
    name: String,
    storage: Option<String>,
    nice: usize,
    shards: Vec<usize>,
}

fn arrays(plan: &BatchPlan) -> Vec<Array> {
    let mut groups: BTreeMap<(i64, Option<&str>), Vec<usize>> = BTreeMap::new();
    for shard in &plan.shards {
        let key = (shard.priority, shard.storage.as_deref());
        groups.entry(key).or_default().push(shard.shard);
    }
    let mut priorities: Vec<i64> = groups.keys().map(|(priority, _)| *priority).collect();
    priorities.dedup();
    priorities.reverse();
    let mut arrays: Vec<Array> = groups
        .into_iter()
        .map(|((priority, storage), shards)| {
            let rank = priorities.iter().position(|known| *known == priority).unwrap_or(0);
            let name = match storage {
                Some(storage) => format!("array-{rank}-{storage}"),
                None => format!("array-{rank}"),
            };
            let storage = storage.map(str::to_owned);
            Array { name, storage, nice: rank * NICE_STEP, shards }
        })
        .collect();
    arrays.sort_by_key(|array| array.nice);
    arrays
}

pub(super) fn scripts(plan: &BatchPlan, submission: &Submission<'_>) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut submit = String::from(
        "#!/bin/sh\n# Submits the arrays, the most urgent first, and the merge behind them.\n\
         set -eu\nids=\n",
    );
    for array in arrays(plan) {
        let file = format!("{}.sh", array.name);
        submit.push_str(&format!(
            "id=$(sbatch --parsable {})\nids=$ids:${{id%%;*}}\n",
            quoted(&script_of(submission.results, &file))
        ));
        out.push((file, array_script(&array, plan, submission)));
    }
    submit.push_str(&format!(
        "sbatch --parsable --dependency=\"afterany$ids\" {}\n",
        quoted(&script_of(submission.results, "merge.sh"))
    ));
    out.push(("merge.sh".to_owned(), merge_script(plan, submission)));
    out.push((SUBMIT.to_owned(), submit));
    out
}

fn head(name: &str, plan: &BatchPlan, submission: &Submission<'_>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let batch: String = plan.name.chars().map(plain).collect();
    let log = script_of(submission.results, &format!("{name}-%A_%a.log"));
    let mut head = format!(
        "#!/bin/sh\n#SBATCH --job-name=triage-{batch}-{name}\n\
         #SBATCH --output={}\n#SBATCH --open-mode=append\n",
        quoted(&log)
    );
    for option in submission.options {
        head.push_str(&format!("#SBATCH {}\n", option.replace(['\n', '\r'], " ")));
    }
    head
}

fn array_script(array: &Array, plan: &BatchPlan, submission: &Submission<'_>) -> String {
    let mut script = head(&array.name, plan, submission);
    let shards: Vec<String> = array.shards.iter().map(usize::to_string).collect();
    script.push_str(&format!(
        "#SBATCH --array={}\n#SBATCH --requeue\n#SBATCH --nice={}\n",
        shards.join(","),
        array.nice
    ));
    if let Some(storage) = array.storage.as_ref().filter(|_| submission.licences) {
        script.push_str(&format!("#SBATCH --licenses={storage}:1\n"));
    }
    let shard = quoted(&script_of(submission.results, SHARD));
    script.push_str(&format!("exec sh {shard} \"$SLURM_ARRAY_TASK_ID\"\n"));
    script
}

fn merge_script(plan: &BatchPlan, submission: &Submission<'_>) -> String {
    let head = head("merge", plan, submission).replace("-%A_%a.log", "-%j.log");
    // What merging says is an answer too; only a refusal is a failed job.
    format!(
        "{head}{}\ncode=$?\ncase $code in 0|1|3|4) exit 0 ;; esac\nexit $code\n",
        merge(submission)
    )
}
