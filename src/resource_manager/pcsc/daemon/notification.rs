//! A connection on which pcscd sends notifications of changes, and on which nothing else is asked.

use std::io::{ErrorKind, Read};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use super::question::{REQUEST_NOTIFICATION_AND_SIZE, broken, greet, receive, send};
use super::socket::Stream;
use crate::abi::hresult::{Hresult, Result};
use crate::runtime::fallible::Arc;
use crate::runtime::wait::{is_past, until};

/// The length of a notification: a time that is always 0, and a code.
const LENGTH: usize = 8;

pub struct Notification {
    stream: Arc<Stream>,
    state: NotificationState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NotificationState {
    Idle,
    /// A notification was requested; so many bytes of it have been received.
    Requested(usize),
    /// A notification has been received that no wait has reported yet.
    Received,
}

impl Notification {
    pub fn new(stream: Arc<Stream>) -> Result<Notification> {
        greet(&stream)?;
        Ok(Notification { stream, state: NotificationState::Idle })
    }

    /// Requests one notification, for the next change after this. pcscd does not confirm the request. So it is also
    /// asked for the size of its reader table: this is never 0, as a notification is.
    pub fn request(&mut self) -> Result<()> {
        if self.state != NotificationState::Idle {
            return Ok(());
        }
        self.stream.set_read_timeout(None).map_err(broken)?;
        send(&self.stream, &REQUEST_NOTIFICATION_AND_SIZE)?;
        self.state = NotificationState::Requested(0);
        if receive(&self.stream)? == 0 {
            let (_code, _size) = (receive(&self.stream)?, receive(&self.stream)?);
            self.state = NotificationState::Received;
        }
        Ok(())
    }

    /// Waits for the notification, or until then. Whether it has come.
    pub fn wait(&mut self, end: Option<Instant>) -> Result<bool> {
        while let NotificationState::Requested(received) = self.state {
            if is_past(end) {
                return Ok(false);
            }
            // A socket does not accept a timeout of zero.
            let rest = until(end).map(|rest| rest.max(Duration::from_millis(1)));
            self.stream.set_read_timeout(rest).map_err(broken)?;
            let mut bytes = [0; LENGTH];
            match (&*self.stream).read(bytes.get_mut(received..).unwrap_or_default()) {
                Ok(0) => return Err(Hresult::SCARD_E_NO_SERVICE),
                Ok(more) if received + more < LENGTH => self.state = NotificationState::Requested(received + more),
                Ok(_) => self.state = NotificationState::Received,
                Err(error) if is_nothing(error.kind()) => {}
                Err(error) => return Err(broken(error)),
            }
        }
        let has_come = self.state == NotificationState::Received;
        self.state = NotificationState::Idle;
        Ok(has_come)
    }
}

fn is_nothing(error: ErrorKind) -> bool {
    matches!(error, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

impl Drop for Notification {
    fn drop(&mut self) {
        // pcscd must notice the end, even if a child of this process has the connection, too.
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
        fn receives(&mut self, words: &[u32]) {
            let mut received = vec![0; words.len() * 4];
            self.0.read_exact(&mut received).unwrap();
            assert_eq!(received, words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<_>>());
        }

        fn sends(&mut self, words: &[u32]) {
            words.iter().for_each(|word| self.0.write_all(&word.to_ne_bytes()).unwrap());
        }
    }

    fn notification() -> (Notification, Daemon) {
        let (ours, theirs) = Stream::pair().unwrap();
        let mut daemon = Daemon(theirs);
        daemon.sends(&[4, 6, 0]);
        let notification = Notification::new(Arc::try_new(ours).unwrap()).unwrap();
        daemon.receives(&[12, 0x11, 4, 6, 0]);
        (notification, daemon)
    }

    #[test]
    fn there_is_one_notification_for_each_request() {
        let (mut notification, mut daemon) = notification();
        for _ in 0..2 {
            daemon.sends(&[2]);
            notification.request().unwrap();
            daemon.receives(&[0, 0x13, 0, 0x16]);
            assert_eq!(notification.wait(in_future(SHORT)), Ok(false));
            notification.request().unwrap();
            daemon.sends(&[0, 0]);
            assert_eq!(notification.wait(in_future(LONG)), Ok(true));
        }
        assert_eq!(notification.wait(in_future(LONG)), Ok(false), "it is not requested");
    }

    #[test]
    fn a_notification_may_come_before_the_answer() {
        let (mut notification, mut daemon) = notification();
        daemon.sends(&[0, 0, 2]);
        notification.request().unwrap();
        notification.request().unwrap();
        daemon.receives(&[0, 0x13, 0, 0x16]);
        assert_eq!(notification.wait(in_future(LONG)), Ok(true));
        daemon.sends(&[2, 0, 0]);
        notification.request().unwrap();
        assert_eq!(notification.wait(in_future(LONG)), Ok(true));
    }

    #[test]
    fn half_a_notification_is_none() {
        let (mut notification, mut daemon) = notification();
        daemon.sends(&[2, 0]);
        notification.request().unwrap();
        assert_eq!(notification.wait(in_future(SHORT)), Ok(false));
        daemon.sends(&[0]);
        assert_eq!(notification.wait(in_future(LONG)), Ok(true));
    }

    #[test]
    fn a_daemon_that_has_ended_is_an_error() {
        let (mut notification, mut daemon) = notification();
        daemon.sends(&[2]);
        notification.request().unwrap();
        drop(daemon);
        assert_eq!(notification.wait(in_future(LONG)), Err(Hresult::SCARD_E_NO_SERVICE));
    }

    #[test]
    fn the_daemon_sees_its_end() {
        let (notification, mut daemon) = notification();
        let _of_a_child = notification.stream.try_clone().unwrap();
        drop(notification);
        assert_eq!(daemon.0.read(&mut [0]).unwrap(), 0);
    }
}
