//! `batch status`: where every exhibit stands, told from the folders alone.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use triage_batch::{BatchPlan, State};

use super::results::{Overview, Results};
use crate::console::{Console, prose_is_seen};
use crate::failure::Failure;

/// How often the folders are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How many bars a terminal shows.
const LIMIT_BARS: usize = 40;

/// Say where every exhibit of a batch stands
///
/// Exits as a scan of all exhibits would: 0 or 1 only when every one is examined in full.
#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    /// The plan
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// The folder of the results
    #[arg(long, value_name = "DIR")]
    results: PathBuf,
    /// Look again until nothing is waiting or running, with a bar for each shard
    #[arg(long)]
    watch: bool,
}

/// Tells the states of all items.
fn look(plan: &BatchPlan, results: &Results) -> Result<Overview, Failure> {
    let states = plan.items.iter().map(|item| Ok((item.id.clone(), results.state(plan, item)?)));
    Ok(Overview::of(plan, states.collect::<Result<_, Failure>>()?))
}

/// Runs the verb.
pub(crate) fn run(args: &StatusArgs, console: Console) -> Result<u8, Failure> {
    let plan = super::read_plan(&args.plan)?;
    if !args.results.exists() {
        console.say("nobody has begun: there is no such folder of results yet");
    }
    let results = Results::open(&args.results, &plan)?;
    let mut overview = look(&plan, &results)?;
    if args.watch {
        let bars = bars(&plan, console);
        while moves(&overview) {
            draw(&plan, &overview, &bars);
            std::thread::sleep(LOOK_EVERY);
            overview = look(&plan, &results)?;
        }
        draw(&plan, &overview, &bars);
        bars.iter().for_each(ProgressBar::abandon);
    }
    let code = overview.totals.code();
    overview.table().iter().for_each(|line| console.line(line));
    console.line(&overview.verdict(code));
    overview.lines().iter().for_each(|line| console.record(line));
    console.record(&overview.summary(code));
    Ok(code)
}

/// Says whether something may still change by itself.
fn moves(overview: &Overview) -> bool {
    let open = |state| matches!(state, State::Waiting | State::Running);
    overview.items.values().any(|item| open(item.state))
}

fn bars(plan: &BatchPlan, console: Console) -> Vec<ProgressBar> {
    let seen = !console.quiet && prose_is_seen();
    let target = if seen { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let all = MultiProgress::with_draw_target(target);
    let style = ProgressStyle::with_template("shard {prefix:>5} {wide_bar} {bytes}/{total_bytes}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let shown = plan.shards.iter().take(LIMIT_BARS);
    shown
        .map(|shard| {
            let bar = all.add(ProgressBar::new(shard.bytes.max(1)));
            bar.set_style(style.clone());
            bar.set_prefix(shard.shard.to_string());
            bar
        })
        .collect()
}

/// A bar grows with every item that is a sealed package.
fn draw(plan: &BatchPlan, overview: &Overview, bars: &[ProgressBar]) {
    for (shard, bar) in plan.shards.iter().zip(bars) {
        let done = shard.items.iter().filter(|id| {
            overview.items.get(*id).is_some_and(|item| matches!(item.state, State::Done(_)))
        });
        let bytes = done.filter_map(|id| plan.item(id)).map(|item| item.bytes).sum();
        bar.set_position(bytes);
    }
}
