//! The parts of an exhibit become the one manifest that one machine would have written.
//!
//! Lines are the same but for their number: parts are ranges in the order of the manifest, so the
//! lines of one behind the lines of the other are the lines of the whole.

use triage_case::{CaseDir, Coverage, Error as CaseError, Finished, Journal};
use triage_hash::Algorithms;

use crate::Error;

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
            let follows = journal.last().is_none_or(|last| *last < record.entry.location);
            if !follows {
                let reason = format!("{} does not follow", record.entry.location);
                return Err(CaseError::Damaged { document: "the next part".to_owned(), reason });
            }
            let line = journal.preparer().prepare(record);
            journal.append(&line)
        })?;
    }
    if sum != *journal.coverage() {
        let reason = "its sums are not those of its parts".to_owned();
        return Err(
            CaseError::Damaged { document: "the merged manifest".to_owned(), reason }.into()
        );
    }
    Ok(journal.finish(case, outcome)?)
}
