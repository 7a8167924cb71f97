//! A hold whose lock is lost: it has ended in the resource manager, with its card or its service, and its holder has
//! not noticed yet. A waiter takes note of the hold, polls the resource manager, and ends the hold if there is no lock.

use super::{Arbiter, Exclusive, UNCONFIRMED};

/// A hold, as it was before a poll.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Suspect {
    number: u64,
    changes: u64,
}

impl Exclusive {
    /// Whether a poll can show that the lock was lost: not while the request is under way.
    fn is_due(&self) -> bool {
        self.asked.is_none_or(|asked| asked.elapsed() >= UNCONFIRMED)
    }
}

impl Arbiter {
    /// The hold of another attachment that may be lost. Not that of the waiter itself, which may have been admitted
    /// just now.
    pub(super) fn suspect(&self, waiter: u64) -> Option<Suspect> {
        let state = self.state();
        let exclusive =
            state.exclusive.as_ref().filter(|exclusive| exclusive.number != waiter && exclusive.is_due())?;
        Some(Suspect { number: exclusive.number, changes: exclusive.changes })
    }

    /// Ends a hold whose lock the resource manager does not know any more, unless the hold has changed. Whether it did.
    pub(super) fn end_lost_hold(&self, suspect: Option<Suspect>) -> bool {
        let mut state = self.state();
        let now =
            state.exclusive.as_ref().map(|exclusive| Suspect { number: exclusive.number, changes: exclusive.changes });
        if suspect.is_none() || now != suspect {
            return false;
        }
        state.exclusive = None;
        self.admit(&mut state);
        true
    }
}
