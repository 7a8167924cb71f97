//! What libpcsclite has last seen_wakes of all readers is one array for all threads of the process, and before 2.0.1 who reads an
//! answer into it holds no lock against those who look at it. A thread that was kept from the processor behind its question
//! writes there what was true when it asked, over what another has just been told.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::IS_PCSC_LITE;
use super::bounds::MOST_ANSWERS;
use crate::abi::hresult::{Hresult, Result};

/// Those of this process.
pub static READER_STATES: States = States { under_way: AtomicUsize::new(0) };

pub struct States {
    /// How many calls of ours are reading them. What the caller's own threads ask PC/SC is not known.
    under_way: AtomicUsize,
}

impl States {
    /// In the child of a fork, which has none of the threads that were in a call.
    #[cfg(unix)]
    pub fn forget_all(&self) {
        self.under_way.store(0, Ordering::Relaxed);
    }

    /// Makes a call that reads the states of the readers.
    pub fn reading<T>(&self, call: impl FnOnce() -> T) -> T {
        // Before the call asks: who does not see it here has begun before, and what it is told is no older than that.
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let result = call();
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        result
    }

    /// Asks until the answer is one that was true after this has begun. Of the calls that are under way now each can spoil one
    /// answer, as what it asks for after that is new; so an answer that comes once more often than that in a row is true. One that
    /// `is_certain` is taken as it comes.
    pub fn settled<T: PartialEq>(&self, ask: impl Fn() -> Result<T>, is_certain: impl Fn(&T) -> bool) -> Result<T> {
        let others = if IS_PCSC_LITE { self.under_way.load(Ordering::SeqCst) } else { 0 };
        let mut answer = ask();
        let mut agreeing = 0;
        // So many make certain that it comes so often, if nothing changes all the time.
        for _ in 0..others.saturating_mul(others + 2).min(MOST_ANSWERS) {
            let is_doubtful = match &answer {
                Ok(answer) => !is_certain(answer),
                // Any other error the service has told itself.
                Err(code) => matches!(*code, Hresult::SCARD_E_READER_UNAVAILABLE | Hresult::SCARD_E_UNKNOWN_READER),
            };
            if agreeing == others || !is_doubtful {
                break;
            }
            let again = ask();
            agreeing = if again == answer { agreeing + 1 } else { 0 };
            answer = again;
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const NEVER: fn(&u32) -> bool = |_| false;

    /// What comes of these answers while so many other calls are under way, and how many were asked for.
    fn settle(others: usize, answers: &[Result<u32>], is_certain: impl Fn(&u32) -> bool) -> (Result<u32>, usize) {
        let asked = Cell::new(0);
        let ask = || {
            let answer = answers[asked.get()];
            asked.set(asked.get() + 1);
            answer
        };
        let states = States { under_way: AtomicUsize::new(others) };
        let answer = states.settled(ask, is_certain);
        assert_eq!(states.under_way.into_inner(), others);
        (answer, asked.get())
    }

    #[test]
    fn who_is_alone_asks_once() {
        assert_eq!(settle(0, &[Ok(7)], NEVER), (Ok(7), 1));
    }

    #[test]
    fn each_of_the_others_can_spoil_one_answer_wherever() {
        const OLD: Result<u32> = Err(Hresult::SCARD_E_READER_UNAVAILABLE);
        const NEW: Result<u32> = Ok(7);
        assert_eq!(settle(1, &[NEW, NEW], NEVER), (NEW, 2));
        assert_eq!(settle(1, &[OLD, NEW, NEW], NEVER), (NEW, 3));
        assert_eq!(settle(1, &[NEW, OLD, NEW, NEW], NEVER), (NEW, 4));
        assert_eq!(settle(2, &[OLD, OLD, NEW, NEW, NEW], NEVER), (NEW, 5));
        assert_eq!(settle(2, &[NEW, NEW, OLD, NEW, NEW, OLD, NEW, NEW, NEW], NEVER), (NEW, 9));
    }

    #[test]
    fn what_is_certain_is_not_asked_for_again() {
        const GONE: Result<u32> = Err(Hresult::SCARD_W_REMOVED_CARD);
        assert_eq!(settle(3, &[Ok(7)], |answer| *answer == 7), (Ok(7), 1));
        assert_eq!(settle(3, &[Ok(0), Ok(7)], |answer| *answer == 7), (Ok(7), 2));
        assert_eq!(settle(3, &[GONE], NEVER), (GONE, 1));
        assert_eq!(settle(3, &[Ok(7), GONE], NEVER), (GONE, 2));
    }

    #[test]
    fn it_has_an_end_where_everything_changes_all_the_time() {
        let answers: Vec<_> = (0..9).map(Ok).collect();
        assert_eq!(settle(2, &answers, NEVER), (Ok(8), 9));
    }
}
