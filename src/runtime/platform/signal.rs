//! A file descriptor for event loops: readable exactly while the signal is raised.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use crate::abi::hresult::{Hresult, Result};
use crate::runtime::pthread_cancel::hold_off;

/// Two connected sockets, which a new program (`exec`) does not inherit.
pub struct Signal {
    reader: UnixStream,
    writer: UnixStream,
}

impl Signal {
    pub fn new() -> Result<Signal> {
        let _cancellation = hold_off();
        let open = || {
            let (reader, writer) = UnixStream::pair()?;
            reader.set_nonblocking(true)?;
            writer.set_nonblocking(true)?;
            Ok(Signal { reader, writer })
        };
        // Only file descriptors or memory can be short.
        open().map_err(|_: std::io::Error| Hresult::E_OUTOFMEMORY)
    }

    pub fn fd(&self) -> Result<i32> {
        Ok(self.reader.as_raw_fd())
    }

    pub fn close(self) {
        let _cancellation = hold_off();
        drop(self);
    }

    /// Does not block and cannot fail: the socket holds at most one byte.
    pub fn raise(&self) {
        let _cancellation = hold_off();
        let _ = (&self.writer).write(&[1]);
    }

    /// Does not block.
    pub fn lower(&self) {
        let _cancellation = hold_off();
        let _ = (&self.reader).read(&mut [0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_readable(signal: &Signal) -> bool {
        let mut asked = libc::pollfd { fd: signal.fd().unwrap(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one element.
        unsafe { libc::poll(&mut asked, 1, 0) == 1 }
    }

    #[test]
    fn it_is_readable_exactly_while_it_is_raised() {
        let signal = Signal::new().unwrap();
        assert!(!is_readable(&signal));
        signal.raise();
        assert!(is_readable(&signal));
        signal.lower();
        assert!(!is_readable(&signal));
        signal.lower();
    }

    #[test]
    fn a_new_program_does_not_inherit_it() {
        let signal = Signal::new().unwrap();
        for fd in [signal.reader.as_raw_fd(), signal.writer.as_raw_fd()] {
            // SAFETY: it only reads the flags.
            assert_ne!(unsafe { libc::fcntl(fd, libc::F_GETFD) } & libc::FD_CLOEXEC, 0);
        }
    }
}
