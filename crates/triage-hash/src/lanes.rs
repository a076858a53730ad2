//! Sixteen streams side by side: one vector lane each.
//!
//! A chain of dependent steps leaves a core idle; sixteen chains in the lanes of vector registers
//! do not. [`Columns`] keeps the states word by word, [`Engine`] advances them with the kernel that
//! the machine has, or one stream after the other where that is faster. What is in a lane and when
//! it is refilled is decided in `batch.rs`.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

#[cfg(target_arch = "x86_64")]
use std::sync::OnceLock;

use crate::chains::{CHAINED, Chains, SHA256};
use crate::constants::Block;
#[cfg(target_arch = "x86_64")]
use crate::sha_ni::ShaNi;
use crate::thresholds::Thresholds;
use crate::{Algorithm, Algorithms, Lanes};

/// How many streams advance together.
pub(crate) const LANES: usize = 16;

/// One word of the state of every lane; 64 bytes, aligned to a cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub(crate) struct Column(pub(crate) [u32; LANES]);

/// The states of all lanes.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    pub(crate) md5: [Column; 4],
    pub(crate) sha1: [Column; 5],
    pub(crate) sha256: [Column; 8],
}

impl Columns {
    /// Returns columns of which nothing is meant yet.
    pub(crate) const fn new() -> Self {
        let zero = Column([0; LANES]);
        Self { md5: [zero; 4], sha1: [zero; 5], sha256: [zero; 8] }
    }

    /// Returns columns with the states of one stream in every lane.
    pub(crate) fn all(chains: &Chains) -> Self {
        let mut columns = Self::new();
        (0..LANES).for_each(|lane| columns.set(lane, chains));
        columns
    }

    /// Takes the SHA-256 state of one stream out of a lane.
    pub(crate) fn sha256_of(&self, lane: usize) -> [u32; 8] {
        self.sha256.each_ref().map(|column| column.0[lane])
    }

    /// Puts the states of one stream into a lane.
    pub(crate) fn set(&mut self, lane: usize, chains: &Chains) {
        set_lane(&mut self.md5, lane, &chains.md5);
        set_lane(&mut self.sha1, lane, &chains.sha1);
        set_lane(&mut self.sha256, lane, &chains.sha256);
    }

    /// Takes the states of one stream out of a lane.
    pub(crate) fn get(&self, lane: usize) -> Chains {
        Chains {
            md5: self.md5.map(|column| column.0[lane]),
            sha1: self.sha1.map(|column| column.0[lane]),
            sha256: self.sha256.map(|column| column.0[lane]),
        }
    }
}

fn set_lane(columns: &mut [Column], lane: usize, words: &[u32]) {
    for (column, word) in columns.iter_mut().zip(words) {
        column.0[lane] = *word;
    }
}

/// What all lanes hash next: the same number of blocks from each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    /// The blocks of each lane; an idle lane has no blocks.
    pub(crate) lanes: [&'a [Block]; LANES],
    /// How many blocks to take from each lane that is not idle.
    pub(crate) blocks: usize,
    /// Bit `i` says that lane `i` takes the block that ends its stream, length big-endian.
    pub(crate) last: u16,
}

impl Rows<'_> {
    /// Returns how many lanes are not idle.
    fn busy(&self) -> usize {
        self.lanes.iter().filter(|lane| !lane.is_empty()).count()
    }
}

/// A set of vector instructions that this machine was seen to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kernel {
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
}

impl Kernel {
    /// Returns the kernels that this machine can run, the fastest first.
    fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let kernels =
            [avx512::Avx512::detect().map(Self::Avx512), avx2::Avx2::detect().map(Self::Avx2)];
        #[cfg(not(target_arch = "x86_64"))]
        let kernels = [];
        kernels.into_iter().flatten()
    }

    /// Advances those of the algorithms that it computes, in all lanes.
    fn advance(self, algorithms: Algorithms, columns: &mut Columns, rows: &Rows<'_>) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(kernel) => kernel.advance(algorithms, columns, rows),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(kernel) => kernel.advance(columns, rows),
        }
    }

    /// Returns the thresholds of this machine, looked up once in a process: the processor's make
    /// is asked for with an instruction that takes long in a virtual machine.
    #[cfg(target_arch = "x86_64")]
    fn thresholds(self) -> Thresholds {
        static KNOWN: [OnceLock<Thresholds>; 2] = [const { OnceLock::new() }; 2];
        match self {
            Self::Avx512(_) => *KNOWN[0].get_or_init(Thresholds::of_avx512),
            Self::Avx2(_) => *KNOWN[1].get_or_init(Thresholds::of_avx2),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn thresholds(self) -> Thresholds {
        match self {}
    }
}

/// Advances columns with a kernel, if there is one and it is worth it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Engine {
    kernel: Kernel,
    thresholds: Thresholds,
}

impl Engine {
    /// Returns the fastest engine that this machine has and the process may use.
    pub(crate) fn detect() -> Option<Self> {
        Lanes::engine()
    }

