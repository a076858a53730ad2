//! One reader at a time, for storage with a moving head. A stuck reader can be relieved of it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Who passes the gate: the token of a worker's slot, or the walk.
pub(crate) type Token = u64;

/// The token of the walk, which reads names and metadata from the same storage. No slot has it.
pub(crate) const WALK: Token = Token::MAX;

/// A door that one holder passes at a time, in the order in which they came. Unlike a mutex it can
/// be opened from outside when its holder hangs in the kernel; the holder's own release is then
/// without effect.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    opened: Condvar,
}

#[derive(Debug, Default)]
struct State {
    holder: Option<Token>,
    waiting: VecDeque<Token>,
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its turn and takes the gate.
    pub(crate) fn enter(&self, token: Token) {
        let mut state = self.lock();
        state.waiting.push_back(token);
        while state.holder.is_some() || state.waiting.front() != Some(&token) {
            state = self.opened.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting.pop_front();
        state.holder = Some(token);
    }

    /// Frees the gate if that token still holds it.
    pub(crate) fn leave(&self, token: Token) {
        let mut state = self.lock();
        if state.holder == Some(token) {
            state.holder = None;
            self.opened.notify_all();
        }
    }
}
