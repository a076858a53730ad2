//! The results: `items/` packages, `failed/` reasons, `logs/` words, `merged/` wholes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use triage_batch::{BatchPlan, ExhibitState, Item, ItemState, Totals, state_of};

use crate::failure::Failure;
use crate::{exit, shown, write};

/// The folder of the results of one plan.
#[derive(Debug)]
pub(super) struct Results(PathBuf);

impl Results {
    /// Opens the folder, or makes it; one that holds the results of another plan is refused.
    pub(super) fn open(path: &Path, plan: &BatchPlan) -> Result<Self, Failure> {
        let path = super::absolute(path)?;
        let failed = |error: std::io::Error| {
            Failure::new(exit::INCOMPLETE, "cannot use the folder of the results")
                .at(shown::path(&path))
                .caused_by(&error)
        };
        for folder in ["", "items", "failed", "logs"] {
            write::folder(&path.join(folder)).map_err(failed)?;
        }
        let bytes = plan.to_bytes()?;
        let stored = path.join("plan.json");
        if !stored.exists() {
            write::whole_file(&stored, &bytes).map_err(failed)?;
        }
        if std::fs::read(&stored).map_err(failed)? != bytes {
            return Err(Failure::new(exit::REFUSED, "these are the results of another plan")
                .at(shown::path(&path))
                .hint("give a folder of its own to each plan"));
        }
        Ok(Self(path))
    }

    /// Refuses a folder that holds no results at all: its name was mistyped.
    pub(super) fn expect(path: &Path) -> Result<(), Failure> {
        if path.join("items").is_dir() {
            return Ok(());
        }
        Err(Failure::usage("there are no results of a batch")
            .at(shown::path(path))
            .hint("name the folder that `batch run` was given"))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Returns where the words of a scan are kept.
    pub(super) fn log(&self, item: &Item, kind: &str) -> PathBuf {
        self.0.join("logs").join(format!("{}.{kind}", item.id))
    }

    /// Notes why an item could not be examined at all.
    pub(super) fn put_failure(&self, item: &Item, code: u8, reason: &str) -> Result<(), Failure> {
        let path = self.0.join("failed").join(format!("{}.json", item.id));
        let document = json!({ "v": 1, "item": item.id, "exit": code, "reason": reason });
        write::whole_file(&path, format!("{document:#}\n").as_bytes()).map_err(|error| {
            Failure::new(exit::INCOMPLETE, "cannot note a failure")
                .at(shown::path(&path))
                .caused_by(&error)
        })
    }

    /// Tells the state of an item.
    pub(super) fn state(&self, plan: &BatchPlan, item: &Item) -> Result<ItemState, Failure> {
        Ok(state_of(plan, item, &self.0)?)
    }
}

/// The states of everything in a plan.
pub(super) struct Overview {
    pub(super) items: BTreeMap<String, ItemState>,
    pub(super) exhibits: Vec<ExhibitState>,
    pub(super) totals: Totals,
}

impl Overview {
    /// Takes the states of all items together.
    pub(super) fn of(plan: &BatchPlan, items: BTreeMap<String, ItemState>) -> Self {
        let mut by_exhibit: BTreeMap<&str, Vec<ItemState>> = BTreeMap::new();
        for item in &plan.items {
            if let Some(state) = items.get(&item.id) {
                by_exhibit.entry(&item.exhibit).or_default().push(state.clone());
            }
        }
        let exhibits: Vec<ExhibitState> = plan
            .exhibits
            .iter()
            .map(|exhibit| {
                let states = by_exhibit.get(exhibit.id.as_str()).map_or(&[][..], Vec::as_slice);
                ExhibitState::of(plan, &exhibit.id, states)
            })
            .collect();
        let runs = items.values().filter_map(|item| item.run.as_ref());
        let totals = Totals::of(&exhibits, runs);
        Self { items, exhibits, totals }
    }

    /// Returns the exhibits as JSON lines.
    pub(super) fn lines(&self) -> Vec<Value> {
        let line = |exhibit: &ExhibitState| {
            let mut line = json!(exhibit);
            line["v"] = json!(1);
            line["type"] = json!("exhibit_state");
            line["exit"] = json!(exhibit.code);
            line
        };
        self.exhibits.iter().map(line).collect()
    }

    /// Returns the sums as JSON.
    pub(super) fn summary(&self, code: u8) -> Value {
        let classes: serde_json::Map<String, Value> = self
            .totals
            .classes
            .iter()
            .map(|(class, (entries, bytes))| {
                let share =
                    json!({ "entries": shown::exact(*entries), "bytes": shown::exact(*bytes) });
                (class.clone(), share)
            })
            .collect();
        json!({
            "v": 1, "type": "summary", "exit": code, "exit_name": exit::name(code),
            "exhibits": self.exhibits.len(), "states": self.totals.states,
            "hits": self.totals.hits, "gaps": self.totals.gaps,
            "complete": self.totals.is_complete, "classes": classes,
        })
    }

    /// Returns a table for people: the exhibits, then the sums.
    pub(super) fn table(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{:>22}  {:>9}  {:>12}  {:>10}  {:>8}  exhibit",
            "state", "items", "entries", "unread", "hits"
        )];
        for exhibit in &self.exhibits {
            let (done, all) = exhibit.items_done;
            let reason = exhibit
                .reason
                .as_ref()
                .map(|reason| format!("  because: {}", triage_evidence::escape(reason.as_bytes())));
            lines.push(format!(
                "{:>22}  {:>9}  {:>12}  {:>10}  {:>8}  {}{}",
                exhibit.state,
                format!("{done}/{all}"),
                crate::measure::count(exhibit.entries),
                crate::measure::count(exhibit.gaps),
                crate::measure::count(exhibit.hits),
                triage_evidence::escape(exhibit.exhibit.as_bytes()),
                reason.unwrap_or_default()
            ));
        }
        let states = self.totals.states.iter().map(|(state, count)| format!("{count} {state}"));
        lines.push(format!(
            "{} exhibits: {}",
            self.exhibits.len(),
            states.collect::<Vec<_>>().join(", ")
        ));
        lines
    }

    /// Says the answer for the whole batch, the last line.
    pub(super) fn verdict(&self, code: u8) -> String {
        let hits = crate::measure::count(self.totals.hits);
        if self.totals.is_complete {
            format!("complete: {hits} hits in {} exhibits (exit {code})", self.exhibits.len())
        } else {
            let open = self.exhibits.iter().filter(|e| !matches!(e.code, Some(0 | 1))).count();
            format!(
                "INCOMPLETE: {hits} hits so far; {open} of {} exhibits are not examined in full \
                 (exit {code})",
                self.exhibits.len()
            )
        }
    }
}
