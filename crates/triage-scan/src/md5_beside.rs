//! A large content alone: MD5 on a thread of its own, while another worker has nothing to do.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use crate::Ledger;
use crate::examine::{Cut, Examiner};
use crate::streams::Large;

/// How much goes to the helper at once. Waking a thread takes up to 0.5 ms, the MD5 of this 2 ms.
const PIECE_BYTES: usize = 1024 * 1024;
/// How many pieces wait for it at most.
const WAITING: usize = 2;

impl<G: Ledger> Examiner<G> {
    /// Says whether another worker waits or has ended, and there is nothing that it could begin.
    fn has_spare_thread(&self) -> bool {
        let alive = self.shared.alive.load(Ordering::SeqCst);
        let busy = alive.saturating_sub(self.shared.idle.load(Ordering::SeqCst));
        busy < self.shared.execution.threads && self.shared.work.is_empty()
    }

    /// Reads and hashes a stream with two threads as long as nobody else wants the other one, up to
    /// a hole, a bad place or the end.
    pub(crate) fn advance_on_two_threads(&self, stream: &mut Large) -> Result<(), Cut> {
        if !self.has_spare_thread() {
            return Ok(());
        }
        let Some(mut md5) = stream.reading.take_md5() else { return Ok(()) };
        let before = md5.clone();
        let (to_helper, pieces) = sync_channel::<Arc<Vec<u8>>>(WAITING);
        let helper = thread::Builder::new().spawn(move || {
            pieces.iter().for_each(|piece| md5.update(&piece));
            md5
        });
        let Ok(helper) = helper else {
            stream.reading.give_back(&before);
            return Ok(());
        };
        let read = self.feed(stream, &to_helper);
        drop(to_helper);
        match helper.join() {
            Ok(md5) => stream.reading.give_back(&md5),
            Err(_panic) => stream.fail(),
        }
        read
    }

    /// Gives what is read to the helper, and the other digests here.
    fn feed(&self, stream: &mut Large, helper: &SyncSender<Arc<Vec<u8>>>) -> Result<(), Cut> {
        let mut given = VecDeque::new();
        while self.has_spare_thread() {
            self.fill(stream, PIECE_BYTES)?;
            let Some(piece) = stream.take_piece() else { break };
            let piece = Arc::new(piece);
            // A helper that is gone has panicked, which its end tells.
            if helper.send(Arc::clone(&piece)).is_err() {
                break;
            }
            if let Some(hasher) = stream.reading.hasher() {
                hasher.update(&piece);
            }
            given.push_back(piece);
            if given.len() > WAITING + 1
                && let Some(Ok(room)) = given.pop_front().map(Arc::try_unwrap)
            {
                stream.reuse(room);
            }
        }
        Ok(())
    }
}
