//! What the record says that a certificate needs, and a blank where it says nothing.

use std::fs::File;
use std::io::{self, Read};

use serde_json::Value;
use triage_case::CaseDir;
use triage_evidence::count;

use crate::Report;
use crate::document::{Block, Document};
use crate::summary::text;

/// The longest log that is read: an event has about 500 bytes.
const LIMIT_LOG_BYTES: u64 = 64 << 20;

/// The record, as certificates ask it.
pub(super) struct Facts<'a> {
    pub(super) report: &'a Report,
    events: Vec<Value>,
}

/// Returns a blank that says what belongs there.
pub(super) fn blank(what: &str) -> String {
    format!("[____ to be filled in: {what}]")
}

impl<'a> Facts<'a> {
    pub(super) fn of(report: &'a Report, case: &CaseDir) -> io::Result<Self> {
        let path = case.path("custody.ndjson");
        let mut bytes = String::new();
        if path.is_file() {
            File::open(path)?.take(LIMIT_LOG_BYTES).read_to_string(&mut bytes)?;
        }
        let events = bytes.lines().map(serde_json::from_str).collect::<Result<_, _>>();
        Ok(Self { report, events: events.map_err(io::Error::other)? })
    }

    /// Says loudly what this is.
    pub(super) fn draft_line(&self, document: &mut Document) {
        document.blocks.push(Block::Flag(
            "DRAFT. This was filled in by a program from its own record. It is worth nothing until a \
             qualified person has checked every statement against that record, filled in every \
             blank, struck out what does not hold, and signed."
                .to_owned(),
        ));
    }

    /// A typed-in particular, or a blank.
    pub(super) fn particular(&self, key: &str, what: &str) -> String {
        or_blank(text(&self.report.particulars[key]), what)
    }

    /// A typed-in particular of the device, or a blank.
    pub(super) fn device(&self, key: &str, what: &str) -> String {
        or_blank(text(&self.report.particulars["device"][key]), what)
    }

    /// A measured fact of the run, or a blank.
    pub(super) fn run(&self, pointer: &str, what: &str) -> String {
        or_blank(self.report.run.pointer(pointer).map(text).unwrap_or_default(), what)
    }

    /// The latest event of custody with that action.
    pub(super) fn event(&self, action: &str) -> Option<&Value> {
        self.events.iter().rev().find(|event| event["action"] == action)
    }

    /// A field of an event, or a blank.
    pub(super) fn of_event(&self, action: &str, pointer: &str, what: &str) -> String {
        let value = self.event(action).and_then(|event| event.pointer(pointer));
        or_blank(value.map(text).unwrap_or_default(), what)
    }

    /// The comparison of original and copy that a person recorded: both values, if equal.
    pub(super) fn compared(&self) -> Option<(&Value, String, String)> {
        let examiner = text(&self.report.particulars["examiner"]);
        let event = self.events.iter().rev().find(|event| {
            event["action"] == "verified"
                && event["compared"]["result"] == "equal"
                && text(&event["by"]["name"]) == examiner
        })?;
        let side = |key: &str| text(&event["compared"][key]);
        Some((event, side("left"), side("right")))
    }

    /// The sentence about how many entries were read and how many were not.
    pub(super) fn counts(&self) -> String {
        let coverage = &self.report.coverage;
        format!(
            "{} entries were met. {} of them were read in full. {} were not examined in full; each \
             is named with its reason in data/report/not-read.csv and in the manifest.",
            count(coverage.seen().entries),
            count(coverage.share(triage_case::Status::Read).entries),
            count(coverage.gaps())
        )
    }

    /// Seal, signer and manifest; then what stands beside the seals, time-stamps among it.
    pub(super) fn seal(&self) -> Vec<(&'static str, String)> {
        let seal = self.report.sealed.as_ref();
        let of = |value: Option<String>, what: &str| or_blank(value.unwrap_or_default(), what);
        let mut rows = vec![
            ("Seal", of(seal.map(|seal| seal.path.clone()), "the seal's number")),
            ("SHA-256 of the seal", of(seal.map(|seal| seal.sha256.clone()), "its digest")),
            ("Made", of(seal.map(|seal| seal.time.clone()), "when it was made")),
            (
                "Signed by",
                match seal {
                    Some(seal) => {
                        seal.signer.clone().unwrap_or_else(|| "nobody: NOT SIGNED".to_owned())
                    }
                    None => blank("the signer"),
                },
            ),
            (
                "SHA-256 of the manifest",
                of(seal.map(|seal| seal.manifest_sha256.clone()), "its digest"),
            ),
        ];
        rows.extend(seal.into_iter().flat_map(|seal| seal.beside.iter().cloned()));
        rows
    }

    /// What was not read, by reason; a sentence if nothing.
    pub(super) fn exceptions(&self) -> Vec<String> {
        let mut exceptions: Vec<String> = self
            .report
            .reasons
            .iter()
            .map(|((status, reason), (entries, _))| {
                let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
                format!("{} entries: {}{reason}", count(*entries), status.words())
            })
            .collect();
        exceptions.extend(self.report.doubts().map(|doubt| format!("a doubt: {doubt}")));
        let excluded = self.report.coverage.share(triage_case::Status::Excluded).entries;
        if excluded > 0 {
            exceptions.push(format!("{} entries: outside the scope, not opened", count(excluded)));
        }
        let carried = self.report.coverage.share(triage_case::Status::Carried).entries;
        if carried > 0 {
            exceptions.push(format!(
                "{} entries: not read now, digests carried from an earlier examination",
                count(carried)
            ));
        }
        let by_size = self.report.coverage.share(triage_case::Status::SizeNotListed).entries;
        if by_size > 0 {
            exceptions
                .push(format!("{} entries: no set lists a file of that size", count(by_size)));
        }
        if exceptions.is_empty() {
            exceptions.push("none: everything in the requested scope was read".to_owned());
        }
        exceptions
    }

    /// The program, its digest and its self-test, in one sentence.
    pub(super) fn program(&self) -> String {
        format!(
            "{} (program file SHA-256 {}; its self-test at the start: {})",
            self.report.program(),
            self.run("/tool/binary_sha256", "its digest"),
            self.run("/self_test/result", "its result"),
        )
    }
}

fn or_blank(text: String, what: &str) -> String {
    if text.trim().is_empty() { blank(what) } else { text }
}
