//! The content of a file as runs of a volume: what every file system on a byte source ends in.

use std::sync::Arc;

use triage_evidence::{ByteSource, Chunk, Problem, ProblemKind, Run, Stream};

/// Content that lies in runs, in logical order.
pub(crate) struct RunStream {
    source: Arc<dyn ByteSource>,
    runs: Vec<Run>,
    /// The run that holds `position`, and how far into it.
    run: usize,
    within: u64,
    position: u64,
    size_bytes: u64,
    valid_bytes: u64,
}

impl RunStream {
    /// Takes the runs of a content of `size_bytes`, of which only the first `valid_bytes` were
    /// ever written: what follows reads as zeros, whatever the disk holds there.
    pub(crate) fn new(
        source: Arc<dyn ByteSource>,
        runs: Vec<Run>,
        size_bytes: u64,
        valid_bytes: u64,
    ) -> Self {
        Self { source, runs, run: 0, within: 0, position: 0, size_bytes, valid_bytes }
    }

    /// Returns the rest of the run at the position: where it lies and how long it is.
    fn rest_of_run(&mut self) -> Option<(Option<u64>, u64)> {
        while let Some(run) = self.runs.get(self.run) {
            let rest = run.size_bytes.saturating_sub(self.within);
            if rest > 0 {
                return Some((run.start.map(|start| start.saturating_add(self.within)), rest));
            }
            self.run += 1;
            self.within = 0;
        }
        None
    }

    fn advance(&mut self, bytes: u64) {
        self.position = self.position.saturating_add(bytes);
        let mut left = bytes;
        while let Some((_, rest)) = self.rest_of_run() {
            let step = rest.min(left);
            self.within += step;
            left -= step;
            if left == 0 {
                return;
            }
        }
    }

    /// Reads the part of the buffer that lies before a bad place, or tells of that place.
    fn read_from(&self, start: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        let mut length = buffer.len();
        // Each turn is shorter than the one before: at most one more per bad range.
        loop {
            let problem = match self.source.read_at(start, &mut buffer[..length]) {
                Ok(0) => {
                    let text = "the content leads behind the end of the volume";
                    let lost = self.size_bytes - self.position;
                    return Err(Problem::new(ProblemKind::Damaged, text)
                        .at(self.position)
                        .losing(lost));
                }
                Ok(read) => return Ok(read),
                Err(problem) => problem,
            };
            let bad = problem.offset.unwrap_or(start).saturating_sub(start);
            match usize::try_from(bad) {
                Ok(before) if before > 0 && before < length => length = before,
                _ => {
                    let end = problem
                        .offset
                        .unwrap_or(start)
                        .saturating_add(problem.lost_bytes.unwrap_or(length as u64));
                    let lost = end.saturating_sub(start).clamp(1, length as u64);
                    return Err(Problem { offset: Some(self.position), ..problem }.losing(lost));
                }
            }
        }
    }
}

impl Stream for RunStream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<Chunk, Problem> {
        if self.position >= self.size_bytes {
            return Ok(Chunk::End);
        }
        let left = self.size_bytes - self.position;
        if self.position >= self.valid_bytes {
            self.position = self.size_bytes;
            return Ok(Chunk::Hole(left));
        }
        let left = left.min(self.valid_bytes - self.position);
        let Some((start, rest)) = self.rest_of_run() else {
            let text = "the content is longer than the runs that hold it";
            let lost = self.size_bytes - self.position;
            return Err(Problem::new(ProblemKind::Damaged, text).at(self.position).losing(lost));
        };
        let length = rest.min(left);
        let Some(start) = start else {
            self.advance(length);
            return Ok(Chunk::Hole(length));
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.read_from(start, &mut buffer[..length])?;
        self.advance(read as u64);
        Ok(Chunk::Data(read))
    }

    fn skip(&mut self, bytes: u64) {
        self.advance(bytes);
    }

    fn check_unchanged(&mut self) -> Result<(), Problem> {
        Ok(())
    }

    fn begins_at(&self) -> Option<u64> {
        self.runs.iter().find_map(|run| run.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bad;

    impl ByteSource for Bad {
        fn size_bytes(&self) -> u64 {
            4096
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
            let end = offset + buffer.len() as u64;
            if offset < 1536 && end > 1024 {
                return Err(Problem::new(ProblemKind::Unreadable, "bad sector")
                    .at(offset.max(1024))
                    .losing(1536 - offset.max(1024)));
            }
            buffer.fill(7);
            Ok(buffer.len())
        }
    }

    fn drain(mut stream: RunStream) -> (Vec<u8>, Vec<Problem>) {
        let (mut content, mut problems) = (Vec::new(), Vec::new());
        let mut buffer = [0; 100];
        loop {
            match stream.read(&mut buffer) {
                Ok(Chunk::Data(read)) => content.extend_from_slice(&buffer[..read]),
                Ok(Chunk::Hole(bytes)) => content.resize(content.len() + bytes as usize, 0),
                Ok(Chunk::End) => return (content, problems),
                Err(problem) => {
                    stream.skip(problem.lost_bytes.unwrap());
                    problems.push(problem);
                }
            }
        }
    }

    #[test]
    fn runs_holes_and_the_valid_length_are_read_in_order() {
        let disk: Vec<u8> = (0..=255).collect();
        let runs = vec![
            Run { start: Some(10), size_bytes: 3 },
            Run { start: None, size_bytes: 2 },
            Run { start: Some(100), size_bytes: 10 },
        ];
        let stream = RunStream::new(Arc::new(disk), runs, 12, 8);
        assert_eq!(drain(stream), (vec![10, 11, 12, 0, 0, 100, 101, 102, 0, 0, 0, 0], vec![]));
    }

    #[test]
    fn what_lies_around_a_bad_sector_is_read() {
        let runs = vec![Run { start: Some(512), size_bytes: 2048 }];
        let (content, problems) = drain(RunStream::new(Arc::new(Bad), runs, 2048, 2048));
        assert_eq!(content.len(), 2048 - 512);
        assert_eq!(problems[0].offset, Some(512));
        assert_eq!(problems.iter().map(|p| p.lost_bytes.unwrap()).sum::<u64>(), 512);
    }

    #[test]
    fn missing_runs_and_the_end_of_the_volume_are_problems() {
        let disk: Arc<dyn ByteSource> = Arc::new(vec![1; 50]);
        for run in [Run { start: Some(0), size_bytes: 5 }, Run { start: Some(45), size_bytes: 9 }] {
            let stream = RunStream::new(Arc::clone(&disk), vec![run], 20, 20);
            let (content, problems) = drain(stream);
            assert_eq!(content.len(), 5);
            assert_eq!((problems[0].offset, problems[0].lost_bytes), (Some(5), Some(15)));
        }
    }
}
