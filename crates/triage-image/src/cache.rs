//! Decoded pieces of an image, kept for the next reader.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::bytes::{long, short};

/// How many parts the cache has at most, each with its own lock.
const SHARDS: usize = 16;
/// The most memory that the pieces of one cache take in bytes, one piece at least.
const LIMIT_BYTES: u64 = 32 * 1024 * 1024;

/// A bounded store of decoded pieces by number. A piece that was not used lately is dropped.
pub(crate) struct Cache<T> {
    shards: Vec<Mutex<Shard<T>>>,
    /// How many pieces a shard keeps.
    limit: usize,
}

struct Shard<T> {
    pieces: HashMap<u64, (u64, Arc<T>)>,
    clock: u64,
}

impl<T> Cache<T> {
    /// Returns a store of about that many pieces of that length in bytes; of fewer, if so many
    /// would take too much memory.
    pub(crate) fn new(pieces: usize, piece_bytes: u64) -> Self {
        let room = short(LIMIT_BYTES.checked_div(piece_bytes).unwrap_or(1));
        let pieces = pieces.min(room).max(1);
        let count = pieces.min(SHARDS);
        let shard = || Mutex::new(Shard { pieces: HashMap::new(), clock: 0 });
        let shards = (0..count).map(|_| shard()).collect();
        Self { shards, limit: pieces.div_ceil(count) }
    }

    /// Returns a piece, and makes it if it is not there.
    ///
    /// # Errors
    /// Those of `make`; nothing is kept then.
    pub(crate) fn get<E>(
        &self,
        number: u64,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let place = short(number % long(self.shards.len()).max(1));
        let lock = || self.shards[place].lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut shard = lock();
            shard.clock += 1;
            let now = shard.clock;
            if let Some((used, piece)) = shard.pieces.get_mut(&number) {
                *used = now;
                return Ok(Arc::clone(piece));
            }
        }
        // Two threads may make the same piece; neither waits for the other.
        let piece = Arc::new(make()?);
        let mut shard = lock();
        if shard.pieces.len() >= self.limit {
            let oldest = shard.pieces.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(number, _)| *number) {
                shard.pieces.remove(&oldest);
            }
        }
        let now = shard.clock;
        shard.pieces.insert(number, (now, Arc::clone(&piece)));
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_made_once_while_it_is_kept_and_the_store_stays_small() {
        let cache = Cache::new(32, 1);
        let get = |number| cache.get(number, || Ok::<_, ()>(number * 2)).unwrap();
        for number in 0..1000 {
            assert_eq!(*get(number), number * 2);
        }
        let again = cache.get(999, || Err::<u64, _>(())).unwrap();
        assert_eq!(*again, 1998);
        assert_eq!(cache.get(1, || Err::<u64, _>("gone")), Err("gone"));
    }

    #[test]
    fn large_pieces_are_fewer() {
        let cache = Cache::new(256, 16 << 20);
        for number in 0..100 {
            cache.get(number, || Ok::<_, ()>(number)).unwrap();
        }
        let kept: usize = cache.shards.iter().map(|shard| shard.lock().unwrap().pieces.len()).sum();
        assert_eq!(kept, 2);
        // One piece is kept even if it is too large.
        assert_eq!(Cache::<u8>::new(256, 1 << 40).limit, 1);
    }
}
