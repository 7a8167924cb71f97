//! Who may talk to which reader inside this process. The resource manager lets who waits for another's transaction ask
//! again every 100 ms; here the reader is handed over the moment it is free, first come, first served.
//!
//! A call has its turn beside the calls of other attachments, because the resource manager puts these in a row at once. A
//! lock wants the reader alone: it waits until all turns have ended, and who comes after it waits until it is given back.
//! Across processes the rules of the resource manager hold, and it alone knows the truth: a lock that it has given up, with
//! its card or its service, is taken back here from who has not noticed yet.
#![forbid(unsafe_code)]

#[cfg(all(test, loom))]
mod interleavings;
pub mod registry;

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::command::MAX_RESPONSE;
use crate::runtime::fallible::Arc;
use crate::runtime::reentrancy;
use crate::runtime::spare_buffer::SpareBuffer;
use crate::runtime::sync::atomic::{AtomicUsize, Ordering};
use crate::runtime::sync::{Mutex, MutexGuard};
use crate::runtime::wait::{WaitLimit, Waker, earlier};

/// When who waits looks for the first time, at the latest.
#[cfg(not(loom))]
const FIRST_LOOK: Duration = Duration::from_millis(5);
/// In a model only those look whose time is up: what happens must not depend on a clock.
#[cfg(loom)]
const FIRST_LOOK: Duration = Duration::from_secs(3600);

/// How long the reader is kept for a lock that the resource manager has not given yet, or for the turns of others, although
/// nobody else has a lock.
#[cfg(not(loom))]
const UNCONFIRMED: Duration = Duration::from_secs(1);
/// Time passes as it likes in a model.
#[cfg(loom)]
const UNCONFIRMED: Duration = Duration::ZERO;

/// In `Arbiter::turns`: somebody has the reader alone, or waits. Who comes now asks under the mutex.
const CLOSED: usize = 1;
/// In `Arbiter::turns`: one turn.
const TURN: usize = 2;

/// The arbiter of one reader.
#[derive(Default)]
pub struct Arbiter {
    /// How many turns are taken, and `CLOSED`.
    turns: AtomicUsize,
    state: Mutex<State>,
    /// A receive buffer for the attachments to this reader.
    pub spare: SpareBuffer<MAX_RESPONSE>,
}

#[derive(Default)]
struct State {
    /// Who has the reader alone.
    alone: Option<Alone>,
    queue: VecDeque<Waiter>,
    last_number: u64,
}

struct Alone {
    number: u64,
    /// The resource manager has been asked for the lock since then; None once it has confirmed it.
    asked: Option<Instant>,
    /// Grows with each question and each answer: what a look finds is true only of what was there before and after it.
    changes: u64,
}

impl Alone {
    fn new(number: u64) -> Alone {
        Alone { number, asked: Some(Instant::now()), changes: 0 }
    }

    /// Whether it can be told that the lock was lost: not while the resource manager is still asked for it.
    fn is_due(&self) -> bool {
        self.asked.is_none_or(|asked| asked.elapsed() >= UNCONFIRMED)
    }
}

/// A lock, as it was before a look.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Suspect {
    number: u64,
    changes: u64,
}

struct Waiter {
    number: u64,
    wants: Wants,
    waker: Arc<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wants {
    Turn,
    Alone,
}

/// Who stands in line.
pub trait Line {
    /// Whether the resource manager agrees that there is a lock. A failure ends the wait. It is for what nobody would tell of:
    /// a card that was pulled, a service that has gone.
    fn look(&self) -> Result<Look>;
    /// How often that is worth its cost.
    fn looks_every(&self) -> Duration;
}

/// What who waits finds when he looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// Somebody has a lock.
    Taken,
    /// Nobody has, whatever it looks like here.
    Free,
}

/// A call that may talk to the reader, until it is dropped.
pub struct Turn<'a>(&'a Arbiter);

/// The reader, for its holder alone until it is dropped.
pub struct Hold {
    arbiter: Arc<Arbiter>,
    number: u64,
}

