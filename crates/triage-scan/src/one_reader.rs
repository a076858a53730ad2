//! Storage with a moving head: one reader, which takes the contents of a group in the order in
//! which they lie on the medium. The manifest keeps its own order.

use std::panic::{AssertUnwindSafe, catch_unwind};

use triage_evidence::Stream;

use crate::Ledger;
use crate::examine::{Cut, Examiner, Found, Task, internal, shared_id};

/// A content that was opened, and where it begins.
struct Opened {
    begins_at: Option<u64>,
    place: usize,
    stream: Box<dyn Stream>,
}

impl<G: Ledger> Examiner<G> {
    /// Finds the entries of a group, whose contents are opened first and then read as they lie.
    ///
    /// A batch holds at most 256 entries, so that this many files are open at once.
    pub(crate) fn find_by_place(
        &mut self,
        task: &Task,
        start: usize,
        end: usize,
    ) -> Result<Vec<Found>, Cut> {
        let mut found = (start..end)
            .map(|place| self.without_reading(task, place))
            .collect::<Result<Vec<_>, _>>()?;
        // A content with several names waits for whoever reads it: not while the gate is held.
        let alone: Vec<usize> = (start..end)
            .filter(|&place| found[place - start].is_none())
            .filter(|&place| shared_id(&task.batch.met[place]).is_none())
            .collect();
        if !alone.is_empty() {
            self.enter()?;
            let read = self.read_by_place(task, start, &alone, &mut found);
            self.leave();
            read?;
        }
        let places = start..end;
        found
            .into_iter()
            .zip(places)
            .map(|(one, place)| match one {
                Some(one) => Ok(one),
                None => self.find(task, place),
            })
            .collect()
    }

    /// Opens and reads the contents at these places of the batch.
    fn read_by_place(
        &mut self,
        task: &Task,
        start: usize,
        places: &[usize],
        found: &mut [Option<Found>],
    ) -> Result<(), Cut> {
        let batch = &task.batch;
        let mut opened = Vec::with_capacity(places.len());
        for &place in places {
            self.slot.reading(task.at(place), self.shared.clock.elapsed())?;
            let open = || {
                let stream = batch.directory.open_stream(&batch.met[place].entry)?;
                Ok(Opened { begins_at: stream.begins_at(), place, stream })
            };
            match catch_unwind(AssertUnwindSafe(open)) {
                Ok(Ok(content)) => opened.push(content),
                Ok(Err(problem)) => found[place - start] = Some(Found::failed(problem)),
                Err(_panic) => found[place - start] = Some(Found::failed(internal())),
            }
        }
        opened.sort_unstable_by_key(|content| (content.begins_at, content.place));
        for Opened { place, stream, .. } in opened {
            // The run may have been told to end meanwhile.
            if let Some(without) = self.without_reading(task, place)? {
                found[place - start] = Some(without);
                continue;
            }
            self.slot.reading(task.at(place), self.shared.clock.elapsed())?;
            let read = || self.read_opened(task, place, stream, true);
            let read = catch_unwind(AssertUnwindSafe(read));
            found[place - start] = Some(read.unwrap_or_else(|_| Ok(Found::failed(internal())))?);
        }
        Ok(())
    }
}