    /// Returns the lanes of its kernel.
    pub(crate) const fn lanes(&self) -> Lanes {
        match self.kernel {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512(_) => Lanes::Avx512,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2(_) => Lanes::Avx2,
        }
    }

    /// Returns an engine for each kernel that this machine can run, the fastest first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Kernel::all().map(|kernel| Self { kernel, thresholds: kernel.thresholds() })
    }

    /// Returns the same engine with every algorithm of its kernel in lanes, however few are busy.
    pub(crate) fn always(self) -> Self {
        Self { thresholds: self.thresholds.always(), ..self }
    }

    /// Returns those of the algorithms that are worth computing in lanes when `busy` lanes are.
    pub(crate) fn in_lanes(&self, algorithms: Algorithms, busy: usize) -> Algorithms {
        let algorithms = algorithms.intersection(CHAINED);
        let Thresholds { md5, sha_with_md5, sha, sha256_alone } = self.thresholds;
        let sha = match algorithms {
            SHA256 => sha256_alone,
            _ if algorithms.contains(Algorithm::Md5) => sha_with_md5,
            _ => sha,
        };
        let is_worth_it = |algorithm: &Algorithm| match algorithm {
            Algorithm::Md5 => busy >= md5,
            _ => busy >= sha,
        };
        algorithms.iter().filter(is_worth_it).collect()
    }

    /// Returns the name of the code path of an algorithm that this kernel computes in lanes.
    pub(crate) fn path(&self, algorithm: Algorithm) -> Option<&'static str> {
        if !self.in_lanes(CHAINED, LANES).contains(algorithm) {
            return None;
        }
        match (self.kernel, algorithm) {
            #[cfg(target_arch = "x86_64")]
            (Kernel::Avx512(_), Algorithm::Md5) => Some("md5/avx512x16"),
            #[cfg(target_arch = "x86_64")]
            (Kernel::Avx512(_), Algorithm::Sha1) => Some("sha1/avx512x16"),
            #[cfg(target_arch = "x86_64")]
            (Kernel::Avx512(_), Algorithm::Sha256) => Some("sha256/avx512x16"),
            #[cfg(target_arch = "x86_64")]
            (Kernel::Avx2(_), Algorithm::Md5) => Some("md5/avx2x8"),
            _ => None,
        }
    }

    /// Advances the states of `algorithms` in every busy lane by `rows`.
    ///
    /// An idle lane is filled with whatever; its state means nothing afterwards.
    pub(crate) fn advance(&self, algorithms: Algorithms, columns: &mut Columns, rows: &Rows<'_>) {
        let algorithms = algorithms.intersection(CHAINED);
        #[cfg(target_arch = "x86_64")]
        if algorithms == SHA256
            && self.in_lanes(algorithms, rows.busy()).is_empty()
            && let Some(sha_ni) = ShaNi::detect()
        {
            return in_pairs(sha_ni, columns, rows);
        }
        let in_lanes = self.in_lanes(algorithms, rows.busy());
        if !in_lanes.is_empty() {
            self.kernel.advance(in_lanes, columns, &fill_idle(rows));
        }
        let one_by_one = algorithms.without(in_lanes);
        if one_by_one.is_empty() {
            return;
        }
        for (lane, blocks) in rows.lanes.iter().enumerate() {
            if !blocks.is_empty() {
                let mut chains = columns.get(lane);
                let is_last = rows.last & 1 << lane != 0;
                chains.compress_row(one_by_one, &blocks[..rows.blocks], is_last);
                columns.set(lane, &chains);
            }
        }
    }
}

/// Advances SHA-256 of busy lanes, two by two.
#[cfg(target_arch = "x86_64")]
fn in_pairs(sha_ni: ShaNi, columns: &mut Columns, rows: &Rows<'_>) {
    let blocks = |lane: usize| rows.lanes[lane].get(..rows.blocks).unwrap_or_default();
    let mut busy = (0..LANES).filter(|&lane| !rows.lanes[lane].is_empty());
    while let Some(lane) = busy.next() {
        let mut state = columns.sha256_of(lane);
        if let Some(other) = busy.next() {
            let mut others = columns.sha256_of(other);
            sha_ni.compress_two([&mut state, &mut others], [blocks(lane), blocks(other)]);
            set_lane(&mut columns.sha256, other, &others);
        } else {
            sha2::block_api::compress256(&mut state, blocks(lane));
        }
        set_lane(&mut columns.sha256, lane, &state);
    }
}

/// Gives idle lanes the blocks of a busy one, so that a kernel has something to read.
fn fill_idle<'a>(rows: &Rows<'a>) -> Rows<'a> {
    let some = rows.lanes.into_iter().find(|lane| !lane.is_empty()).unwrap_or_default();
    let lanes = rows.lanes.map(|lane| if lane.is_empty() { some } else { lane });
    Rows { lanes, ..*rows }
}

#[cfg(test)]
#[path = "lanes_tests.rs"]
mod tests;
