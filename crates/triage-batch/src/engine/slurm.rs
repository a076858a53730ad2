//! Slurm: one array for each storage and priority, and a merge that waits for all of them.
//!
//! `sbatch(1)` of Slurm 22.05: `--array`, `--licenses`, `--requeue`, `--nice`, `--dependency`,
//! `--wait`. A node that dies gives its tasks back to the queue, and each goes on where its journal
//! ends. The merge depends on `afterany`, not on `afterok`: it must name what is missing. Either
//! everything is queued or nothing is: half a batch would never be merged.

use std::collections::BTreeMap;

use super::{SHARD, SUBMIT, merge, quoted, script_of};
use crate::{BatchPlan, Submission};

/// Of arrays that wait, one of the next lower priority is so much nicer.
const NICE_STEP: usize = 1000;
/// Tasks of one array. `MaxArraySize` of `slurm.conf(5)` is 1001 unless a site raises it, and the
/// highest number of a task is one below.
const LIMIT_TASKS: usize = 1000;

/// Shards that are submitted together.
struct Array {
    name: String,
    storage: Option<String>,
    nice: usize,
    /// What is added to the number of a task to give the number of its shard.
    base: usize,
    shards: Vec<usize>,
}

fn arrays(plan: &BatchPlan) -> Vec<Array> {
    let mut groups: BTreeMap<(i64, Option<&str>, usize), Vec<usize>> = BTreeMap::new();
    for shard in &plan.shards {
        let base = shard.shard / LIMIT_TASKS * LIMIT_TASKS;
        let key = (shard.priority, shard.storage.as_deref(), base);
        groups.entry(key).or_default().push(shard.shard);
    }
    let mut priorities: Vec<i64> = groups.keys().map(|(priority, ..)| *priority).collect();
    priorities.dedup();
    priorities.reverse();
    let mut arrays: Vec<Array> = groups
        .into_iter()
        .map(|((priority, storage, base), shards)| {
            let rank = priorities.iter().position(|known| *known == priority).unwrap_or(0);
            let from = if base == 0 { String::new() } else { format!("-from-{base}") };
            let name = match storage {
                Some(storage) => format!("array-{rank}-{storage}{from}"),
                None => format!("array-{rank}{from}"),
            };
            let storage = storage.map(str::to_owned);
            Array { name, storage, nice: rank * NICE_STEP, base, shards }
        })
        .collect();
    arrays.sort_by_key(|array| array.nice);
    arrays
}

/// Rising numbers as `--array` takes them: `0-3,7`. An option of 100,000 single numbers would be
/// longer than Slurm reads.
fn ranges(numbers: impl IntoIterator<Item = usize>) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let runs = runs.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    runs.collect::<Vec<_>>().join(",")
}

pub(super) fn scripts(plan: &BatchPlan, submission: &Submission<'_>) -> Vec<(String, String)> {
    let mut out = Vec::new();
    // An exit code of 1 would be an answer, hits; `sbatch` uses it for its refusals.
    let mut submit = String::from(
        "#!/bin/sh\n# Submits the arrays, the most urgent first, and the merge behind them.\n\
         set -u\nids=\n\
         refused() {\n  [ -z \"$ids\" ] || scancel $(echo \"$ids\" | tr : ' ')\n  exit 2\n}\n",
    );
    for array in arrays(plan) {
        let file = format!("{}.sh", array.name);
        submit.push_str(&format!(
            "id=$(sbatch --parsable {}) || refused\nids=$ids:${{id%%;*}}\n\
             echo \"job ${{id%%;*}}: {} ({} shards)\"\n",
            quoted(&script_of(submission.results, &file)),
            array.name,
            array.shards.len()
        ));
        out.push((file, array_script(&array, plan, submission)));
    }
    submit.push_str(&submit_merge(submission));
    out.push(("merge.sh".to_owned(), merge_script(plan, submission)));
    out.push((SUBMIT.to_owned(), submit));
    out
}

