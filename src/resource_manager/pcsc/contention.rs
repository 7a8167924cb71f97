//! Waits for another application's transaction, on a thread that nothing interrupts.
//!
//! SCardBeginTransaction of libpcsclite waits for other applications itself, but it polls only every 100 ms. libscm
//! polls every 5 ms, which costs one more message for each lock. So it does that only while there is contention: from
//! the first transaction for which PC/SC had to wait, for so many calls.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How often a call asks whether the transaction of another application has ended: 0.5 % of a core, and a twentieth of
/// the delay of PC/SC.
pub(super) const POLL: Duration = Duration::from_millis(5);

/// For how many calls libscm polls after it has seen contention.
const CALLS_TO_POLL: u32 = 256;

/// PC/SC takes no longer for a transaction that it need not wait for. It polls for the first time after 100 ms.
const WAITED: Duration = Duration::from_millis(50);

static CALLS_LEFT: AtomicU32 = AtomicU32::new(0);

/// Returns once `is_locked` is false, or at once if there was no contention lately.
pub fn wait_while(mut is_locked: impl FnMut() -> bool) {
    let left = CALLS_LEFT.load(Ordering::Relaxed);
    if left == 0 {
        return;
    }
    CALLS_LEFT.store(left - 1, Ordering::Relaxed);
    while is_locked() {
        CALLS_LEFT.store(CALLS_TO_POLL, Ordering::Relaxed);
        std::thread::sleep(POLL);
    }
}

/// Makes a call that PC/SC may let wait for another application, and notes contention.
pub fn observe<T>(call: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let outcome = call();
    if start.elapsed() >= WAITED {
        CALLS_LEFT.store(CALLS_TO_POLL, Ordering::Relaxed);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test, as the counter belongs to the process.
    #[test]
    fn a_wait_polls_only_after_contention() {
        CALLS_LEFT.store(0, Ordering::Relaxed);
        wait_while(|| panic!("it must not ask"));
        observe(|| std::thread::sleep(WAITED));
        for _ in 0..CALLS_TO_POLL {
            let mut asked = 0;
            wait_while(|| {
                asked += 1;
                false
            });
            assert_eq!(asked, 1);
        }
        wait_while(|| panic!("it must not ask any more"));
        observe(|| std::thread::sleep(WAITED));
        let mut answers = [true, true, false].into_iter();
        wait_while(|| answers.next().unwrap());
        assert_eq!((answers.next(), CALLS_LEFT.load(Ordering::Relaxed)), (None, CALLS_TO_POLL));
        CALLS_LEFT.store(0, Ordering::Relaxed);
    }
}
