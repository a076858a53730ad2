//! End-to-end tests of the shipped binary: `TRIAGE_BIN` if it is set, so that a laboratory can run
//! them on the very file that it received, else the one built here.
#![expect(clippy::disallowed_methods, reason = "tests build evidence and damage packages")]
#![expect(clippy::unwrap_used, reason = "a scene that cannot be built fails its test")]

mod batch;
mod batch_slurm;
mod certificates;
mod correlate;
mod court;
mod court_guide;
mod custody;
mod deterministic;
mod devices;
mod disks;
mod doctor;
mod encrypted_sets;
mod harness;
mod hash;
mod hostile;
mod json;
mod lab;
mod manifests;
mod plan;
mod probe;
mod proofs;
mod rematch;
mod reports;
mod resume;
mod scan;
mod scope;
mod seals;
mod sets;
mod since;
mod tamper;
mod tamper_certified;
mod verify;
mod visits_guide;