/// Queues the merge; with `waits`, stays until it has ended, and asks for the answer.
fn submit_merge(submission: &Submission<'_>) -> String {
    let script = quoted(&script_of(submission.results, "merge.sh"));
    if !submission.waits {
        return format!(
            "id=$(sbatch --parsable --dependency=\"afterany$ids\" {script}) || refused\n\
             echo \"job ${{id%%;*}}: merge, when all shards have ended\"\n"
        );
    }
    let Submission { program, plan, results, .. } = submission;
    // Waiting ends with the code of the job, which is 0 for every answer, and with 1 for a job that
    // was refused or killed.
    format!(
        "sbatch --wait --dependency=\"afterany$ids\" {script}\n\
         code=$?\n[ $code -ne 1 ] || refused\n[ $code -eq 0 ] || exit $code\n\
         {} batch status --plan {} --results {}\n",
        quoted(program),
        quoted(plan),
        quoted(results)
    )
}

fn head(name: &str, plan: &BatchPlan, submission: &Submission<'_>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let batch: String = plan.name.chars().map(plain).collect();
    // `%` begins a number of the job in the name of a log.
    let results = submission.results.replace('%', "%%");
    let log = script_of(&results, &format!("{name}-%A_%a.log"));
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
    script.push_str(&format!(
        "#SBATCH --array={}\n#SBATCH --requeue\n#SBATCH --nice={}\n",
        ranges(array.shards.iter().map(|shard| shard - array.base)),
        array.nice
    ));
    if let Some(threads) = submission.threads {
        script.push_str(&format!("#SBATCH --cpus-per-task={threads}\n"));
    }
    if let Some(storage) = array.storage.as_ref().filter(|_| submission.licences) {
        script.push_str(&format!("#SBATCH --licenses={storage}:1\n"));
    }
    let shard = quoted(&script_of(submission.results, SHARD));
    script.push_str(&format!("exec sh {shard} $((SLURM_ARRAY_TASK_ID + {}))\n", array.base));
    script
}

fn merge_script(plan: &BatchPlan, submission: &Submission<'_>) -> String {
    let head = head("merge", plan, submission).replace("-%A_%a.log", "-%j.log");
    // What merging says is an answer too; only a refusal is a failed job.
    format!(
        "{head}#SBATCH --requeue\n{}\ncode=$?\ncase $code in 0|1|3|4) exit 0 ;; esac\nexit $code\n",
        merge(submission)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Item, Job, PlannedExhibit, Size};

    fn plan(exhibits: usize) -> BatchPlan {
        let mut plan = BatchPlan {
            v: 1,
            document: BatchPlan::TYPE.to_owned(),
            name: "week 47".to_owned(),
            tool: String::new(),
            question: serde_json::Value::Null,
            scope_file: None,
            exhibits: Vec::new(),
            items: Vec::new(),
            shards: Vec::new(),
        };
        for number in 0..exhibits {
            let id = format!("{number:04}");
            plan.items.push(Item {
                id: id.clone(),
                exhibit: id.clone(),
                after: None,
                until: None,
                bytes: 1,
            });
            let job = Job { exhibit: id.clone(), ..Job::default() };
            plan.exhibits.push(PlannedExhibit { id, size: Size::default(), one_reader: None, job });
        }
        plan.share_out(None);
        plan
    }

    #[test]
    fn no_array_has_a_number_that_slurm_refuses() {
        let submission = Submission { program: "triage", plan: "p", ..Submission::default() };
        let scripts = scripts(&plan(2500), &submission);
        let array = |name: &str| {
            let (_, text) = scripts.iter().find(|(known, _)| known == name).expect("a script");
            let lines = text.lines().filter(|line| line.contains("array") || line.contains("exec"));
            lines.skip(2).map(str::to_owned).collect::<Vec<_>>()
        };
        let shard = "exec sh '/submit/shard.sh' $((SLURM_ARRAY_TASK_ID + ";
        assert_eq!(array("array-0.sh"), ["#SBATCH --array=0-999".into(), format!("{shard}0))")]);
        assert_eq!(
            array("array-0-from-2000.sh"),
            ["#SBATCH --array=0-499".into(), format!("{shard}2000))")]
        );
        assert_eq!(ranges([0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
    }
}
