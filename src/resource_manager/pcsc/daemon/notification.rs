//! A connection on which pcscd tells of a change, and on which nothing else is asked.

use std::io::{ErrorKind, Read};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use super::question::{TELL_CHANGE_AND_GET_SIZE, broken, greet, hear, say};
use super::socket::Stream;
use crate::abi::hresult::{Hresult, Result};
use crate::runtime::fallible::Arc;
use crate::runtime::wait::{is_past, until};

/// What pcscd sends: a time that is always 0, and a code.
const RING: usize = 8;

pub struct Notification {
    stream: Arc<Stream>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Silent,
    /// It wakes at the next change; so much of that has been seen_wakes.
    Set(usize),
    /// It has woken, and nobody has waited for that yet.
    Rung,
}

impl Notification {
    pub fn new(stream: Arc<Stream>) -> Result<Notification> {
        greet(&stream)?;
        Ok(Notification { stream, state: State::Silent })
    }

    /// What changes after this makes it ring, once. pcscd does not say that it has seen_wakes; so it is asked for the number
    /// of its places for readers, which is never 0, as a ring is.
    pub fn set(&mut self) -> Result<()> {
        if self.state != State::Silent {
            return Ok(());
        }
        self.stream.set_read_timeout(None).map_err(broken)?;
        say(&self.stream, &TELL_CHANGE_AND_GET_SIZE)?;
        self.state = State::Set(0);
        if hear(&self.stream)? == 0 {
            let (_code, _size) = (hear(&self.stream)?, hear(&self.stream)?);
            self.state = State::Rung;
        }
        Ok(())
    }

    /// Waits until it wakes, or so long. Whether it has woken.
    pub fn wait(&mut self, end: Option<Instant>) -> Result<bool> {
        while let State::Set(seen_wakes) = self.state {
            if is_past(end) {
                return Ok(false);
            }
            // Zero is no timeout of a socket.
            let rest = until(end).map(|rest| rest.max(Duration::from_millis(1)));
            self.stream.set_read_timeout(rest).map_err(broken)?;
            let mut ring = [0; RING];
            match (&*self.stream).read(ring.get_mut(seen_wakes..).unwrap_or_default()) {
                Ok(0) => return Err(Hresult::SCARD_E_NO_SERVICE),
                Ok(more) if seen_wakes + more < RING => self.state = State::Set(seen_wakes + more),
                Ok(_) => self.state = State::Rung,
                Err(error) if is_nothing(error.kind()) => {}
                Err(error) => return Err(broken(error)),
            }
        }
        let woken = self.state == State::Rung;
        self.state = State::Silent;
        Ok(woken)
    }
}

fn is_nothing(error: ErrorKind) -> bool {
    matches!(error, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

impl Drop for Notification {
    fn drop(&mut self) {
        // pcscd is to see it, although a child of this process may have the connection, too.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

#[cfg(all(test, unix, not(target_os = "macos")))]
mod tests {
    use super::*;
    use crate::runtime::wait::in_future;
    use std::io::Write;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(1);

    struct Daemon(Stream);

    impl Daemon {
        fn hears(&mut self, words: &[u32]) {
            let mut seen_wakes = vec![0; words.len() * 4];
            self.0.read_exact(&mut seen_wakes).unwrap();
            assert_eq!(seen_wakes, words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<_>>());
        }

        fn says(&mut self, words: &[u32]) {
            words.iter().for_each(|word| self.0.write_all(&word.to_ne_bytes()).unwrap());
        }
    }

    fn waker() -> (Notification, Daemon) {
        let (ours, theirs) = Stream::pair().unwrap();
        let mut daemon = Daemon(theirs);
        daemon.says(&[4, 6, 0]);
        let waker = Notification::new(Arc::try_new(ours).unwrap()).unwrap();
        daemon.hears(&[12, 0x11, 4, 6, 0]);
        (waker, daemon)
    }

    #[test]
    fn rings_once_for_each_time_it_is_set() {
        let (mut waker, mut daemon) = waker();
        for _ in 0..2 {
            daemon.says(&[2]);
            waker.set().unwrap();
            daemon.hears(&[0, 0x13, 0, 0x16]);
            assert_eq!(waker.wait(in_future(SHORT)), Ok(false));
            waker.set().unwrap();
            daemon.says(&[0, 0]);
            assert_eq!(waker.wait(in_future(LONG)), Ok(true));
        }
        assert_eq!(waker.wait(in_future(LONG)), Ok(false), "it is not set");
    }

    #[test]
    fn a_ring_may_come_before_the_answer() {
        let (mut waker, mut daemon) = waker();
        daemon.says(&[0, 0, 2]);
        waker.set().unwrap();
        waker.set().unwrap();
        daemon.hears(&[0, 0x13, 0, 0x16]);
        assert_eq!(waker.wait(in_future(LONG)), Ok(true));
        daemon.says(&[2, 0, 0]);
        waker.set().unwrap();
        assert_eq!(waker.wait(in_future(LONG)), Ok(true));
    }

    #[test]
    fn half_a_ring_is_none() {
        let (mut waker, mut daemon) = waker();
        daemon.says(&[2, 0]);
        waker.set().unwrap();
        assert_eq!(waker.wait(in_future(SHORT)), Ok(false));
        daemon.says(&[0]);
        assert_eq!(waker.wait(in_future(LONG)), Ok(true));
    }

    #[test]
    fn who_is_gone_rings_no_more() {
        let (mut waker, mut daemon) = waker();
        daemon.says(&[2]);
        waker.set().unwrap();
        drop(daemon);
        assert_eq!(waker.wait(in_future(LONG)), Err(Hresult::SCARD_E_NO_SERVICE));
    }

    #[test]
    fn the_daemon_sees_its_end() {
        let (waker, mut daemon) = waker();
        let _of_a_child = waker.stream.try_clone().unwrap();
        drop(waker);
        assert_eq!(daemon.0.read(&mut [0]).unwrap(), 0);
    }
}
