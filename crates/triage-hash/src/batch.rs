//! Digests of many whole buffers at once: the path of small files.
//!
//! Up to sixteen buffers advance side by side in vector lanes; a lane is refilled as soon as its
//! buffer ends. Algorithms that have no lanes (SHA-512, SHA3-256, BLAKE3) go buffer by buffer, and
//! on a machine without a kernel everything does. The digests are always those of [`hash_bytes`].

use std::cmp::Reverse;

use crate::chains::{CHAINED, Chains, Tail};
use crate::constants::Block;
use crate::hasher::Hasher;
use crate::lanes::{Columns, Engine, LANES, Rows};
use crate::{Algorithms, Digests, hash_bytes};

/// Blocks that lanes take in one go, so that algorithms without lanes find them in the cache.
const STEP_BLOCKS: usize = 64;

/// Says whether this machine computes one of these digests faster of many contents side by side.
#[must_use]
pub fn has_lanes(algorithms: Algorithms) -> bool {
    let engine = Engine::detect();
    engine.is_some_and(|engine| !engine.in_lanes(algorithms, LANES).is_empty())
}

/// Returns the digests of every buffer, in the order of `buffers`.
///
/// The results are those of [`hash_bytes`] for each. Measured for MD5, SHA-1 and SHA-256: with
/// AVX-512 two buffers are a fifth faster than one after the other, sixteen four times as fast;
/// with AVX2, where only MD5 has lanes, three are a seventh faster and sixteen twice as fast.
#[must_use]
pub fn hash_batch(algorithms: Algorithms, buffers: &[&[u8]]) -> Vec<Digests> {
    match Engine::detect() {
        Some(engine) if buffers.len() > 1 => hash_batch_with(engine, algorithms, buffers),
        _ => buffers.iter().map(|bytes| hash_bytes(algorithms, bytes)).collect(),
    }
}

/// Like [`hash_batch`], with the engine named.
pub(crate) fn hash_batch_with(
    engine: Engine,
    algorithms: Algorithms,
    buffers: &[&[u8]],
) -> Vec<Digests> {
    let alone = algorithms.without(CHAINED);
    let mut digests: Vec<Digests> = if alone.is_empty() {
        vec![Digests::new(); buffers.len()]
    } else {
        buffers.iter().map(|bytes| hash_bytes(alone, bytes)).collect()
    };
    let chained = algorithms.intersection(CHAINED);
    if !chained.is_empty() {
        Batch::new(engine, chained, buffers).run(&mut digests);
    }
    digests
}

/// What is left of a buffer in a lane.
#[derive(Clone, Debug)]
struct Lane<'a> {
    /// The place of the buffer in the batch.
    index: usize,
    /// Whole blocks not yet taken.
    body: &'a [Block],
    tail: Tail,
    /// Blocks of the tail already taken.
    tail_taken: usize,
}

impl<'a> Lane<'a> {
    fn new(index: usize, bytes: &'a [u8]) -> Self {
        let (body, rest) = bytes.as_chunks();
        Self { index, body, tail: Tail::new(rest, bytes.len() as u64), tail_taken: 0 }
    }

    /// Returns what the lane takes next, and whether this ends the stream.
    fn next(&self) -> (&[Block], bool) {
        if !self.body.is_empty() {
            return (self.body, false);
        }
        // One block of the tail at a time: the last one is told apart from the one before.
        let left = &self.tail.blocks()[self.tail_taken..];
        (&left[..left.len().min(1)], left.len() == 1)
    }

    /// Moves on by so many blocks of what `next` gave; says whether the buffer has ended.
    fn take(&mut self, blocks: usize) -> bool {
        if self.body.is_empty() {
            self.tail_taken += blocks;
        } else {
            self.body = &self.body[blocks..];
        }
        self.tail_taken == self.tail.blocks().len()
    }
}

/// A batch on its way through the lanes.
struct Batch<'a> {
    engine: Engine,
    algorithms: Algorithms,
    columns: Columns,
    lanes: [Option<Lane<'a>>; LANES],
    buffers: &'a [&'a [u8]],
    /// Places of buffers not yet begun; the next one is the last.
    waiting: Vec<usize>,
}

