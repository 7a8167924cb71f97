//! The order in which the attachments of this process use a reader. In PC/SC an application that waits for a
//! transaction polls every 100 ms. Here the reader passes to the next attachment as soon as it is free, first come,
//! first served.
//!
//! A call takes a turn. Turns of several attachments overlap, because the resource manager serializes calls by itself.
//! A lock takes a hold: it waits until all turns have ended, and later calls wait until the hold ends. Between
//! processes the rules of the resource manager apply, and only the resource manager knows the truth. A lock can end
//! there with its card or its service; then the hold is taken back here, although its holder has not noticed yet.
#![forbid(unsafe_code)]

#[cfg(all(test, loom))]
mod interleavings;
mod lost_hold;
pub mod registry;

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::command::MAX_RESPONSE;
use crate::runtime::cancel::Waker;
use crate::runtime::fallible::Arc;
use crate::runtime::reentrancy;
use crate::runtime::spare_buffer::SpareBuffer;
use crate::runtime::sync::atomic::{AtomicUsize, Ordering};
use crate::runtime::sync::{Mutex, MutexGuard};
use crate::runtime::wait::{WaitLimit, earlier, in_future, is_past};

/// Longest delay before a waiting thread first polls the resource manager.
#[cfg(not(loom))]
const FIRST_POLL: Duration = Duration::from_millis(5);
/// In a loom model only threads poll whose time is up: the model must not depend on a clock.
#[cfg(loom)]
const FIRST_POLL: Duration = Duration::from_secs(3600);

/// How long a hold is safe while the resource manager has not granted its lock yet, and how long a waiter respects
/// turns that do not end.
#[cfg(not(loom))]
const UNCONFIRMED: Duration = Duration::from_secs(1);
/// A loom model has no clock.
#[cfg(loom)]
const UNCONFIRMED: Duration = Duration::ZERO;

/// In `Arbiter::turns`: there is a hold or a waiter, so a new call has to take the mutex.
const CLOSED: usize = 1;
/// In `Arbiter::turns`: one turn.
const TURN: usize = 2;

/// The arbiter of one reader.
#[derive(Default)]
pub struct Arbiter {
    /// The number of turns, and `CLOSED`.
    turns: AtomicUsize,
    state: Mutex<ArbiterState>,
    /// A receive buffer for the attachments to this reader.
    pub spare: SpareBuffer<MAX_RESPONSE>,
}

#[derive(Default)]
struct ArbiterState {
    /// The present hold.
    exclusive: Option<Exclusive>,
    queue: VecDeque<Waiter>,
    last_number: u64,
}

struct Exclusive {
    number: u64,
    /// When the resource manager was asked for the lock; None once it has granted it.
    asked: Option<Instant>,
    /// Incremented with each request and each grant: the result of a poll is valid only if the value did not change
    /// meanwhile.
    changes: u64,
}

impl Exclusive {
    fn new(number: u64) -> Exclusive {
        Exclusive { number, asked: Some(Instant::now()), changes: 0 }
    }
}

struct Waiter {
    number: u64,
    wants: Wants,
    waker: Arc<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wants {
    Turn,
    Hold,
}

/// How a waiting thread asks the resource manager.
pub trait LockProbe {
    /// Whether the resource manager knows of a lock. A failure ends the wait. It reports what nothing else reports: a
    /// removed card, a stopped service.
    fn probe(&self) -> Result<ReaderUse>;
    /// How often a thread may ask, for its cost.
    fn interval(&self) -> Duration;
}

/// The use of a reader, as the resource manager knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReaderUse {
    /// Someone has a lock.
    Locked,
    /// No one has a lock, even if there is a hold here.
    Free,
}

/// A call that may use the reader, until it is dropped.
pub struct Turn<'a>(&'a Arbiter);

/// The exclusive use of the reader, until it is dropped.
pub struct Hold {
    arbiter: Arc<Arbiter>,
    number: u64,
}

