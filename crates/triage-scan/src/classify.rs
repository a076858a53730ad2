//! Which class an entry falls in: what the walk and the reader say of it.

use triage_case::{Record, Status};
use triage_evidence::{Problem, ProblemKind};
use triage_hash::Digests;
use triage_walk::{Met, Verdict};

use crate::content::{Content, status_of};

/// Makes the record of an entry. A content that should have been read and was not has not been
/// reached.
pub(crate) fn classify(
    met: Met,
    content: Option<Content>,
    halted: impl FnOnce() -> Problem,
) -> Record {
    let mut record = Record::unread(met.seq, met.entry, Status::NotRegular);
    let mut gap = |status, problem| {
        record.status = status;
        record.problem = Some(problem);
    };
    match (&met.verdict, content) {
        (Verdict::Content, Some(content)) => {
            record.status = content.status;
            record.problem = content.problem;
            record.bytes_read = content.bytes_read;
            record.digests = content.digests;
            record.carried_from = content.carried_from;
        }
        (Verdict::Content, None) | (Verdict::NotReached, _) => gap(Status::NotReached, halted()),
        (Verdict::NotRegular, _) => {}
        (Verdict::Excluded { rule }, _) => {
            record.status = Status::Excluded;
            record.rule = Some(rule.clone());
        }
        (Verdict::TooLarge { limit_bytes }, _) => {
            let text = format!("larger than the limit of {limit_bytes} bytes");
            gap(Status::TooLarge, Problem::new(ProblemKind::LimitReached, text));
        }
        (Verdict::Lost(problem), _) => {
            record.status = Status::Lost;
            record.problem.clone_from(problem);
        }
        (Verdict::Unallocated, _) => record.status = Status::Unallocated,
        (Verdict::Unreadable(problem), _) => gap(status_of(problem.kind), problem.clone()),
        (Verdict::Partial(problem), _) => gap(Status::Partial, problem.clone()),
    }
    settle_deleted(&mut record);
    record
}

/// What of a deleted entry contradicts the format has been written over: it is lost, and no gap in
/// what exists. A read error or a limit stays one.
fn settle_deleted(record: &mut Record) {
    let contradicts =
        record.problem.as_ref().is_some_and(|problem| problem.kind == ProblemKind::Damaged);
    let unread = matches!(record.status, Status::Unreadable | Status::Partial);
    if record.entry.recovery.is_some() && contradicts && unread {
        record.status = Status::Lost;
        record.bytes_read = 0;
        record.digests = Digests::new();
    }
}
