//! Protects questions for the states of the readers from each other.
//!
//! libpcsclite keeps the states of all readers in one array for all threads of the process. Before 2.0.1 a thread that
//! stores an answer there takes no lock against threads that read it. A delayed thread can overwrite the array with its
//! older answer, after another thread has got a newer one.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::IS_PCSC_LITE;
use super::bounds::MOST_ANSWERS;
use crate::abi::hresult::{Hresult, Result};

/// The questions of this process.
pub static QUESTIONS: Questions = Questions { under_way: AtomicUsize::new(0) };

pub struct Questions {
    /// How many calls of the library ask now. The calls of the program itself are not known.
    under_way: AtomicUsize,
}

impl Questions {
    /// In the child of a fork: it has none of the threads that were in a call.
    #[cfg(unix)]
    pub fn forget_all(&self) {
        self.under_way.store(0, Ordering::Relaxed);
    }

    /// Makes a call that reads the states of the readers.
    pub fn reading<T>(&self, call: impl FnOnce() -> T) -> T {
        // Counted before the call asks: a thread that does not see the count here has begun earlier, so this answer is
        // newer.
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let result = call();
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        result
    }

    /// Asks until the answer was true at some moment after the beginning. Each of the other present calls can overwrite
    /// one answer; what it asks for later is new. So an answer that is repeated once more than there are other calls is
    /// true. An answer that `is_certain` is taken at once.
    pub fn settled<T: PartialEq>(&self, ask: impl Fn() -> Result<T>, is_certain: impl Fn(&T) -> bool) -> Result<T> {
        let others = if IS_PCSC_LITE { self.under_way.load(Ordering::SeqCst) } else { 0 };
        let mut answer = ask();
        let mut agreeing = 0;
        // After so many questions the answer has been repeated often enough, unless the states change all the time.
        for _ in 0..others.saturating_mul(others + 2).min(MOST_ANSWERS) {
            let is_doubtful = match &answer {
                Ok(answer) => !is_certain(answer),
                // Any other error comes from the service itself.
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

    /// The result of these answers beside so many other calls, and how many answers were used.
    fn settle(others: usize, answers: &[Result<u32>], is_certain: impl Fn(&u32) -> bool) -> (Result<u32>, usize) {
        let asked = Cell::new(0);
        let ask = || {
            let answer = answers[asked.get()];
            asked.set(asked.get() + 1);
            answer
        };
        let questions = Questions { under_way: AtomicUsize::new(others) };
        let answer = questions.settled(ask, is_certain);
        assert_eq!(questions.under_way.into_inner(), others);
        (answer, asked.get())
    }

    #[test]
    fn without_other_calls_one_answer_is_enough() {
        assert_eq!(settle(0, &[Ok(7)], NEVER), (Ok(7), 1));
    }

    #[test]
    fn each_other_call_can_overwrite_one_answer() {
        const OLD: Result<u32> = Err(Hresult::SCARD_E_READER_UNAVAILABLE);
        const NEW: Result<u32> = Ok(7);
        assert_eq!(settle(1, &[NEW, NEW], NEVER), (NEW, 2));
        assert_eq!(settle(1, &[OLD, NEW, NEW], NEVER), (NEW, 3));
        assert_eq!(settle(1, &[NEW, OLD, NEW, NEW], NEVER), (NEW, 4));
        assert_eq!(settle(2, &[OLD, OLD, NEW, NEW, NEW], NEVER), (NEW, 5));
        assert_eq!(settle(2, &[NEW, NEW, OLD, NEW, NEW, OLD, NEW, NEW, NEW], NEVER), (NEW, 9));
    }

    #[test]
    fn a_certain_answer_is_enough() {
        const GONE: Result<u32> = Err(Hresult::SCARD_W_REMOVED_CARD);
        assert_eq!(settle(3, &[Ok(7)], |answer| *answer == 7), (Ok(7), 1));
        assert_eq!(settle(3, &[Ok(0), Ok(7)], |answer| *answer == 7), (Ok(7), 2));
        assert_eq!(settle(3, &[GONE], NEVER), (GONE, 1));
        assert_eq!(settle(3, &[Ok(7), GONE], NEVER), (GONE, 2));
    }

    #[test]
    fn it_ends_although_the_answers_always_change() {
        let answers: Vec<_> = (0..9).map(Ok).collect();
        assert_eq!(settle(2, &answers, NEVER), (Ok(8), 9));
    }
}