impl Arbiter {
    /// Takes a turn, if there is no hold and no waiter.
    #[inline]
    pub fn try_turn(&self) -> Option<Turn<'_>> {
        // Other threads see the end of a turn, so `Acquire` is enough here: it comes after the end of an earlier hold.
        if self.turns.fetch_add(TURN, Ordering::Acquire) & CLOSED == 0 {
            return Some(Turn(self));
        }
        self.end_turn();
        None
    }

    /// Takes a turn, and waits for it.
    pub fn turn(&self, limit: &WaitLimit, waker: &Arc<Waker>, probe: &impl LockProbe) -> Result<Turn<'_>> {
        match self.try_turn() {
            Some(turn) => Ok(turn),
            None => self.wait(Wants::Turn, limit, waker, probe).map(|_| Turn(self)),
        }
    }

    /// Takes a hold, and waits for it.
    pub fn hold(this: &Arc<Arbiter>, limit: &WaitLimit, waker: &Arc<Waker>, probe: &impl LockProbe) -> Result<Hold> {
        let number = match this.try_exclusive() {
            Some(number) => number,
            None => this.wait(Wants::Hold, limit, waker, probe)?,
        };
        Ok(Hold { arbiter: this.clone(), number })
    }

    /// Waits in the queue. Returns the number of the waiter.
    fn wait(&self, wants: Wants, limit: &WaitLimit, waker: &Arc<Waker>, probe: &impl LockProbe) -> Result<u64> {
        let number = self.enqueue(wants, waker)?;
        if self.is_admitted(number) {
            return Ok(number);
        }
        if let Err(code) = reentrancy::may_wait_at(self.reader_id()) {
            return self.give_up(number, wants, code);
        }
        let began = Instant::now();
        let mut next_poll = in_future(FIRST_POLL.min(probe.interval()));
        loop {
            let seen_wakes = waker.wakes();
            if self.is_admitted(number) {
                return Ok(number);
            }
            let verdict = limit.check();
            if verdict.is_err() || is_past(next_poll) {
                let suspect = self.suspect(number);
                let found = probe.probe();
                next_poll = in_future(probe.interval());
                match found {
                    Ok(ReaderUse::Free) if self.end_lost_hold(suspect) || self.pass_turns(number, wants, began) => {
                        verdict.inspect_err(|code| limit.keep_cancel(*code)).ok();
                        continue;
                    }
                    Ok(_) => {}
                    Err(code) => {
                        // A cancel that is not told is for the next wait.
                        verdict.inspect_err(|code| limit.keep_cancel(*code)).ok();
                        return self.give_up(number, wants, code).inspect(|_| limit.keep_cancel(code));
                    }
                }
            }
            if let Err(code) = verdict {
                return self.give_up(number, wants, code).inspect(|_| limit.keep_cancel(code));
            }
            waker.sleep(seen_wakes, earlier(limit.deadline(), next_poll));
        }
    }

    /// Takes a hold, if there is no turn, hold or waiter. It needs no memory.
    fn try_exclusive(&self) -> Option<u64> {
        let mut state = self.state();
        self.turns.compare_exchange(0, CLOSED, Ordering::AcqRel, Ordering::Relaxed).ok()?;
        state.last_number += 1;
        let number = state.last_number;
        state.exclusive = Some(Exclusive::new(number));
        Some(number)
    }

    fn enqueue(&self, wants: Wants, waker: &Arc<Waker>) -> Result<u64> {
        let mut state = self.state();
        state.queue.try_reserve(1)?;
        state.last_number += 1;
        let number = state.last_number;
        state.queue.push_back(Waiter { number, wants, waker: waker.clone() });
        self.turns.fetch_or(CLOSED, Ordering::AcqRel);
        self.admit(&mut state);
        Ok(number)
    }

    fn is_admitted(&self, number: u64) -> bool {
        !self.state().queue.iter().any(|waiter| waiter.number == number)
    }

    /// Leaves the queue, unless the waiter was admitted meanwhile.
    fn give_up(&self, number: u64, wants: Wants, code: Hresult) -> Result<u64> {
        let mut state = self.state();
        let index = state.queue.iter().position(|waiter| waiter.number == number);
        match index.and_then(|index| state.queue.remove(index)) {
            Some(_) => {
                self.admit(&mut state);
                Err(code)
            }
            // A timeout or cancel came too late: the wait has succeeded. After another error the caller cannot use the
            // reader.
            None if matches!(code, Hresult::SCARD_E_TIMEOUT | Hresult::SCARD_E_CANCELLED) => Ok(number),
            None => {
                drop(state);
                match wants {
                    Wants::Turn => self.end_turn(),
                    Wants::Hold => self.end_exclusive(number),
                }
                Err(code)
            }
        }
    }

    /// Admits the next waiters. Without a waiter and a hold, calls need no mutex any more.
    fn admit(&self, state: &mut ArbiterState) {
        while state.exclusive.is_none() {
            let Some(first) = state.queue.front() else {
                self.turns.fetch_and(!CLOSED, Ordering::AcqRel);
                return;
            };
            if first.wants == Wants::Hold {
                if self.turns.load(Ordering::Acquire) >= TURN {
                    return;
                }
                state.exclusive = Some(Exclusive::new(first.number));
            } else {
                self.turns.fetch_add(TURN, Ordering::Acquire);
            }
            if let Some(first) = state.queue.pop_front() {
                first.waker.wake();
            }
        }
    }

    #[inline]
    fn end_turn(&self) {
        if self.turns.fetch_sub(TURN, Ordering::AcqRel) == TURN | CLOSED {
            self.after_last_turn();
        }
    }

    #[cold]
    fn after_last_turn(&self) {
        self.admit(&mut self.state());
    }

    fn end_exclusive(&self, number: u64) {
        let mut state = self.state();
        if state.exclusive.as_ref().is_some_and(|exclusive| exclusive.number == number) {
            state.exclusive = None;
            self.admit(&mut state);
        }
    }

    /// Admits a waiter beside the turns of others, or before a hold that waits for turns to end. These turns may all
    /// wait in the resource manager for a transaction on the waiter's own card handle: one of the program, or one whose
    /// begin reported a failure. Whether it did.
    fn pass_turns(&self, number: u64, wants: Wants, since: Instant) -> bool {
        let mut state = self.state();
        let index = state.queue.iter().position(|waiter| waiter.number == number);
        let (Some(index), None) = (index, &state.exclusive) else { return false };
        if since.elapsed() < UNCONFIRMED {
            return false;
        }
        state.queue.remove(index);
        match wants {
            Wants::Turn => drop(self.turns.fetch_add(TURN, Ordering::Acquire)),
            Wants::Hold => state.exclusive = Some(Exclusive::new(number)),
        }
        true
    }

    /// Whether there is no turn, hold or waiter.
    pub fn is_free(&self) -> bool {
        self.turns.load(Ordering::Acquire) == 0
    }

    /// A number for the reader, different for each reader at one time.
    pub fn reader_id(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }

    #[cfg(test)]
    pub fn has_waiters(&self) -> bool {
        !self.state().queue.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, ArbiterState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.end_turn();
    }
}

impl Hold {
    /// The resource manager will be asked for the lock.
    pub fn ask(&self) {
        self.change(|exclusive| {
            exclusive.asked = Some(Instant::now());
            exclusive.changes += 1;
        });
    }

    /// The resource manager has granted the lock. Whether the hold was not taken back meanwhile.
    pub fn confirm(&self) -> bool {
        self.change(|exclusive| {
            exclusive.asked = None;
            exclusive.changes += 1;
        })
    }

    /// Whether the hold was not taken back.
    pub fn is_valid(&self) -> bool {
        self.change(|_| {})
    }

    fn change(&self, change: impl FnOnce(&mut Exclusive)) -> bool {
        let mut state = self.arbiter.state();
        let exclusive = state.exclusive.as_mut().filter(|exclusive| exclusive.number == self.number);
        exclusive.map(change).is_some()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.arbiter.end_exclusive(self.number);
    }
}
