//! Threads of the library. A thread of the standard library aborts the process when there is no memory for it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::abi::cause;
use crate::abi::hresult::Result;
use crate::runtime::{callback, log, platform};

/// Runs `work` on a new thread, which nobody joins. It handles no signals of the program.
pub fn spawn<F: FnOnce() + Send + 'static>(work: F) -> Result<()> {
    platform::thread::spawn(move || {
        // A panic is a bug of the library, and does not end the process.
        let _ = catch_unwind(AssertUnwindSafe(work));
        cause::take();
        log::deliver();
        // The thread ends anyway.
        callback::forget();
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    #[test]
    fn work_runs_on_another_thread() {
        let (sender, receiver) = channel();
        super::spawn(move || sender.send(std::thread::current().id()).unwrap()).unwrap();
        assert_ne!(receiver.recv().unwrap(), std::thread::current().id());
    }

    #[cfg(unix)]
    #[test]
    fn the_thread_handles_no_signals_of_the_program() {
        let (sender, receiver) = channel();
        super::spawn(move || {
            // SAFETY: a set that is all zeroes is one, and the call writes it.
            let blocked = unsafe {
                let mut now: libc::sigset_t = std::mem::zeroed();
                libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), &mut now);
                libc::sigismember(&now, libc::SIGUSR1)
            };
            sender.send(blocked).unwrap();
        })
        .unwrap();
        assert_eq!(receiver.recv().unwrap(), 1);
    }

    #[test]
    fn a_panic_ends_only_the_thread() {
        let (sender, receiver) = channel::<()>();
        super::spawn(move || {
            let _sender = sender;
            panic!("for the test");
        })
        .unwrap();
        assert!(receiver.recv().is_err());
    }
}