impl<'a> Batch<'a> {
    fn new(engine: Engine, algorithms: Algorithms, buffers: &'a [&'a [u8]]) -> Self {
        // Long buffers go first: what is left at the end is then short, and few lanes stay idle.
        let mut waiting: Vec<usize> = (0..buffers.len()).collect();
        waiting.sort_by_key(|&index| (buffers[index].len(), Reverse(index)));
        let lanes = [const { None }; LANES];
        Self { engine, algorithms, columns: Columns::new(), lanes, buffers, waiting }
    }

    /// Hashes all buffers.
    fn run(mut self, digests: &mut [Digests]) {
        for lane in 0..LANES {
            self.refill(lane);
        }
        while self.lanes.iter().any(Option::is_some) {
            let blocks = self.step();
            self.move_on(blocks, digests);
        }
    }

    /// Puts the next waiting buffer into a lane, or leaves it idle.
    fn refill(&mut self, lane: usize) {
        self.lanes[lane] = self.waiting.pop().map(|index| {
            self.columns.set(lane, &Chains::new());
            Lane::new(index, self.buffers[index])
        });
    }

    /// Advances all busy lanes by as many blocks as each of them has; returns how many.
    fn step(&mut self) -> usize {
        let mut rows = Rows { lanes: [&[]; LANES], blocks: STEP_BLOCKS, last: 0 };
        for (i, lane) in self.lanes.iter().enumerate() {
            if let Some(lane) = lane {
                let (blocks, is_last) = lane.next();
                rows.lanes[i] = blocks;
                rows.blocks = rows.blocks.min(blocks.len());
                rows.last |= u16::from(is_last) << i;
            }
        }
        self.engine.advance(self.algorithms, &mut self.columns, &rows);
        rows.blocks
    }

    /// Moves all busy lanes on, takes the digests of those that ended, and refills them.
    fn move_on(&mut self, blocks: usize, digests: &mut [Digests]) {
        for i in 0..LANES {
            if let Some(lane) = &mut self.lanes[i]
                && lane.take(blocks)
            {
                let index = lane.index;
                self.columns.get(i).put(self.algorithms, &mut digests[index]);
                self.refill(i);
            }
        }
    }
}

/// Gives each hasher its chunk; faster together.
///
/// The states afterwards are those of [`Hasher::update`] on each hasher with its chunk. Hashers
/// share lanes if their algorithms are the same, with one among them that has lanes, and whole
/// blocks came before; the others go one after the other.
pub fn update_many(mut streams: Vec<(&mut Hasher, &[u8])>) {
    let model = streams.iter().find(|(hasher, chunk)| fits_lanes(hasher, chunk));
    let model = model.map(|(hasher, _)| hasher.chained());
    let goes_along = |(hasher, chunk): &(&mut Hasher, &[u8])| {
        fits_lanes(hasher, chunk) && Some(hasher.chained()) == model
    };
    // What shares lanes should end together.
    streams.sort_by_key(|stream| (!goes_along(stream), Reverse(stream.1.len())));
    let together = streams.partition_point(goes_along);
    let (together, alone) = streams.split_at_mut(together);
    for streams in together.chunks_mut(LANES) {
        match Engine::detect() {
            Some(engine) if streams.len() > 1 => advance(engine, streams),
            _ => streams.iter_mut().for_each(|(hasher, chunk)| hasher.update(chunk)),
        }
    }
    alone.iter_mut().for_each(|(hasher, chunk)| hasher.update(chunk));
}

/// Says whether this hasher can share lanes with others for this chunk.
fn fits_lanes(hasher: &Hasher, chunk: &[u8]) -> bool {
    chunk.len() >= 64 && hasher.is_at_block() && !hasher.chained().is_empty()
}

/// Advances hashers of the same algorithms side by side, each by its chunk.
fn advance(engine: Engine, streams: &mut [(&mut Hasher, &[u8])]) {
    let mut columns = Columns::new();
    let mut left: [&[Block]; LANES] = [&[]; LANES];
    let mut algorithms = Algorithms::NONE;
    for (i, (hasher, chunk)) in streams.iter_mut().enumerate() {
        hasher.update_alone(chunk);
        columns.set(i, &hasher.chains);
        algorithms = hasher.chained();
        left[i] = chunk.as_chunks().0;
    }
    loop {
        let lengths = left.iter().map(|lane| lane.len()).filter(|&length| length > 0);
        let Some(blocks) = lengths.min() else { break };
        let blocks = blocks.min(STEP_BLOCKS);
        engine.advance(algorithms, &mut columns, &Rows { lanes: left, blocks, last: 0 });
        for (i, (hasher, _)) in streams.iter_mut().enumerate() {
            // An idle lane means nothing: what has ended is taken out at once.
            if left[i].len() == blocks {
                hasher.chains = columns.get(i);
            }
            left[i] = left[i].get(blocks..).unwrap_or_default();
        }
    }
    for (hasher, chunk) in streams {
        let (blocks, rest) = chunk.as_chunks::<64>();
        hasher.skip_blocks(64 * blocks.len());
        hasher.update_chains(rest);
    }
}