impl Arbiter {
    /// A turn, if nobody has the reader alone or waits for it.
    #[inline]
    pub fn try_turn(&self) -> Option<Turn<'_>> {
        // The end of a turn is what others see of it, hence no stronger order here than that a hold came before.
        if self.turns.fetch_add(TURN, Ordering::Acquire) & CLOSED == 0 {
            return Some(Turn(self));
        }
        self.end_turn();
        None
    }

    /// A turn, as soon as it is this caller's.
    pub fn turn(&self, limit: &WaitLimit, waker: &Arc<Waker>, line: &impl Line) -> Result<Turn<'_>> {
        match self.try_turn() {
            Some(turn) => Ok(turn),
            None => self.wait(Wants::Turn, limit, waker, line).map(|_| Turn(self)),
        }
    }

    /// The reader alone, as soon as it is this caller's.
    pub fn hold(this: &Arc<Arbiter>, limit: &WaitLimit, waker: &Arc<Waker>, line: &impl Line) -> Result<Hold> {
        let number = match this.try_alone() {
            Some(number) => number,
            None => this.wait(Wants::Alone, limit, waker, line)?,
        };
        Ok(Hold { arbiter: this.clone(), number })
    }

    /// Waits in the queue. The number that the caller was given there.
    fn wait(&self, wants: Wants, limit: &WaitLimit, waker: &Arc<Waker>, line: &impl Line) -> Result<u64> {
        let number = self.enqueue(wants, waker)?;
        if self.is_admitted(number) {
            return Ok(number);
        }
        if let Err(code) = reentrancy::may_wait_at(self.place()) {
            return self.give_up(number, wants, code);
        }
        let began = Instant::now();
        let mut next_look = began + FIRST_LOOK.min(line.looks_every());
        loop {
            let seen_wakes = waker.wakes();
            if self.is_admitted(number) {
                return Ok(number);
            }
            let verdict = limit.check();
            if verdict.is_err() || next_look <= Instant::now() {
                let suspect = self.suspect(number);
                let found = line.look();
                next_look = Instant::now() + line.looks_every();
                match found {
                    Ok(Look::Free) if self.take_back(suspect) || self.pass_turns(number, wants, began) => {
                        verdict.inspect_err(|code| limit.take_back(*code)).ok();
                        continue;
                    }
                    Ok(_) => {}
                    Err(code) => return self.give_up(number, wants, code),
                }
            }
            if let Err(code) = verdict {
                return self.give_up(number, wants, code).inspect(|_| limit.take_back(code));
            }
            waker.sleep(seen_wakes, earlier(limit.deadline(), Some(next_look)));
        }
    }

    /// The reader alone, if nobody has it or waits for it. Takes no memory.
    fn try_alone(&self) -> Option<u64> {
        let mut state = self.state();
        self.turns.compare_exchange(0, CLOSED, Ordering::AcqRel, Ordering::Relaxed).ok()?;
        state.last_number += 1;
        let number = state.last_number;
        state.alone = Some(Alone::new(number));
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

    /// Leaves the queue, unless it was this caller's turn in the same moment.
    fn give_up(&self, number: u64, wants: Wants, code: Hresult) -> Result<u64> {
        let mut state = self.state();
        let place = state.queue.iter().position(|waiter| waiter.number == number);
        match place.and_then(|place| state.queue.remove(place)) {
            Some(_) => {
                self.admit(&mut state);
                Err(code)
            }
            // A wait whose time was up has had its success; one that found something else has no use for it.
            None if matches!(code, Hresult::SCARD_E_TIMEOUT | Hresult::SCARD_E_CANCELLED) => Ok(number),
            None => {
                drop(state);
                match wants {
                    Wants::Turn => self.end_turn(),
                    Wants::Alone => self.end_alone(number),
                }
                Err(code)
            }
        }
    }

    /// Lets in whose turn it is. Where nobody waits and nobody has the reader alone, the way is open again.
    fn admit(&self, state: &mut State) {
        while state.alone.is_none() {
            let Some(first) = state.queue.front() else {
                self.turns.fetch_and(!CLOSED, Ordering::AcqRel);
                return;
            };
            if first.wants == Wants::Alone {
                if self.turns.load(Ordering::Acquire) >= TURN {
                    return;
                }
                state.alone = Some(Alone::new(first.number));
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

    fn end_alone(&self, number: u64) {
        let mut state = self.state();
        if state.alone.as_ref().is_some_and(|alone| alone.number == number) {
            state.alone = None;
            self.admit(&mut state);
        }
    }

    /// The lock of another that may have got lost. It is not that of the waiter itself, who may have been let in just now.
    fn suspect(&self, waiter: u64) -> Option<Suspect> {
        let state = self.state();
        let alone = state.alone.as_ref().filter(|alone| alone.number != waiter && alone.is_due())?;
        Some(Suspect { number: alone.number, changes: alone.changes })
    }

    /// Takes a lock back that the resource manager does not know any more, unless it is another one since. Whether it did.
    fn take_back(&self, suspect: Option<Suspect>) -> bool {
        let mut state = self.state();
        let now = state.alone.as_ref().map(|alone| Suspect { number: alone.number, changes: alone.changes });
        if suspect.is_none() || now != suspect {
            return false;
        }
        state.alone = None;
        self.admit(&mut state);
        true
    }

    /// Lets a waiter in although others have turns, or want the reader alone and wait for the ends of turns. They may all wait in the
    /// resource manager for a transaction on the waiter's own card handle: the program's, or one that was denied. Whether it did.
    fn pass_turns(&self, number: u64, wants: Wants, since: Instant) -> bool {
        let mut state = self.state();
        let place = state.queue.iter().position(|waiter| waiter.number == number);
        let (Some(place), None) = (place, &state.alone) else { return false };
        if since.elapsed() < UNCONFIRMED {
            return false;
        }
        state.queue.remove(place);
        match wants {
            Wants::Turn => drop(self.turns.fetch_add(TURN, Ordering::Acquire)),
            Wants::Alone => state.alone = Some(Alone::new(number)),
        }
        true
    }

    /// Whether nobody has a turn, or the reader alone, or waits for it.
    pub fn is_free(&self) -> bool {
        self.turns.load(Ordering::Acquire) == 0
    }

    /// A number for the reader, which no other one has meanwhile.
    pub fn place(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }

    #[cfg(test)]
    pub fn has_waiters(&self) -> bool {
        !self.state().queue.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
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
    /// The resource manager is about to be asked for the lock.
    pub fn ask(&self) {
        self.change(|alone| {
            alone.asked = Some(Instant::now());
            alone.changes += 1;
        });
    }

    /// The resource manager has given the lock. Whether the reader was not taken back meanwhile.
    pub fn confirm(&self) -> bool {
        self.change(|alone| {
            alone.asked = None;
            alone.changes += 1;
        })
    }

    /// Whether it was not taken back.
    pub fn is_valid(&self) -> bool {
        self.change(|_| {})
    }

    fn change(&self, change: impl FnOnce(&mut Alone)) -> bool {
        let mut state = self.arbiter.state();
        let alone = state.alone.as_mut().filter(|alone| alone.number == self.number);
        alone.map(change).is_some()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.arbiter.end_alone(self.number);
    }
}
