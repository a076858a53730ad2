//! The exit codes: one table, from which the reference page is made.

use triage_case::Coverage;
use triage_scan::Verdict;

/// Everything in scope was examined, and nothing alerts.
pub const COMPLETE: u8 = Verdict::Complete.code();
/// Everything in scope was examined, and something alerts.
pub const HIT: u8 = Verdict::Hit.code();
/// The request is wrong; nothing was scanned.
pub const USAGE: u8 = 2;
/// Not everything in scope was examined, and nothing alerts so far.
pub const INCOMPLETE: u8 = Verdict::Incomplete.code();
/// Not everything in scope was examined, and something alerts.
pub const INCOMPLETE_HIT: u8 = Verdict::IncompleteHit.code();
/// Something is not as it was sealed, recorded or listed.
pub const VERIFY_FAILED: u8 = 5;
/// The request would break a rule, such as writing to the evidence.
pub const REFUSED: u8 = 6;
/// The program does not work on this machine; nothing it says may be relied on.
pub const INTERNAL: u8 = 70;
/// The operator interrupted; a checkpoint was written.
pub const INTERRUPTED: u8 = 130;

/// Code, name and meaning of every exit.
pub const EXIT_CODES: &[(u8, &str, &str)] = &[
    (
        COMPLETE,
        "complete",
        "complete coverage of the requested scope, no hit; or the verb did what was asked",
    ),
    (
        HIT,
        "hit",
        "complete coverage, hit(s) found; `diff`: the manifests differ (3 or 4 if for some entries \
         it is not known); `sets lookup`, `correlate`: found; `match --changed-from`: changes; \
         `custody prove --absent`: it is there",
    ),
    (USAGE, "usage", "usage, scope or hash-set error: nothing was scanned"),
    (
        INCOMPLETE,
        "incomplete",
        "incomplete (unreadable, changed, encrypted, limits, budget, full case drive; digests of no \
         algorithm that a set holds; a set that cannot be opened), no hit: never \"clean\"",
    ),
    (INCOMPLETE_HIT, "incomplete-hit", "incomplete, hit(s) found"),
    (VERIFY_FAILED, "verify-failed", "verification failed (seal, chain, digest, audit)"),
    (
        REFUSED,
        "refused",
        "refused: output on the evidence, existing output, what scope or profile do not allow",
    ),
    (INTERNAL, "internal", "internal error or failed self-test: nothing may be relied on"),
    (INTERRUPTED, "interrupted", "interrupted; checkpoint written, go on with `scan --resume`"),
];

/// Returns the code of an examination.
pub(crate) fn of_coverage(coverage: &Coverage, doubts: bool) -> u8 {
    Verdict::of(coverage, doubts).code()
}

/// Returns the code of a question: whether all of it was answered, and whether something was found.
pub(crate) const fn of_answer(is_complete: bool, is_found: bool) -> u8 {
    Verdict::of_answer(is_complete, is_found).code()
}

/// Maps hit codes to those without, for scripts that stop at any code but 0.
pub(crate) const fn without_hits(code: u8) -> u8 {
    match code {
        HIT => COMPLETE,
        INCOMPLETE_HIT => INCOMPLETE,
        code => code,
    }
}

/// Returns the name of a code.
pub(crate) fn name(code: u8) -> &'static str {
    EXIT_CODES.iter().find(|(known, _, _)| *known == code).map_or("unknown", |(_, name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_documents_name_a_verdict_as_the_table_does() {
        let all = [Verdict::Complete, Verdict::Hit, Verdict::Incomplete, Verdict::IncompleteHit];
        for verdict in all {
            assert_eq!(verdict.name(), name(verdict.code()));
        }
    }
}
