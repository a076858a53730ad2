//! The parts of an exhibit become the one manifest that one machine would have written.
//!
//! Lines are the same but for their number: parts are ranges in the order of the manifest, so the
//! lines of one behind the lines of the other are the lines of the whole.

use triage_case::{CaseDir, Coverage, Error as CaseError, Finished, Journal, Record};
use triage_hash::Algorithms;

use crate::Error;

/// How many lines are prepared at once: enough that their digests share vector lanes.
const PREPARED_TOGETHER: usize = 256;

/// The packages of the parts, in order.
pub struct Parts<'a> {
    /// The number of the exhibit, which stands in every line.
    pub exhibit: &'a str,
    /// The digests that were computed.
    pub algorithms: Algorithms,
    /// The packages.
    pub packages: &'a [CaseDir],
}

/// Writes the manifest of the whole into a new case. `outcome` states how the parts ended.
///
/// # Errors
/// [`Error::Case`] if a part cannot be read, if a line of one does not follow the last line of the
/// one before, or if the case cannot be written.
pub fn merge_into(
    parts: &Parts<'_>,
    case: &CaseDir,
    salt_seed: [u8; 32],
    outcome: &[u8],
) -> Result<Finished, Error> {
    let mut journal = Journal::resume(case, parts.exhibit, parts.algorithms, salt_seed)?;
    let begun = journal.next_seq();
    let mut waiting = Vec::with_capacity(PREPARED_TOGETHER);
    let mut seq = 0;
    let mut sum = Coverage::default();
    for package in parts.packages {
        package.for_each_record(&mut |mut record| {
            sum.add(&record);
            record.seq = seq;
            seq += 1;
            if record.seq < begun {
                return Ok(());
            }
            let last =
                waiting.last().map(|record: &Record| &record.entry.location).or(journal.last());
            if last.is_some_and(|last| *last >= record.entry.location) {
                let reason = format!("{} does not follow", record.entry.location);
                return Err(CaseError::Damaged { document: "the next part".to_owned(), reason });
            }
            waiting.push(record);
            if waiting.len() < PREPARED_TOGETHER {
                Ok(())
            } else {
                keep(&mut journal, &mut waiting)
            }
        })?;
    }
    keep(&mut journal, &mut waiting)?;
    if sum != *journal.coverage() {
        let reason = "its sums are not those of its parts".to_owned();
        return Err(
            CaseError::Damaged { document: "the merged manifest".to_owned(), reason }.into()
        );
    }
    Ok(journal.finish(case, outcome)?)
}

/// Puts the records into the journal.
fn keep(journal: &mut Journal, waiting: &mut Vec<Record>) -> Result<(), CaseError> {
    let lines = journal.preparer().prepare(std::mem::take(waiting));
    lines.iter().try_for_each(|line| journal.append(line))
}
